//! How long a request's head may take: so long from the connection on, with TLS and all, and not
//! so long from each byte. A later head on the same connection has as long from its own first byte,
//! or up to twice that, since only one is timed at a time.

use std::collections::VecDeque;

use whisper_core::http::{Method, Status, write_error};
use whisper_core::time::{Micros, Span};
use whisper_reactor::{ConnId, Io};

use super::connections::{Connection, Connections};

/// Connections whose head is being waited for.
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

    /// When there may be somebody to give up.
    pub(super) fn next(&self) -> Option<Micros> {
        self.queue.front().map(|head| head.until)
    }

    /// Gives up those who took too long.
    pub(super) fn give_up(&mut self, now: Micros, io: &mut Io, connections: &mut Connections) {
        while let Some(head) = self.queue.pop_front_if(|head| head.until <= now) {
            let Head { conn, requests, .. } = head;
            let Some(connection) = connections.get_mut(conn) else { continue };
            connection.timed = false;
            let within = connection.session.is_within_head();
            let silent = connection.requests == 0 && !connection.session.is_over();
            if connection.requests != requests && within {
                // Another one, begun in the meantime, and seen too late to be timed by itself.
                self.begin(now, conn, connection);
            } else if within || silent {
                connection.session.over();
                if within {
                    let status = Status::RequestTimeout;
                    io.write(conn, |out| write_error(out, status, Method::Get, None));
                }
                io.close(conn);
            }
        }
    }
}
