//! What it costs that a pair's two people are on different reactors: a relay against an engine of
//! one reactor and one of two, both on the one core that a server has here. So what is
//! compared is work, not speed: system calls and CPU time a message, as perf and the scheduler count
//! them, and the instructions of the paths within a shard and across, as callgrind counted them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use super::contestants;
use super::guard;
use super::host::Host;
use super::runs::{self, Length, Run, Shelf};
use super::table::{median, shown};
use crate::Result;
use crate::checkout::Checkout;

/// What it is called on the command line, and in files.
pub(crate) const NAME: &str = "two-reactors";

/// The most that two may cost, as a multiple of one.
const BAR: f64 = 1.15;

/// An engine, and who talks by it.
#[derive(Debug)]
struct Side {
    name: &'static str,
    reactors: &'static str,
    relay: &'static [&'static str],
}

/// One reactor, two for the same pairs, and two for as many pairs each: a turn of a reactor takes
/// one system call, and how many messages share it depends on how many people the reactor has.
const SIDES: [Side; 3] = [
    Side { name: "1", reactors: "1", relay: &["relay", "--pairs", "100", "--depth", "1"] },
    Side { name: "2", reactors: "2", relay: &["relay", "--pairs", "100", "--depth", "1"] },
    Side { name: "2x100", reactors: "2", relay: &["relay", "--pairs", "200", "--depth", "1"] },
];

/// The runs so far of each side.
#[derive(Debug, Default)]
pub(crate) struct Reactors {
    rounds: [Vec<Run>; 3],
}

impl Reactors {
    /// Measures each once more.
    ///
    /// # Errors
    /// Where a run can't be kept.
    pub(crate) fn round(
        &mut self,
        checkout: &Checkout,
        host: &Host,
        shelf: &Shelf,
        length: Length,
        round: usize,
    ) -> Result<()> {
        for (side, rounds) in SIDES.iter().zip(&mut self.rounds) {
            let name = format!("{NAME}.{}.{round}", side.name);
            let run = shelf.run(&name, || Run::kept(measure(checkout, host, side, length)))?;
            run.faults().for_each(|fault| println!("  {} reactors: {fault}", side.name));
            rounds.push(run);
        }
        Ok(())
    }

    /// What was wrong with runs.
    pub(crate) fn faults(&self) -> Vec<String> {
        let faults = SIDES.iter().zip(&self.rounds).flat_map(|(side, runs)| {
            let faults = runs.iter().flat_map(Run::faults);
            faults.map(|fault| format!("Whisper, {} reactors, {NAME}: {fault}", side.name))
        });
        faults.collect()
    }

    /// A table, and how it compares with the bar; nothing where nothing was measured.
    pub(crate) fn section(&self, checkout: &Checkout) -> String {
        if self.rounds.iter().all(Vec::is_empty) {
            return String::new();
        }
        let mut text = format!(
            "\n### Two reactors against one\n\nPairs at depth 1, spread over both as they come, so that \
             every other pair has its two people on different reactors; both reactors on the server's \
             one core. At most {BAR} times as much is allowed of system calls and instructions. A turn \
             of a reactor takes one system call, however many messages it has; so the same 100 pairs \
             on two reactors, which share a call with half as many, are told beside 100 pairs on \
             each.\n\n| a message | one | two | two ÷ one | |\n|---|--:|--:|--:|---|\n"
        );
        for (pairs, two) in [("", 1), (", 100 pairs a reactor", 2)] {
            for (figure, pointer, barred) in [
                ("system calls", "/figures/server_syscalls_per_message", true),
                ("instructions, kernel and user", "/figures/server_instructions_per_message", true),
                ("CPU µs", "/figures/server_cpu_us_per_message", false),
            ] {
                let [one, two] = [0, two].map(|which: usize| self.values(which, pointer));
                let ratio =
                    median(one.iter().zip(&two).filter_map(|(one, two)| Some((*two)? / (*one)?)));
                let [one, two] = [one, two].map(|values| median(values.into_iter().flatten()));
                row(&mut text, &format!("{figure}{pairs}"), [one, two, ratio], barred);
            }
        }
        let counted = instructions(checkout);
        let of = |path: &str| counted.get(path).map_or(f64::NAN, |count| *count as f64);
        // Half of the pairs are across.
        let (within, across) = (of("relay"), of("relay_across"));
        let spread = f64::midpoint(within, across);
        let title = "instructions of the core in user mode (callgrind)";
        row(&mut text, title, [within, spread, spread / within], true);
        text
    }

    fn values(&self, which: usize, pointer: &str) -> Vec<Option<f64>> {
        self.rounds[which].iter().map(|run| run.figure(pointer)).collect()
    }
}

fn row(text: &mut String, title: &str, [one, two, ratio]: [f64; 3], barred: bool) {
    let verdict = match barred {
        _ if ratio.is_nan() => "not measured",
        false => "",
        true if ratio <= BAR => "met",
        true => "**missed**",
    };
    let digits = if one >= 100.0 { 0 } else { 2 };
    let [one, two] = [one, two].map(|it| shown(it, digits));
    let _ = writeln!(text, "| {title} | {one} | {two} | {} | {verdict} |", shown(ratio, 2));
}

/// One run of a side.
fn measure(
    checkout: &Checkout,
    host: &Host,
    side: &Side,
    length: Length,
) -> Result<serde_json::Value> {
    let server = contestants::engine(checkout, host, side.reactors).start()?;
    runs::counted(checkout, host, &server, side.relay, length)
}

/// The committed counts, which the test command holds the paths to.
fn instructions(checkout: &Checkout) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(checkout.path(guard::BASELINE)).unwrap_or_default();
    let counts: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    serde_json::from_value(counts["instructions"].clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_bar_is_missed_and_nothing_is_not_met() {
        for (ratio, verdict) in
            [(1.15, "| met |"), (1.16, "**missed**"), (f64::NAN, "not measured")]
        {
            let mut text = String::new();
            row(&mut text, "system calls", [1.0, ratio, ratio], true);
            assert!(text.contains(verdict), "{text}");
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let run = |calls: f64| Run::with_figure("server_syscalls_per_message", calls);
        let reactors =
            Reactors { rounds: [vec![run(1.0), run(2.0)], vec![run(1.1), run(2.2)], vec![]] };
        assert!(reactors.faults().is_empty());
        let values = reactors.values(1, "/figures/server_syscalls_per_message");
        assert_eq!(values, [Some(1.1), Some(2.2)]);
    }
}
