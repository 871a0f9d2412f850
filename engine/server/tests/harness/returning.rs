//! What people do whose connection is lost.

use whisper_proto::{ClientMessage, Hello, ServerMessage};

use super::{Client, Engine, Spoken, Welcome, Words};

/// Somebody who said hello, and what they were told first.
pub(crate) fn arrive(engine: &Engine, spoken: Spoken) -> (Client, Welcome) {
    let mut client = engine.http().upgrade_silently_to(spoken);
    let (welcome, _) = client.greet();
    client.say(&ClientMessage::Hello(Hello::default()));
    (client, welcome)
}

/// A new connection that asks for a session; what it is told then.
#[track_caller]
pub(crate) fn ask_in(
    engine: &Engine,
    spoken: Spoken,
    token: &[u8],
    last_seq: u64,
) -> (Client, Welcome) {
    let mut client = engine.http().upgrade_silently_to(spoken);
    client.greet();
    let (resume, last_seq) = (Some(token), Some(last_seq));
    client.say(&ClientMessage::Hello(Hello { resume, last_seq, ..Hello::default() }));
    let answer = client.expect();
    (client, answer)
}

/// Hears these words, in order.
#[track_caller]
pub(crate) fn hears_words(person: &mut Client, wanted: &[&str]) {
    for content in wanted {
        assert_eq!(person.expect::<Words>().content, *content);
    }
}

/// Waits until they are told that the partner may come back; within which time.
#[track_caller]
pub(crate) fn waits(person: &mut Client) -> u32 {
    person.hear("partner_reconnecting", |message| match message {
        ServerMessage::PartnerReconnecting { grace_ms } => Some(*grace_ms),
        _ => None,
    })
}
