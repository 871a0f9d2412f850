//! What a server says of itself: its numbers for Prometheus, by plain HTTP.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::str::FromStr;
use std::time::Duration;

use super::MeasureError;

/// How long each step of the way may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// Where a server tells its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    path: String,
}

/// The numbers, each summed up over its labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metrics(BTreeMap<String, f64>);

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.trim().strip_prefix("http://").unwrap_or(text.trim());
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = if path.is_empty() { "metrics" } else { path };
        if path.contains(|c: char| c.is_control() || c == ' ') {
            return Err("a path has no spaces".to_owned());
        }
        let found = host.to_socket_addrs();
        let mut found = found.map_err(|error| format!("{error}; give http://HOST:PORT/PATH"))?;
        let address = found.next().ok_or_else(|| "this name has no address".to_owned())?;
        Ok(Self { address, path: format!("/{path}") })
    }
}

impl Metrics {
    /// What a server tells now.
    ///
    /// # Errors
    /// Where it doesn't.
    pub(crate) fn fetch(from: &Endpoint) -> Result<Self, MeasureError> {
        let untold =
            |error| MeasureError::Untold { address: from.address, path: from.path.clone(), error };
        let answer = ask(from).map_err(untold)?;
        Self::of_answer(&answer).ok_or_else(|| {
            untold(io::Error::new(io::ErrorKind::InvalidData, "the answer is not 200 with numbers"))
        })
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// What was counted since `earlier`: of all that only grow, those that did.
    pub(crate) fn grown_since(&self, earlier: &Self) -> impl Iterator<Item = (&str, f64)> {
        let counters = self.0.iter().filter(|(name, _)| name.ends_with(COUNTER));
        let grown = counters.map(|(name, now)| (name, now - earlier.get(name).unwrap_or(0.0)));
        grown
            .filter(|(_, more)| *more > 0.0)
            .map(|(name, more)| (name.strip_suffix(COUNTER).unwrap_or(name), more))
    }

    fn of_answer(answer: &str) -> Option<Self> {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split_ascii_whitespace().nth(1)?;
        (status == "200").then(|| Self::parse(body))
    }

    /// Lines that tell no number are passed over.
    fn parse(text: &str) -> Self {
        let mut sums = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = match line.split_once('{') {
                Some((name, labelled)) => (name, labelled.rsplit_once('}').map(|(_, it)| it)),
                None => line.split_once(' ').map_or((line, None), |(name, it)| (name, Some(it))),
            };
            let value = rest.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok());
            if let Some(value) = value.filter(|value: &f64| value.is_finite()) {
                *sums.entry(name.to_owned()).or_insert(0.0) += value;
            }
        }
        Self(sums)
    }
}

/// How the names of those end that only grow.
const COUNTER: &str = "_total";

fn ask(from: &Endpoint) -> io::Result<String> {
    let stream = TcpStream::connect_timeout(&from.address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    get(stream, &from.address.to_string(), &from.path)
}

/// What is answered on a connection to whoever asks for this by HTTP: head and body.
///
/// # Errors
/// The connection's.
pub(crate) fn get(mut stream: impl Read + Write, host: &str, path: &str) -> io::Result<String> {
    // Of version 1.0, so that the answer ends with the connection and comes in one piece.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const NUMBERS: &str = "# HELP whisper_sends Sends.\n# TYPE whisper_sends counter\n\
        whisper_sends_total{reactor=\"0\"} 3\nwhisper_sends_total{reactor=\"1\"} 4 1700000000\n\
        whisper_sockets_open{reactor=\"a b}\"} 2\nprocess_cpu_seconds_total 1.5\nodd\n# EOF\n";

    #[test]
    fn numbers_are_summed_over_their_labels() {
        let metrics = Metrics::parse(NUMBERS);
        assert_eq!(metrics.get("whisper_sends_total"), Some(7.0));
        assert_eq!(metrics.get("whisper_sockets_open"), Some(2.0));
        assert_eq!(metrics.get("process_cpu_seconds_total"), Some(1.5));
        assert_eq!(metrics.get("odd"), None);
        let later = Metrics::parse(&NUMBERS.replace("} 3", "} 13"));
        let grown: Vec<_> = later.grown_since(&metrics).collect();
        assert_eq!(grown, [("whisper_sends", 10.0)]);
    }

    #[test]
    fn a_server_is_asked_where_it_says() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let serve = std::thread::spawn(move || {
            for answer in ["200 OK", "404 Not Found"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = [0; 12];
                stream.read_exact(&mut asked).unwrap();
                assert_eq!(&asked, b"GET /metrics");
                write!(stream, "HTTP/1.1 {answer}\r\n\r\n{NUMBERS}").unwrap();
                // What is not read would reset the connection.
                stream.shutdown(std::net::Shutdown::Write).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        let endpoint: Endpoint = format!("http://{address}").parse().unwrap();
        assert_eq!(Metrics::fetch(&endpoint).unwrap(), Metrics::parse(NUMBERS));
        assert!(matches!(Metrics::fetch(&endpoint), Err(MeasureError::Untold { .. })));
        serve.join().unwrap();
        assert!("nowhere".parse::<Endpoint>().is_err());
        assert_eq!("127.0.0.1:9/a/b".parse::<Endpoint>().unwrap().path, "/a/b");
    }
}
