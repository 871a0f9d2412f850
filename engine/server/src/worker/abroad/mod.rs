//! Resume at another node, by relaying: a person stays at home where their session is, whichever
//! node their client has come back to.
//!
//! ```text
//! client ⇄ visited node: socket, TLS, WebSocket, limits ⇄ link ⇄ home: the shard, bans, reports
//! ```
//!
//! The visited node ([`visiting`]) reads on the token whose it is, asks there ([`Roam::Come`]), and
//! lets the client wait until the home has answered. The first word for it ([`Roam::Told`]) says that
//! it is taken in; from then on whatever the client says goes to the home and what is said there
//! comes back. Where the home refuses, doesn't answer in time or can't be reached, the client stays
//! whom the visited node took it for: somebody new, and it is told so.
//!
//! The home ([`hosting`]) gives such a connection a link of its own kind, so that the shard knows no
//! difference. It keeps nothing of what it says: a reader that is slow is the visited node's, which
//! keeps as much for it as for anybody.
//!
//! A link between nodes keeps order and loses nothing until it is lost whole. Then both sides take
//! their connections for broken: the home waits for the person as for anybody whose connection is
//! lost, and the client is told to reconnect, wherever that leads.

mod hosting;
mod visiting;

use std::collections::VecDeque;

use whisper_core::codec::fields;
use whisper_core::ids::Link;
use whisper_core::time::{Micros, Span};
use whisper_proto::CloseCode;
use whisper_reactor::{ConnId, Io};
use whisper_shard_router::ShardId;

use self::hosting::Hosting;
pub(super) use self::visiting::Journey;
use super::across::{Across, Nodes};
use super::desk::Desk;
use super::guest::Who;

/// Within which time those come back whose home can't be reached any more.
const RETURN: Span = Span::secs(1);

/// What workers of two nodes say to each other of a connection, by its name where its socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Roam {
    /// To the home: somebody has brought a token of yours.
    Come {
        /// The connection.
        conn: u64,
        /// What is known of it.
        come: Come,
    },
    /// To the home: they say this.
    Said {
        /// The connection.
        conn: u64,
        /// An encoded client message.
        payload: Vec<u8>,
    },
    /// To the home: the connection is gone, or wants no more of it.
    Left {
        /// The connection.
        conn: u64,
        /// It was lost: neither side said that it ends.
        broken: bool,
    },
    /// From the home: nobody can be brought back by that token.
    Refused {
        /// The connection.
        conn: u64,
    },
    /// From the home: tell them this.
    Told {
        /// The connection.
        conn: u64,
        /// May be dropped where the receiver is slow.
        fleeting: bool,
        /// An encoded server message.
        payload: Vec<u8>,
    },
    /// From the home: close the connection.
    Closed {
        /// The connection.
        conn: u64,
        /// Why.
        code: u16,
    },
}

/// Who brings a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Come {
    /// The token.
    pub(super) token: Vec<u8>,
    /// The partner's highest message that the client has.
    pub(super) last_seq: u64,
    /// What the client said of the person's language.
    pub(super) language: Option<String>,
    /// What is asked of a client that the `hello` made suspect.
    pub(super) challenge: Option<Vec<u8>>,
    /// What they are known by.
    pub(super) who: Who,
}

fields! {
    enum Roam {
        0 Come { conn, come };
        1 Said { conn, payload };
        2 Left { conn, broken };
        3 Refused { conn };
        4 Told { conn, fleeting, payload };
        5 Closed { conn, code };
    }
    struct Come { token, last_seq, language, challenge, who }
}

/// What a worker has to do with other nodes.
pub(super) struct Abroad {
    pub(super) nodes: Nodes,
    hosting: Hosting,
    /// Connections here of people at home elsewhere.
    visitors: usize,
    /// Connections that wait for a home's answer, by the time until which they do.
    asking: VecDeque<(Micros, ConnId)>,
    /// Connections to be told to come back elsewhere, or by another way, by when.
    parting: VecDeque<(Micros, ConnId)>,
    /// Over which time they come back.
    jitter: Span,
}

impl Abroad {
    /// Of a reactor with so many sockets: it hosts as many people again.
    pub(super) fn new(nodes: Nodes, sockets: usize) -> Self {
        Self {
            nodes,
            hosting: Hosting::of(sockets),
            visitors: 0,
            asking: VecDeque::new(),
            parting: VecDeque::new(),
            jitter: RETURN,
        }
    }

    /// How many connections here are of people at home elsewhere, and how many people at home here
    /// have theirs elsewhere.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.visitors, self.hosting.len())
    }

    /// What a link is that leads to another node is known by.
    pub(super) fn who(&self, link: Link) -> Option<Who> {
        self.hosting.get(link).map(|hosted| hosted.who)
    }

    /// When something is due by itself.
    pub(super) fn next(&self) -> Option<Micros> {
        let first = |queue: &VecDeque<(Micros, ConnId)>| queue.front().map(|(at, _)| *at);
        [first(&self.asking), first(&self.parting)].into_iter().flatten().min()
    }

    /// Says something to somebody whose connection is at another node.
    pub(super) fn tell(&mut self, link: Link, fleeting: bool, encode: impl FnOnce(&mut Vec<u8>)) {
        let Some(hosted) = self.hosting.get(link) else { return };
        let (to, conn) = (hosted.from, hosted.conn);
        let mut payload = Vec::new();
        encode(&mut payload);
        self.send(to, Roam::Told { conn, fleeting, payload });
    }

    /// Has such a connection closed; whose it was.
    pub(super) fn close(&mut self, link: Link, code: CloseCode) -> Option<hosting::Hosted> {
        let hosted = self.hosting.leave(link)?;
        self.send(hosted.from, Roam::Closed { conn: hosted.conn, code: code.as_u16() });
        Some(hosted)
    }

    fn send(&mut self, to: ShardId, roam: Roam) {
        self.nodes.push(to, &Across::Roam(roam));
    }
}

impl Desk {
    /// Hears what a worker of another node says of a connection.
    pub(super) fn hear_roam(&mut self, io: &mut Io, from: ShardId, roam: Roam) {
        let place = ConnId::from_bits;
        match roam {
            Roam::Come { conn, come } => self.host(io, (from, conn), come),
            Roam::Said { conn, payload } => self.hear_hosted(io, (from, conn), &payload),
            Roam::Left { conn, broken } => self.hosted_left(io, (from, conn), broken),
            Roam::Refused { conn } => self.refused_abroad(io, (from, place(conn))),
            Roam::Told { conn, fleeting, payload } => {
                self.told_abroad(io, (from, place(conn)), &payload, fleeting);
            }
            Roam::Closed { conn, code } => self.closed_abroad(io, (from, place(conn)), code),
        }
    }

    /// The link to a node is over, and what was said on it may be lost.
    pub(super) fn lose_node(&mut self, io: &mut Io, node: u16) {
        self.lose_home(io, node);
        self.lose_hosted(io, node);
    }
}
