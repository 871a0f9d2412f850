//! `compare-floor`: what the engine adds to the least that a server can do.
//!
//! The server has one core and the generator another. Engine, bare echo and bare relay take turns,
//! each started anew every time, and the medians are compared: what changes on the machine in the
//! meantime concerns all three. The same generator sends the same texts to all of them, over as
//! many sockets and with as many in flight; that it may be the slowest part is no matter here,
//! because not the speed is compared but the CPU time that the server needs for a message.

use super::relay::measure;
use super::{Failed, cpus};
use crate::cli::{Aim, CompareFloor, Encryption, Peer, Sources, Wire};
use crate::operator::Operator;
use crate::report::Report;
use crate::server::Server;

/// Who is measured: a name, and what is spoken.
const SERVERS: [(&str, Option<Peer>); 3] =
    [("engine", None), ("floor_echo", Some(Peer::Echo)), ("floor_relay", Some(Peer::Relay))];

/// What is compared, as the relay reports it.
const FIGURES: [(&str, &str); 5] = [
    ("server_cpu_us_per_message", "µs"),
    ("server_user_us_per_message", "µs"),
    ("server_system_us_per_message", "µs"),
    ("messages_per_second", ""),
    ("generator_cores", ""),
];

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &CompareFloor, operator: &Operator) -> Result<Report, Failed> {
    let cores = cpus::allowed()?;
    let [server_core, .., own_core] = cores[..] else {
        return Err("two cores are needed, one for the server and one for the generator".into());
    };
    let mut runs: [Vec<Report>; SERVERS.len()] = Default::default();
    let mut report = Report::new("compare-floor");
    for round in 0..args.rounds {
        for (&(name, peer), runs) in SERVERS.iter().zip(&mut runs) {
            // A process begins on the cores of the thread that starts it.
            cpus::pin(&[server_core])?;
            let server = match peer {
                None => Server::engine(&args.engine)?,
                Some(Peer::Echo) => Server::floor(&args.floor, "--echo")?,
                Some(Peer::Relay) => Server::floor(&args.floor, "--relay")?,
            };
            cpus::pin(&[own_core])?;
            let wire = Wire { peer, ..Wire::default() };
            let run = measure(&aim(&server, args), &args.talk, wire, operator)?;
            for fault in run.faults() {
                report.fault_if(true, || format!("{name}, round {}: {fault}", round + 1));
            }
            runs.push(run);
        }
    }
    let medians = |key| runs.each_ref().map(|runs| median(runs, key));
    for (key, unit) in FIGURES {
        for ((name, _), median) in SERVERS.iter().zip(medians(key)) {
            report.figure(format!("{name}_{key}"), median, unit);
        }
    }
    let [engine, echo, relay] = medians(FIGURES[0].0);
    report.figure("engine_to_echo", engine / echo, "×");
    report.figure("engine_to_relay", engine / relay, "×");
    if let Some(bar) = args.bar {
        let ratio = engine / echo;
        // NaN is no success either.
        let good = ratio <= bar;
        report.fault_if(!good, || format!("{ratio:.2} times the floor; at most {bar} is allowed"));
    }
    Ok(report)
}

fn aim(server: &Server, args: &CompareFloor) -> Aim {
    Aim {
        targets: vec![server.address()],
        i_may_load_this_host: false,
        sources: Sources::OneEach,
        reactors: None,
        cores: Vec::new(),
        pids: vec![server.pid()],
        metrics: None,
        encryption: Encryption::default(),
        telling: args.telling.clone(),
    }
}

fn median(runs: &[Report], key: &str) -> f64 {
    let mut values: Vec<f64> = runs.iter().filter_map(|run| run.value(key)).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => f64::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let runs = [3.0, 1.0, 2.0, 10.0].map(|value| {
            let mut run = Report::new("relay");
            run.figure("a", value, "");
            run
        });
        assert_eq!(median(&runs, "a"), 2.5);
        assert_eq!(median(&runs[..3], "a"), 2.0);
        assert!(median(&runs, "b").is_nan());
    }
}
