//! One process takes over from another, and people notice nothing.

#[path = "../harness/mod.rs"]
mod harness;

mod asked_for;
mod chats;
mod failing;

use harness::{Client, Words, say};

/// Each of two people in a chat hears the other.
#[track_caller]
fn talk(ann: &mut Client, bob: &mut Client, words: &str) {
    ann.say(&say(words));
    assert_eq!(bob.expect::<Words>().content, words);
    bob.say(&say(words));
    assert_eq!(ann.expect::<Words>().content, words);
}
