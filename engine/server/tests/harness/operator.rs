//! What operators ask over the engine's socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use super::Engine;

impl Engine {
    /// GETs what stands under `/admin/`: the status, and what was answered.
    pub(crate) fn look(&self, what: &str) -> (u16, Value) {
        self.ask_operators_door(&format!("GET /admin/{what} HTTP/1.0\r\n\r\n"))
    }

    /// POSTs what is wanted there.
    pub(crate) fn order(&self, what: &str, wish: &Value) -> (u16, Value) {
        let body = wish.to_string();
        let head = format!("POST /admin/{what} HTTP/1.0\r\nContent-Length: {}", body.len());
        self.ask_operators_door(&format!("{head}\r\n\r\n{body}"))
    }

    fn ask_operators_door(&self, request: &str) -> (u16, Value) {
        let path = self.ready["adminSocket"].as_str().expect("a path");
        let mut stream = UnixStream::connect(Path::new(path)).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).expect("JSON"))
    }
}
