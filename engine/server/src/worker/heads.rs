//! How long a request's head may take: so long from the connection on, with TLS and all, and not
//! so long from each byte. A later head on the same connection has as long from its own first byte,
//! or up to twice that, since only one is timed at a time.

use std::collections::{HashMap, VecDeque};

use whisper_core::codec::fields;
use whisper_core::http::{Method, Status, write_error};
use whisper_core::time::{Micros, Span};
use whisper_reactor::{ConnId, Io};

use super::connections::{Connection, Connections};

/// Connections whose head is being waited for, and those behind them whose head has come meanwhile.
pub(super) struct Heads {
    /// How long they have.
    max: Span,
    /// By the time until which.
    queue: VecDeque<Head>,
}

struct Head {
    until: Micros,
    conn: ConnId,
    /// How many requests had come before it.
    requests: u16,
}

/// So many find room without an allocation; the room for more is given back once a rush is over.
const KEPT: usize = 128;

/// Until when the head of a connection is waited for, where that isn't forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Awaited {
    pub(super) until: Micros,
    requests: u16,
}

fields! {
    struct Awaited { until, requests }
}

impl Heads {
    /// Heads that may take so long.
    pub(super) fn new(max: Span) -> Self {
        Self { max, queue: VecDeque::new() }
    }

    /// A head is being waited for. One at a time is, of a connection.
    pub(super) fn begin(&mut self, now: Micros, conn: ConnId, connection: &mut Connection) {
        if !std::mem::replace(&mut connection.timed, true) {
            let requests = connection.requests;
            self.queue.push_back(Head { until: now + self.max, conn, requests });
        }
    }

    /// A head that was being waited for in another process still is; in the order of the times.
    pub(super) fn go_on(&mut self, head: Awaited, conn: ConnId, connection: &mut Connection) {
        let Awaited { until, requests } = head;
        connection.timed = true;
        self.queue.push_back(Head { until, conn, requests });
    }

    /// What is being waited for.
    pub(super) fn awaited(&self) -> HashMap<ConnId, Awaited> {
        let awaited = |head: &Head| Awaited { until: head.until, requests: head.requests };
        self.queue.iter().map(|head| (head.conn, awaited(head))).collect()
    }

    /// When there may be somebody to give up.
    pub(super) fn next(&self) -> Option<Micros> {
        self.queue.front().map(|head| head.until)
    }

    /// Gives up those who took too long.
    pub(super) fn give_up(&mut self, now: Micros, io: &mut Io, connections: &mut Connections) {
        while let Some((conn, connection)) = self.take_late(now, connections) {
            let within = connection.session.is_within_head();
            connection.session.over();
            if within {
                let status = Status::RequestTimeout;
                io.write(conn, |out| write_error(out, status, Method::Get, None));
            }
            io.close(conn);
        }
    }

    /// Takes the next who took too long, and forgets whose head has come. These mostly come in the
    /// order of the connections, so that a rush leaves no more here than the slowest of it.
    fn take_late<'a>(
        &mut self,
        now: Micros,
        connections: &'a mut Connections,
    ) -> Option<(ConnId, &'a mut Connection)> {
        while let Some(head) = self.queue.front() {
            let Head { until, conn, requests } = *head;
            let awaited = connections.get_mut(conn).is_some_and(|it| {
                let silent = requests == 0 && !it.session.is_over();
                it.requests == requests && (it.session.is_within_head() || silent)
            });
            if awaited && until > now {
                return None;
            }
            self.queue.pop_front();
            if self.queue.is_empty() {
                self.queue.shrink_to(KEPT);
            }
            if awaited {
                return connections.get_mut(conn).map(|late| (conn, late));
            }
            let Some(connection) = connections.get_mut(conn) else { continue };
            connection.timed = false;
            if connection.session.is_within_head() {
                // Another one, begun in the meantime.
                self.begin(now, conn, connection);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::guest::Guest;
    use super::*;
    use crate::config::Service;

    const MAX: Span = Span::secs(10);

    #[test]
    fn whose_head_has_come_is_forgotten_at_once_and_whose_has_not_in_time_is_late() {
        let (mut heads, mut connections) = (Heads::new(MAX), Connections::with_capacity(1_000));
        let conns: Vec<_> = (0..1_000).map(ConnId::from_bits).collect();
        for &conn in &conns {
            let guest = Guest::new(Ipv4Addr::LOCALHOST.into(), Service::Plain);
            heads.begin(Micros(1), conn, connections.open(conn, guest));
        }
        let slow = conns[600];
        for &conn in conns.iter().filter(|&&conn| conn != slow) {
            connections.get_mut(conn).expect("open").requests += 1;
        }
        assert!(heads.take_late(Micros(2), &mut connections).is_none());
        assert_eq!((heads.queue.len(), heads.next()), (400, Some(Micros(1) + MAX)));
        assert!(!connections.get_mut(conns[0]).expect("open").timed, "timed anew next time");

        let (late, _) = heads.take_late(Micros(1) + MAX, &mut connections).expect("one is late");
        assert_eq!(late, slow);
        assert!(heads.take_late(Micros(1) + MAX, &mut connections).is_none());
        assert!(heads.queue.is_empty() && heads.queue.capacity() <= 2 * KEPT);
    }
}
