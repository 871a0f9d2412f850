//! The last things that happened, to be told when something breaks.

use std::collections::VecDeque;

use whisper_core::ids::TicketId;
use whisper_core::match_queue::MatchMessage;
use whisper_core::settings::OpenLanes;
use whisper_core::shard::{Envelope, ShardMessage};
use whisper_core::time::Micros;
use whisper_shard_router::ShardId;

use crate::person::Who;
use crate::places::NODE;
use crate::wires::Weather;
use crate::words::{KINDS, kind_of_envelope};
use crate::world::{GENESIS, News};

/// How many are kept.
const KEPT: usize = 40;

/// The same, of what goes wrong between nodes.
const TROUBLE_KEPT: usize = 24;

/// The last things that happened, the oldest first.
#[derive(Default)]
pub(crate) struct Trace {
    last: VecDeque<(Micros, usize, What)>,
    /// What went wrong last between nodes, which may be long ago.
    trouble: VecDeque<(Micros, usize, What)>,
}

/// What happened at a shard.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// Its time had come.
    Tick,
    /// Somebody did something, that is called so.
    Does(Who, &'static str),
    /// An operator banned somebody.
    Bans(Who),
    /// An operator said which lanes are open.
    Opens(OpenLanes),
    /// The process was followed by another of so many shards.
    Followed { shards: u16 },
    /// Something befell a node.
    Node(u16, &'static str),
    /// The wire from a node to another was cut, or mended.
    Cut { from: u16, to: u16, mended: bool },
    /// So much of what nodes send is lost, or comes otherwise than it was sent.
    Weather(Weather),
    /// It heard that of a node.
    Learns(&'static str, Option<u16>),
    /// The same as [`Self::Told`], by a shard of another node.
    Abroad { from: ShardId, kind: usize, tickets: [Option<TicketId>; 2] },
    /// A message arrived: from whom, of what kind, about which tickets.
    Told { from: usize, kind: usize, tickets: [Option<TicketId>; 2] },
}

impl What {
    pub(crate) fn news(news: &News) -> Self {
        match *news {
            News::Map(_) => Self::Learns("that there is another map", None),
            News::Linked(node, _) => Self::Learns("of a link to", Some(node)),
            News::Lost(node) => Self::Learns("that there is no link any more to", Some(node)),
            News::Heard(from, ref envelope) => {
                let Self::Told { kind, tickets, .. } = Self::told(0, envelope) else {
                    return Self::Tick;
                };
                Self::Abroad { from, kind, tickets }
            }
        }
    }

    pub(crate) fn told(from: usize, envelope: &Envelope) -> Self {
        let tickets = match &envelope.message {
            ShardMessage::Match(message) => match message {
                MatchMessage::Post(card) => [Some(card.ticket), None],
                MatchMessage::Relax { ticket, .. } | MatchMessage::Withdraw { ticket } => {
                    [Some(*ticket), None]
                }
                MatchMessage::Propose { a, b, .. }
                | MatchMessage::Refuse { a, b, .. }
                | MatchMessage::Outcome { a, b, .. } => [Some(*a), Some(*b)],
                MatchMessage::Claim(claim) => [Some(claim.a), Some(claim.b)],
                MatchMessage::Accept(accept) => [Some(accept.a), Some(accept.b)],
                MatchMessage::Cluster(message) => message.tickets(),
            },
            ShardMessage::Room(_)
            | ShardMessage::Census(_)
            | ShardMessage::Door(_)
            | ShardMessage::Standing(_) => [None, None],
        };
        Self::Told { from, kind: kind_of_envelope(envelope), tickets }
    }
}

impl Trace {
    pub(crate) fn note(&mut self, now: Micros, shard: usize, what: What) {
        let trouble = matches!(what, What::Node(..) | What::Cut { .. } | What::Weather(_));
        let (kept, most) =
            if trouble { (&mut self.trouble, TROUBLE_KEPT) } else { (&mut self.last, KEPT) };
        if kept.len() == most {
            kept.pop_front();
        }
        kept.push_back((now, shard, what));
    }

    /// A line for each.
    pub(crate) fn tell(&self) -> Vec<String> {
        let line = |&(at, shard, what): &(Micros, usize, What)| {
            let at = at.since(GENESIS).0;
            match what {
                What::Tick => format!("{at:>12} µs  shard {shard}: its time has come"),
                What::Does(Who(who), deed) => format!("{at:>12} µs  shard {shard}: {who} {deed}"),
                What::Bans(Who(who)) => format!("{at:>12} µs  shard {shard}: {who} is banned"),
                What::Opens(lanes) => {
                    let open = lanes.iter().count();
                    format!("{at:>12} µs  shard {shard}: {open} lanes are open")
                }
                What::Followed { shards } => {
                    format!("{at:>12} µs  another process of {shards} shards follows")
                }
                What::Node(node, deed) => format!("{at:>12} µs  node {node} {deed}"),
                What::Cut { from, to, mended } => {
                    let now = if mended { "whole" } else { "cut" };
                    format!("{at:>12} µs  the wire from node {from} to {to} is {now}")
                }
                What::Weather(Weather { lost, doubled, overtaking }) => format!(
                    "{at:>12} µs  of 100 parcels {lost} are lost, {doubled} come twice, \
                     {overtaking} overtake"
                ),
                What::Learns(what, node) => {
                    let node = node.map_or(String::new(), |node| format!(" node {}", node - NODE));
                    format!("{at:>12} µs  shard {shard} learns {what}{node}")
                }
                What::Abroad { from, kind, tickets } => {
                    let named: Vec<_> = tickets.iter().flatten().map(ticket).collect();
                    let (kind, named, node) = (KINDS[kind], named.join(", "), from.node - NODE);
                    let from = from.shard;
                    format!(
                        "{at:>12} µs  shard {shard}: {kind} from {from} of node {node}, {named}"
                    )
                }
                What::Told { from, kind, tickets } => {
                    let named: Vec<_> = tickets.iter().flatten().map(ticket).collect();
                    let (kind, named) = (KINDS[kind], named.join(", "));
                    format!("{at:>12} µs  shard {shard}: {kind} from {from}, {named}")
                }
            }
        };
        self.trouble.iter().chain(&self.last).map(line).collect()
    }
}

/// A ticket by its age, home and place.
fn ticket(id: &TicketId) -> String {
    format!("{}@{}#{}", Micros(id.at).since(GENESIS).0, id.shard, id.slot)
}
