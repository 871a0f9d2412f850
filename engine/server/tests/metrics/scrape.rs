//! A scrape by itself.

use crate::busy::{names, promtool, told};

#[test]
fn promtool_finds_nothing_to_say_about_a_scrape() {
    let said = promtool(&["check", "metrics"], &told().plain).expect("it is well written");
    assert_eq!(said.trim(), "");
}

#[test]
fn both_formats_tell_the_same() {
    let told = told();
    assert!(told.openmetrics.ends_with("# EOF\n"));
    assert!(!told.plain.contains("# EOF") && !told.plain.contains("# UNIT"));
    assert_eq!(names(&told.plain), names(&told.openmetrics));
    for words in [
        "# TYPE whisper_match_wait_seconds histogram",
        "# UNIT whisper_match_wait_seconds seconds",
        "# TYPE whisper_build info",
        "# TYPE whisper_received_bytes counter",
    ] {
        assert!(told.openmetrics.contains(words), "{words}");
    }
}

#[test]
fn histograms_are_cumulative_and_in_base_units() {
    let lines: Vec<_> = told().plain.lines().collect();
    let buckets = |name: &str, label: &str| -> Vec<(f64, u64)> {
        let prefix = format!("{name}_bucket{{");
        let all = lines.iter().filter(|line| line.starts_with(&prefix) && line.contains(label));
        all.map(|line| {
            let (labels, count) = line.rsplit_once(' ').expect("a value");
            let bound = labels.split("le=\"").nth(1).and_then(|it| it.split('"').next());
            let bound = bound.expect("a bound").replace("+Inf", "inf");
            (bound.parse().expect("a number"), count.parse().expect("a count"))
        })
        .collect()
    };
    for (name, label, most) in [
        ("whisper_match_wait_seconds", "tier=\"exact\"", 32.768),
        ("whisper_turn_seconds", "reactor=\"1\"", 1.048_576),
        ("whisper_turn_completions", "reactor=\"0\"", 4096.0),
    ] {
        let buckets = buckets(name, label);
        assert!(buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "{name}");
        let [.., greatest, last] = buckets[..] else { panic!("{name} has no buckets") };
        assert_eq!((greatest.0, last.0), (most, f64::INFINITY), "{name}");
        assert!(last.1 > 0, "{name} has counted");
    }
}

#[test]
fn no_label_tells_of_anybody() {
    const KNOWN: [&str; 14] = [
        "act", "reactor", "state", "tier", "path", "reason", "le", "offence", "severity", "action",
        "kind", "queue", "version", "outcome",
    ];
    for line in told().plain.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, labels)) = line.split_once('{') else { continue };
        let (labels, _) = labels.split_once('}').expect("labels end");
        for (name, _) in labels.split(',').map(|label| label.split_once('=').expect("a label")) {
            assert!(KNOWN.contains(&name), "{line}");
        }
    }
}
