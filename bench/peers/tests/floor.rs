//! The floor does what its measurements take for granted, by an independent client's word.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket, connect};

struct Floor {
    process: Child,
    url: String,
}

impl Floor {
    fn start(mode: &str) -> Floor {
        let mut process = Command::new(env!("CARGO_BIN_EXE_floor"))
            .args(["--listen", "127.0.0.1:0", mode])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["event"], "ready");
        let url = format!("ws://{}/", ready["listen"].as_str().unwrap());
        Floor { process, url }
    }

    fn client(&self) -> WebSocket<MaybeTlsStream<std::net::TcpStream>> {
        connect(&self.url).unwrap().0
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn payload(len: usize) -> Message {
    Message::binary((0..len).map(|place| (place * 7 % 251) as u8).collect::<Vec<_>>())
}

#[test]
fn frames_of_all_sizes_are_echoed() {
    let floor = Floor::start("--echo");
    let mut client = floor.client();
    for len in [0, 1, 125, 126, 2000, 65_535, 65_536] {
        client.send(payload(len)).unwrap();
        assert!(client.read().unwrap() == payload(len), "{len} bytes");
    }
    for _ in 0..100 {
        client.write(payload(64)).unwrap();
    }
    client.flush().unwrap();
    for _ in 0..100 {
        assert!(client.read().unwrap() == payload(64));
    }
}

#[test]
fn clients_are_paired_as_they_come_and_part_together() {
    let floor = Floor::start("--relay");
    let mut pairs: Vec<_> = (0..20).map(|_| (floor.client(), floor.client())).collect();
    for (number, (first, second)) in pairs.iter_mut().enumerate() {
        assert_eq!(first.read().unwrap(), payload(0), "told of the partner");
        assert_eq!(second.read().unwrap(), payload(0), "told of the partner");
        first.send(payload(number)).unwrap();
        second.send(payload(number + 1000)).unwrap();
        assert!(second.read().unwrap() == payload(number));
        assert!(first.read().unwrap() == payload(number + 1000));
    }
    for (first, mut second) in pairs {
        drop(first);
        assert!(second.read().is_err());
    }
    let (mut first, mut second) = (floor.client(), floor.client());
    assert_eq!(first.read().unwrap(), payload(0), "slots are used again");
    assert_eq!(second.read().unwrap(), payload(0));
}
