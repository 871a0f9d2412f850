//! The last things that happened, to be told when something breaks.

use std::collections::VecDeque;

use whisper_core::ids::TicketId;
use whisper_core::match_queue::MatchMessage;
use whisper_core::settings::OpenLanes;
use whisper_core::shard::{Envelope, ShardMessage};
use whisper_core::time::Micros;

use crate::person::Who;
use crate::wires::Weather;
use crate::words::{KINDS, kind_of_envelope};
use crate::world::GENESIS;

/// How many are kept.
const KEPT: usize = 40;

/// The last things that happened, the oldest first.
#[derive(Default)]
pub(crate) struct Trace(VecDeque<(Micros, usize, What)>);

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
    /// A message arrived: from whom, of what kind, about which tickets.
    Told { from: usize, kind: usize, tickets: [Option<TicketId>; 2] },
}

impl What {
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
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now, shard, what));
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
                What::Told { from, kind, tickets } => {
                    let named: Vec<_> = tickets.iter().flatten().map(ticket).collect();
                    let (kind, named) = (KINDS[kind], named.join(", "));
                    format!("{at:>12} µs  shard {shard}: {kind} from {from}, {named}")
                }
            }
        };
        self.0.iter().map(line).collect()
    }
}

/// A ticket by its age, home and place.
fn ticket(id: &TicketId) -> String {
    format!("{}@{}#{}", Micros(id.at).since(GENESIS).0, id.shard, id.slot)
}
