//! A server that lies: it relays, but drops, doubles, alters, reorders or misroutes a message now
//! and then. Every such lie must fail the run, and be called by its name.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use serde_json::Value;
use whisper_core::ws::accept_key;

const BENCH: &str = env!("CARGO_BIN_EXE_whisper-bench");

/// A frame as small as ours: opcode and payload, unmasked.
type Frame = (u8, Vec<u8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    Honest,
    Drops,
    Doubles,
    Alters,
    Reorders,
    Misroutes,
}

/// After so many frames of a connection comes a lie.
const LIE_AT: usize = 20;

/// Serves `people` connections, paired as they come, from threads that end with the connections.
fn serve(people: usize, lie: Lie) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let upgraded: Vec<TcpStream> =
            (0..people).map(|_| upgrade(listener.accept().unwrap().0).unwrap()).collect();
        for (place, stream) in upgraded.iter().enumerate() {
            let from = stream.try_clone().unwrap();
            let to = upgraded[place ^ 1].try_clone().unwrap();
            let stranger = upgraded[(place + 2) % people].try_clone().unwrap();
            thread::spawn(move || relay(from, to, stranger, lie));
        }
    });
    address
}

fn upgrade(mut stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).unwrap();
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = accept_key(key.unwrap().as_bytes());
    let accept = std::str::from_utf8(&accept).unwrap();
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    Ok(stream)
}

/// Passes on what one says, until it says no more.
fn relay(mut from: TcpStream, mut to: TcpStream, mut stranger: TcpStream, lie: Lie) {
    let mut kept: Option<Frame> = None;
    let mut heard = 0;
    while let Ok((opcode, mut payload)) = read(&mut from) {
        heard += usize::from(opcode == 2);
        let lies = heard == LIE_AT && opcode == 2;
        let written = match lie {
            _ if opcode != 2 => Ok(()),
            Lie::Drops if lies => Ok(()),
            Lie::Doubles if lies => {
                write(&mut to, &payload).and_then(|()| write(&mut to, &payload))
            }
            Lie::Alters if lies => {
                *payload.last_mut().unwrap() ^= 1;
                write(&mut to, &payload)
            }
            Lie::Reorders if lies => {
                kept = Some((opcode, payload));
                Ok(())
            }
            Lie::Misroutes if lies => write(&mut stranger, &payload),
            _ => write(&mut to, &payload).and_then(|()| match kept.take() {
                Some((_, payload)) => write(&mut to, &payload),
                None => Ok(()),
            }),
        };
        if written.is_err() {
            return;
        }
    }
}

fn read(stream: &mut TcpStream) -> io::Result<Frame> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut length = usize::from(head[1] & 0x7f);
    if length == 126 {
        let mut long = [0; 2];
        stream.read_exact(&mut long)?;
        length = u16::from_be_bytes(long).into();
    }
    let mut mask = [0; 4];
    stream.read_exact(&mut mask)?;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload)?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok((head[0] & 15, payload))
}

/// All at once, because others write to this socket too.
fn write(stream: &mut TcpStream, payload: &[u8]) -> io::Result<()> {
    let mut frame = vec![0x82, u8::try_from(payload.len()).unwrap()];
    assert!(payload.len() < 126, "longer ones have another header");
    frame.extend_from_slice(payload);
    stream.write_all(&frame)
}

/// The exit code and the result of a run against a liar.
fn run(lie: Lie) -> (Option<i32>, Value) {
    let address = serve(4, lie);
    // At a rate: a closed loop would stop with the first message that is lost.
    let output = Command::new(BENCH)
        .args(["relay", "--target", &address, "--peer", "--pairs", "2", "--rate", "400"])
        .args(["--secs", "0.5", "--warm-up", "0", "--json", "--quiet"])
        .output()
        .unwrap();
    let result = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), result)
}

#[test]
fn every_lie_is_caught_and_called_by_its_name() {
    let lies = [
        (Lie::Honest, None),
        (Lie::Drops, Some("messages_lost")),
        (Lie::Doubles, Some("messages_doubled")),
        (Lie::Alters, Some("messages_foreign")),
        (Lie::Reorders, Some("messages_reordered")),
        (Lie::Misroutes, Some("messages_foreign")),
    ];
    // All at once: a run that misses something waits for it in vain.
    let (results, inbox) = mpsc::channel();
    for (lie, named) in lies {
        let results = results.clone();
        thread::spawn(move || results.send((lie, named, run(lie))).unwrap());
    }
    drop(results);
    let mut seen = 0;
    for (lie, named, (code, result)) in inbox {
        seen += 1;
        let count = |name: &str| result["figures"][name].as_u64().unwrap();
        assert!(count("messages") > 0, "{lie:?}: {result:#}");
        match named {
            None => assert_eq!(result["faults"], serde_json::json!([]), "{lie:?}"),
            Some(name) => {
                assert_eq!(code, Some(1), "{lie:?}");
                assert_eq!(result["outcome"], "failed", "{lie:?}");
                assert!(count(name) > 0, "{lie:?}: {result:#}");
            }
        }
        if lie != Lie::Reorders && named.is_some() {
            assert_eq!(count("messages_reordered"), 0, "{lie:?}");
        }
    }
    assert_eq!(seen, lies.len());
}
