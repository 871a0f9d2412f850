//! The nodes that act as one.

use std::fmt::Write as _;

use serde_json::Value;

use crate::admin::{Admin, AdminError};
use crate::print::{self, Form, columns, field, rows};

/// Prints a row for each node; answers whether this one is as it should be.
pub(crate) fn show(admin: &Admin, form: Form) -> Result<bool, AdminError> {
    let cluster = admin.look("/admin/cluster")?;
    print::answer(form, &cluster, told);
    Ok(cluster["configured"] == false || cluster["joined"] == true)
}

fn told(cluster: &Value) -> String {
    if cluster["configured"] == false {
        return "this node is by itself: its settings name no nats\n".to_owned();
    }
    let up = if cluster["natsUp"] == true { "there" } else { "away: this node is by itself" };
    let mut out = format!(
        "cluster  {} (secret {})\nnats     {up}\nstate    {}\nepoch    {}\n",
        field(cluster, "cluster"),
        field(cluster, "secretId"),
        field(cluster, "state"),
        field(cluster, "epoch"),
    );
    if let Some(refused) = cluster["refused"].as_object().filter(|it| !it.is_empty()) {
        let counts = refused.iter().map(|(reason, count)| format!("{count} {reason}"));
        let _ = writeln!(out, "refused  {}", counts.collect::<Vec<_>>().join(", "));
        let last = &cluster["lastRefused"];
        let ago = heard(&last["msAgo"]);
        let _ = writeln!(out, "         {ago} ago: {}", field(last, "why"));
    }
    let row = |it: &Value| {
        let me = if it["me"] == true { "*" } else { "" };
        let [node, state, epoch, buckets, capacity, people] =
            ["node", "state", "epoch", "buckets", "capacity", "people"].map(|name| field(it, name));
        let heard = heard(&it["heardMsAgo"]);
        [format!("{node}{me}"), state, epoch, buckets, capacity, people, heard, link(&it["link"])]
    };
    let all: Vec<_> = rows(cluster, "nodes").iter().map(row).collect();
    let headings = ["node", "state", "epoch", "buckets", "capacity", "people", "heard", "link"];
    out + "\n" + &columns(headings, &all)
}

/// How the link to a node is; nothing where there is none.
fn link(it: &Value) -> String {
    let lost = match it["resets"].as_u64() {
        None | Some(0) => String::new(),
        Some(1) => ", lost once".to_owned(),
        Some(times) => format!(", lost {times} times"),
    };
    match (it["up"].as_bool(), it["roundTripUs"].as_u64()) {
        (None, _) => String::new(),
        (Some(false), _) => format!("down{lost}"),
        (Some(true), None) => format!("up{lost}"),
        (Some(true), Some(us)) => format!("{}.{} ms{lost}", us / 1_000, us % 1_000 / 100),
    }
}

/// A time in seconds; nothing where there is none.
fn heard(ms: &Value) -> String {
    ms.as_u64().map_or_else(String::new, |ms| format!("{}.{} s", ms / 1_000, ms % 1_000 / 100))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nodes_stand_in_a_table_and_troubles_above() {
        let link = json!({ "up": true, "roundTripUs": 2_340, "resets": 2 });
        let node = |node: u16, me: bool, heard: Option<u64>| {
            let link = if me { Value::Null } else { link.clone() };
            json!({ "link": link,
                "node": node, "me": me, "state": "member", "epoch": "4-0000cafe", "buckets": 2048,
                "capacity": 2, "people": 7, "heardMsAgo": heard,
            })
        };
        let mut cluster = json!({
            "configured": true, "cluster": "main", "secretId": "01234567", "natsUp": true,
            "state": "member", "joined": true, "epoch": "4-0000cafe", "refused": {},
            "lastRefused": null, "nodes": [node(1, true, None), node(3, false, Some(1_250))],
        });
        let text = told(&cluster);
        assert!(text.contains("cluster  main (secret 01234567)\nnats     there\n"), "{text}");
        assert!(
            text.ends_with(
                "\n\nnode  state   epoch       buckets  capacity  people  heard  link\n\
             1*    member  4-0000cafe  2048     2         7\n\
             3     member  4-0000cafe  2048     2         7       1.2 s  2.3 ms, lost 2 times\n"
            ),
            "{text}"
        );
        cluster["refused"] = json!({ "secret": 3 });
        cluster["lastRefused"] = json!({ "why": "another secret\u{1b}", "msAgo": 400 });
        let text = told(&cluster);
        assert!(text.contains("refused  3 secret\n         0.4 s ago: another secret\u{fffd}\n"));
        assert!(told(&json!({ "configured": false })).contains("by itself"));
    }
}
