//! `cargo xtask bench boxes`: three engines that act as one, each on a network of its own, and all
//! that can happen to them, with 3,000 people.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::Value;

use super::document;
use super::host::Host;
use super::table::shown;
use crate::checkout::Checkout;
use crate::{Result, debian};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// People, on three boxes.
    #[arg(long, default_value_t = 3_000)]
    people: u64,
    /// Seconds without a trouble.
    #[arg(long, default_value_t = 60)]
    calm: u64,
    /// Print the tables, and leave docs/cluster.md as it is.
    #[arg(long)]
    dry_run: bool,
}

/// Where the figures are told.
const PAGE: &str = "docs/cluster.md";

/// What must not happen to anybody, and how it is called.
const FAULTS: [(&str, &str); 12] = [
    ("messages_lost", "messages lost"),
    ("messages_doubled", "doubled"),
    ("messages_reordered", "out of order"),
    ("messages_foreign", "somebody else's"),
    ("unexpected_answers", "unexpected answers"),
    ("connections_lost", "connections lost but with their box"),
    ("people_in_two_rooms", "people in two rooms"),
    ("people_in_rooms_of_others", "people in a room of two others"),
    ("people_alone_in_rooms", "people alone in a room for 6 s"),
    ("people_stuck", "people stuck for 6 s while somebody waits for them"),
    ("people_untold_of_lost_partner", "people not told within 5 s of a partner's lost box"),
    ("chats_broken", "people told of a lost partner who was there"),
];

/// What is done, and how it is called.
const ACTS: [(&str, &str); 8] = [
    ("nats_cut_short", "NATS cut off for 2 s"),
    ("nats_cut", "NATS cut off for 8 s"),
    ("nats_restarted", "nats-server killed and started again"),
    ("box_cut_short", "a box cut off for 2 s"),
    ("box_cut", "a box cut off for 8 s"),
    ("box_frozen_short", "a box frozen for 2 s"),
    ("box_frozen", "a box frozen for 8 s"),
    ("box_killed", "a box killed, started again after 8 s"),
];

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    debian::need(checkout, &[debian::IPROUTE2, debian::NATS, debian::REDIS])?;
    let packages = ["--package", "whisper-engine", "--package", "whisper-bench"];
    checkout.cargo(&["build", "--release"]).args(packages).run()?;
    let host = Host::this(checkout)?;
    let description = host.description(checkout);
    let generator = host
        .pinned(checkout, &host.cores, checkout.target("release/whisper-bench"))
        .args(["boxes", "--json", "--quiet", "--people", &args.people.to_string()])
        .args(["--calm", &args.calm.to_string(), "--engine"])
        .args([checkout.target("release/whisper")]);
    let (out, complaint) = generator.said()?;
    let result: Value =
        serde_json::from_str(&out).map_err(|_| format!("no result: {}", complaint.trim()))?;
    let body = format!(
        "Three engines of two reactors each, nats-server and redis-server of Debian, each in a network \
         namespace of its own on one machine; {people} people, a third on each box, whose interests \
         follow Zipf's law. What is done to them, and how it is looked at: \
         [the load generator](bench.md#boxes-that-act-as-one).\n\n{description}\n\n{}",
        tables(&result),
        people = args.people,
    );
    println!("\n{body}");
    if !args.dry_run {
        document::write_to(checkout, PAGE, "Shown", &body)?;
    }
    let faults = result["faults"].as_array().map_or(1, Vec::len);
    Ok(ExitCode::from(u8::from(faults > 0)))
}

fn tables(result: &Value) -> String {
    let phase = |name: &str| {
        let phases = result["phases"].as_array().into_iter().flatten();
        phases.into_iter().find(|it| it["name"] == name).unwrap_or(&Value::Null)
    };
    let calm = phase("calm");
    let figure = |name: &str| result["figures"][name].as_f64().unwrap_or(f64::NAN);
    let in_calm = |name: &str| calm["figures"][name].as_f64().unwrap_or(0.0);
    let ms = |of: &Value, name: &str, which: &str| {
        let us = of["latencies"][name][which].as_f64();
        us.map_or_else(|| "–".to_owned(), |us| shown(us / 1e3, if us < 1e5 { 2 } else { 0 }))
    };
    let mut text = String::from(
        "Nothing is done to anybody:\n\n| | within a box | across boxes |\n|---|--:|--:|\n",
    );
    let (chats, across) = (in_calm("chats"), in_calm("chats_across_boxes"));
    let mut row = |what: &str, within: String, across: String| {
        let _ = writeln!(text, "| {what} | {within} | {across} |");
    };
    let percent = across / chats.max(1.0) * 100.0;
    row(
        "chats",
        shown(chats - across, 0),
        format!("{} ({} %)", shown(across, 0), shown(percent, 1)),
    );
    for (what, name, which) in [
        ("time to match, p50 ms", "match", "p50_us"),
        ("time to match, p99 ms", "match", "p99_us"),
        ("a message on its way, p50 ms", "relay", "p50_us"),
        ("a message on its way, p99 ms (bar across: 5)", "relay", "p99_us"),
    ] {
        let both =
            ["within_box", "across_boxes"].map(|it| ms(calm, &format!("{name}_{it}"), which));
        let [within, across] = both;
        row(what, within, across);
    }
    for (what, name) in [
        ("pairs alone, p99 ms", "p99_us"),
        ("pairs alone, CPU µs a message of the engines", "cpu_us_per_message"),
        ("pairs alone, CPU µs a message of nats-server", "nats_cpu_us_per_message"),
    ] {
        let unit = if name == "p99_us" { 1e3 } else { 1.0 };
        let both = ["within_box", "across_boxes"];
        let [within, across] =
            both.map(|it| shown(figure(&format!("pairs_{it}_{name}")) / unit, 2));
        row(what, within, across);
    }
    let _ = writeln!(
        text,
        "\nCPU µs a message of all that these people do: reactors {}, control threads {}, nats-server {}. \
         Messages: {} a second.\n",
        shown(figure("reactors_cpu_us_per_message"), 1),
        shown(figure("control_cpu_us_per_message"), 1),
        shown(figure("nats_cpu_us_per_message"), 1),
        shown(in_calm("messages_per_second"), 0),
    );
    text += "| what is done | messages | chats parted by it | told of it, p50 s | at the latest, s (bar: 5) | one again after, s |\n\
             |---|--:|--:|--:|--:|--:|\n";
    for (name, what) in ACTS {
        let act = phase(name);
        let count = |name: &str| shown(act["figures"][name].as_f64().unwrap_or(0.0), 0);
        let seconds = |which: &str| {
            let us = act["latencies"]["told_of_lost_partner"][which].as_f64();
            us.map_or_else(|| "–".to_owned(), |us| shown(us / 1e6, 2))
        };
        let _ = writeln!(
            text,
            "| {what} | {} | {} | {} | {} | {} |",
            count("messages"),
            count("chats_parted"),
            seconds("p50_us"),
            seconds("max_us"),
            shown(figure(&format!("{name}_one_again_s")), 1),
        );
    }
    text += "\nIn all of it (the bar of each is 0): ";
    let faults = FAULTS.map(|(name, what)| format!("{} {what}", shown(figure(name), 0)));
    let _ = writeln!(text, "{}.", faults.join(", "));
    for key in ["faults", "invalid"] {
        for line in result[key].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let _ = writeln!(text, "\n- **{key}: {line}**");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_what_was_measured_and_a_dash_for_what_was_not() {
        let result = serde_json::json!({
            "figures": { "messages_lost": 0, "box_cut_one_again_s": 1.25, "people_stuck": 2 },
            "phases": [
                {
                    "name": "calm",
                    "figures": { "chats": 200, "chats_across_boxes": 50 },
                    "latencies": { "relay_across_boxes": { "p50_us": 900.0, "p99_us": 4200.0 } },
                },
                {
                    "name": "box_cut",
                    "figures": { "messages": 1234, "chats_parted": 7 },
                    "latencies": { "told_of_lost_partner": { "p50_us": 4.2e6, "max_us": 4.9e6 } },
                },
            ],
            "faults": ["2 people stuck"],
        });
        let text = tables(&result);
        assert!(text.contains("| chats | 150 | 50 (25.0 %) |"), "{text}");
        assert!(text.contains("p99 ms (bar across: 5) | – | 4.20 |"), "{text}");
        assert!(
            text.contains("| a box cut off for 8 s | 1,234 | 7 | 4.20 | 4.90 | 1.2 |"),
            "{text}"
        );
        assert!(
            text.contains("0 messages lost") && text.contains("2 people stuck for 6 s"),
            "{text}"
        );
        assert!(text.contains("- **faults: 2 people stuck**"), "{text}");
    }
}
