//! What happened, in words.

use whisper_core::ids::{SessionId, TicketId};
use whisper_core::match_queue::{ClusterMessage, Level, MatchMessage};

use super::scene::place;
use super::shard::{Input, Message};

const NAMES: [&str; 8] = ["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal"];

/// What somebody is called.
pub(super) fn name(who: usize) -> &'static str {
    NAMES[who]
}

/// A ticket by its home and its number there.
pub(super) fn ticket(ticket: TicketId) -> String {
    format!("t{}.{}", place(ticket.home()), ticket.at)
}

/// One step of a story.
pub(super) fn step(input: &Input, at: u16) -> String {
    match input {
        Input::Act { who, act } => format!("{}: {act:?}", name(*who)),
        Input::Message { from, message } => format!("    {from} → {at}: {}", tell(message)),
    }
}

fn tell(message: &Message) -> String {
    let person = |session: SessionId| name(session.slot as usize);
    let message = match message {
        Message::Match(message) => message,
        Message::Lost => return "the link was lost".into(),
        Message::Ended { to, room } => {
            return format!("Ended {}.{} to {}", room.0[0], room.0[1], person(*to));
        }
        Message::Said { to, room } => {
            return format!("Said in {}.{} to {}", room.0[0], room.0[1], person(*to));
        }
    };
    let pair = |a, b| format!("{} {}", ticket(a), ticket(b));
    match message {
        MatchMessage::Post(card) => {
            let level = level(card.level);
            format!("Post {} of {}, {level}", ticket(card.ticket), person(card.person))
        }
        MatchMessage::Relax { ticket: id, level: to } => {
            format!("Relax {}, {}", ticket(*id), level(*to))
        }
        MatchMessage::Withdraw { ticket: id } => format!("Withdraw {}", ticket(*id)),
        MatchMessage::Propose { a, b, .. } => format!("Propose {}", pair(*a, *b)),
        MatchMessage::Claim(claim) => format!("Claim {}", pair(claim.a, claim.b)),
        MatchMessage::Accept(accept) => format!("Accept {}", pair(accept.a, accept.b)),
        MatchMessage::Refuse { a, b, outcome, .. } => {
            format!("Refuse {} {outcome:?}", pair(*a, *b))
        }
        MatchMessage::Outcome { a, b, outcome } => {
            format!("Outcome {} {outcome:?}", pair(*a, *b))
        }
        MatchMessage::Cluster(message) => abroad(message),
    }
}

/// A message about tickets of different nodes: its name, and which.
fn abroad(message: &ClusterMessage) -> String {
    let what = match message {
        ClusterMessage::Post { .. } => "Post".into(),
        ClusterMessage::Stale { .. } => "Stale".into(),
        ClusterMessage::Withdraw { .. } => "Withdraw".into(),
        ClusterMessage::Propose { .. } => "Propose".into(),
        ClusterMessage::Claim { .. } => "Claim".into(),
        ClusterMessage::Accept { .. } => "Accept".into(),
        ClusterMessage::Refuse { outcome, .. } => format!("Refuse {outcome:?}"),
        ClusterMessage::Confirm { .. } => "Confirm".into(),
        ClusterMessage::Confirmed { .. } => "Confirmed".into(),
        ClusterMessage::Release { .. } => "Release".into(),
        ClusterMessage::Outcome { outcome, .. } => format!("Outcome {outcome:?}"),
    };
    let tickets = message.tickets().into_iter().flatten().map(ticket);
    format!("cluster {what} {}", tickets.collect::<Vec<_>>().join(" "))
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Overlap => "to two alike",
        Level::Single => "to one alike",
        Level::Any => "to anyone",
        Level::Again => "to anyone again",
    }
}
