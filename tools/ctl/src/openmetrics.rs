//! The samples of the engine's metrics, as far as they are by reactor and by nothing else.

use std::collections::BTreeMap;

/// Values by family and reactor.
pub(crate) struct Samples(BTreeMap<(String, String), f64>);

impl Samples {
    /// Reads the text format; lines of another shape are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(sample).collect())
    }

    /// The reactors there are, in numeric order.
    pub(crate) fn reactors(&self) -> Vec<String> {
        let mut all: Vec<String> = self.0.keys().map(|(_, reactor)| reactor.clone()).collect();
        all.sort_by_key(|reactor| (reactor.len(), reactor.clone()));
        all.dedup();
        all
    }

    /// A whole value; 0 where there is none.
    pub(crate) fn value(&self, family: &str, reactor: &str) -> u64 {
        self.number(family, reactor) as u64
    }

    /// A value; 0 where there is none.
    pub(crate) fn number(&self, family: &str, reactor: &str) -> f64 {
        self.0.get(&(family.to_owned(), reactor.to_owned())).copied().unwrap_or(0.0)
    }
}

fn sample(line: &str) -> Option<((String, String), f64)> {
    let (name, value) = line.rsplit_once(' ')?;
    let (family, labels) = name.split_once('{')?;
    let reactor = labels.strip_prefix("reactor=\"")?.strip_suffix("\"}")?;
    if reactor.contains('"') {
        // It goes on with another label.
        return None;
    }
    Some(((family.to_owned(), reactor.to_owned()), value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_found_among_comments() {
        let text = "# TYPE a gauge\na{reactor=\"10\"} 3\na{reactor=\"2\"} 4\nb 5\n\
                    c{reactor=\"3\",reason=\"full\"} 6\n# EOF\n";
        let samples = Samples::parse(text);
        assert_eq!(samples.reactors(), ["2", "10"]);
        assert_eq!(samples.value("a", "10"), 3);
        assert_eq!(samples.value("b", "2"), 0);
    }
}
