//! The accepting role, over real sockets.

mod harness;

use std::io::{Read, Write};

use harness::{World, echo};
use whisper_reactor::{Closed, Config};

#[test]
fn one_connection_is_echoed() {
    let mut world = World::new(Config::default(), echo);
    let (mut client, conn) = world.client();
    for round in 0..100_u8 {
        client.write_all(&[round; 64]).unwrap();
        world.until("the echo is sent", |world| {
            world.heard.received_bytes == 64 * (usize::from(round) + 1)
        });
        world.turn();
        let mut answer = [0; 64];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [round; 64]);
    }
    drop(client);
    world.until("the end is heard", |world| world.heard.why(conn).is_some());
    assert_eq!(world.heard.why(conn), Some(Closed::Peer));
    world.until_empty();
}
