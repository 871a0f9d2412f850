//! The text format of Prometheus 0.0.4, for who doesn't ask for OpenMetrics: `curl`, and tools that
//! are older. The samples are the same; what is said about them differs.

/// What is said in OpenMetrics, in the older format: counters are described under the name of their
/// sample, an info is a gauge, and there is neither a unit nor an end.
pub(super) fn plain(openmetrics: &str) -> String {
    let mut out = String::with_capacity(openmetrics.len());
    let mut help = None;
    for line in openmetrics.lines() {
        let Some(said) = line.strip_prefix("# ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let mut words = said.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("HELP"), _, text) => help = text,
            (Some("TYPE"), Some(name), Some(kind)) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", kind),
                    "info" => ("_info", "gauge"),
                    _ => ("", kind),
                };
                let help = help.take().unwrap_or_default();
                out.push_str(&format!(
                    "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n"
                ));
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_samples_is_said_in_older_words() {
        let openmetrics = "# HELP a_seconds Time\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\n\
            a_seconds_total{b=\"c\"} 1.5\n# HELP build It\n# TYPE build info\nbuild_info{v=\"1\"} 1\n\
            # HELP d Now\n# TYPE d gauge\nd 2\n# EOF\n";
        let older = "# HELP a_seconds_total Time\n# TYPE a_seconds_total counter\n\
            a_seconds_total{b=\"c\"} 1.5\n# HELP build_info It\n# TYPE build_info gauge\n\
            build_info{v=\"1\"} 1\n# HELP d Now\n# TYPE d gauge\nd 2\n";
        assert_eq!(plain(openmetrics), older);
    }
}
