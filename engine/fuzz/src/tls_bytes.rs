//! What comes over the wire of a TLS connection, before anybody knows who sends it.

use std::sync::{Arc, OnceLock};

use whisper_tls::{Acceptor, Connection, Failure, Heard, Identities, Identity, Tickets};

use crate::Target;
use crate::choices::Choices;
use crate::pieces::Pieces;
use crate::seeds;

/// Longer than what is kept of a client that waits.
pub(crate) const TARGET: Target =
    Target { name: "tls_bytes", run, seeds: seeds::tls_bytes, bytes_max: 24 * 1024 };

/// What is kept of a client that waits for its turn.
const KEPT_MAX: usize = 20 * 1024;

/// The most that is said to who has not shaken hands: certificate and all, and a hello before that.
const SAID_MAX: usize = 4096;

fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let pieces = Pieces::choose(&mut choices);
    let stream = choices.rest();

    let whole = receive([stream], false);
    assert_eq!(receive(pieces.of(stream), false), whole, "the pieces matter");
    if stream.len() <= KEPT_MAX {
        assert_eq!(receive(pieces.of(stream), true), whole, "a place in line matters");
    }
    let first_is_tls = stream.first().is_none_or(|byte| matches!(byte, 20..=23));
    match whole {
        None => assert!(first_is_tls, "it waits for more of what is no TLS"),
        Some(failure) => {
            assert_eq!(failure == Failure::NotTls, !first_is_tls, "{failure:?}");
            assert_ne!(failure, Failure::Internal, "the fault is ours");
        }
    }
}

/// What becomes of a connection that these bytes come to: why it is over, if it is. In line, bytes
/// are kept, and looked at in the end.
fn receive<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, in_line: bool) -> Option<Failure> {
    let mut connection = Connection::new(acceptor());
    let mut failure = None;
    let mut heard = |connection: &mut Connection, bytes: Option<&[u8]>| {
        let heard = match bytes {
            Some(bytes) if in_line => connection.keep(bytes),
            bytes => connection
                .receive(&mut bytes.unwrap_or_default().to_vec(), |_| panic!("nobody has said it")),
        };
        match heard {
            Heard::Open => true,
            Heard::Failed(why) => {
                failure = Some(why);
                false
            }
            Heard::Shaken { .. } | Heard::Closed => panic!("hands were shaken with nobody"),
        }
    };
    let open = pieces.into_iter().all(|piece| heard(&mut connection, Some(piece)));
    if open && in_line {
        heard(&mut connection, None);
    }
    let mut said = Vec::new();
    connection.send(b"nothing is said to nobody", &mut said);
    connection.finish(&mut said);
    assert!(said.len() <= SAID_MAX, "{} bytes for nothing", said.len());
    check_records(&said);
    failure
}

/// What was said is whole records, and no word in them.
fn check_records(mut said: &[u8]) {
    while let Some((&[kind, 3, _, high, low], rest)) = said.split_first_chunk() {
        assert!(matches!(kind, 20..=23), "a record of kind {kind}");
        let length = usize::from(u16::from_be_bytes([high, low]));
        said = rest.get(length..).expect("a whole record");
    }
    assert!(said.is_empty(), "something that is no record");
}

fn acceptor() -> &'static Acceptor {
    static ACCEPTOR: OnceLock<Acceptor> = OnceLock::new();
    ACCEPTOR.get_or_init(|| {
        let identity = Identity::self_signed(&["chat.example".to_owned()]).expect("good names");
        let identities = Identities::new(vec![identity]).expect("there is one");
        Acceptor::new(Arc::new(identities), &Tickets::new().expect("randomness"))
    })
}
