//! The numbers of all nodes: each keeps its own under `stats:node:{id}`, which ends by itself a few
//! seconds after the node does; the sum of those that are there stands in `stats:global`.

use redis::{RedisResult, Value};

use super::connection::{Connection, text};
use crate::stats::{NodeStats, Others};

/// How long a node's numbers last without it, in milliseconds.
const LAST_MS: u64 = 4_000;

/// Nodes that are asked for.
const NODES_MAX: usize = 1_000;

const NODES: &str = "stats:nodes";
const GLOBAL: &str = "stats:global";
const MATCHES: &str = "stats:matches";

impl Connection {
    /// Tells our numbers, hears the others', and writes the sum. `more` matches came since the last
    /// time that this was answered; where the answer to it was lost, they are counted twice.
    pub(super) async fn exchange(
        &mut self,
        node: &str,
        mine: NodeStats,
        more: u64,
    ) -> RedisResult<Others> {
        let numbers = serde_json::to_string(&mine).expect("numbers are JSON");
        let mut tell = redis::pipe();
        tell.cmd("SET").arg(key_of(node)).arg(numbers).arg("PX").arg(LAST_MS).ignore();
        tell.cmd("SADD").arg(NODES).arg(node).ignore();
        tell.cmd("SMEMBERS").arg(NODES);
        tell.cmd("INCRBY").arg(MATCHES).arg(more);
        let (nodes, matches): (Vec<String>, u64) = tell.query_async(&mut self.0).await?;
        let others: Vec<_> =
            nodes.into_iter().filter(|other| other != node).take(NODES_MAX).collect();
        let mut heard = Vec::new();
        if !others.is_empty() {
            let mut ask = redis::cmd("MGET");
            for other in &others {
                ask.arg(key_of(other));
            }
            heard = ask.query_async::<Vec<Value>>(&mut self.0).await?;
        }
        let mut sum = Others::default();
        let mut write = redis::pipe();
        for (other, numbers) in others.iter().zip(&heard) {
            match text(numbers).map(serde_json::from_str) {
                Some(Ok(numbers)) => {
                    sum = Others { sum: sum.sum + numbers, nodes: sum.nodes + 1 };
                }
                Some(Err(_)) => {}
                None => {
                    write.cmd("SREM").arg(NODES).arg(other).ignore();
                }
            }
        }
        let all = sum.sum + mine;
        let mean_wait_ms = all.waited_ms.checked_div(all.matched).unwrap_or(0);
        write.cmd("HSET").arg(GLOBAL).ignore();
        for (name, value) in [
            ("online", all.online),
            ("inQueue", all.in_queue),
            ("activeChats", all.active_chats),
            ("avgMatchTime", mean_wait_ms),
            ("totalMatches", matches),
            ("nodes", u64::from(sum.nodes) + 1),
        ] {
            write.arg(name).arg(value);
        }
        write.cmd("PEXPIRE").arg(GLOBAL).arg(LAST_MS).ignore();
        write.query_async::<()>(&mut self.0).await?;
        Ok(sum)
    }
}

fn key_of(node: &str) -> String {
    format!("stats:node:{node}")
}
