//! Medians, ratios and bars, as a table in Markdown.

use std::fmt::Write as _;

use super::contestants::{self, BUN, Contestant, ENGINE};
use super::runs::Run;
use super::works::{Bar, Figure, Work};

/// What one server did of one work, round by round; None where it was not measured.
pub(crate) type Rounds = Vec<Option<Run>>;

/// The runs of all works and servers: one cell for each.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    cells: Vec<(&'static str, Contestant, Rounds)>,
}

/// How the engine did by one bar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    figure: &'static str,
    bar: String,
    /// What it came to; NaN where it was not measured.
    value: f64,
    met: bool,
}

impl Sheet {
    /// Adds a run, or that there was none.
    pub(crate) fn add(&mut self, work: &Work, contestant: Contestant, run: Option<Run>) {
        let found = self.cells.iter_mut().find(|(w, c, _)| *w == work.name && *c == contestant);
        match found {
            Some((_, _, rounds)) => rounds.push(run),
            None => self.cells.push((work.name, contestant, vec![run])),
        }
    }

    fn rounds(&self, work: &Work, contestant: Contestant) -> &[Option<Run>] {
        let found = self.cells.iter().find(|(w, c, _)| *w == work.name && *c == contestant);
        found.map_or(&[], |(_, _, rounds)| rounds)
    }

    fn values(&self, work: &Work, figure: &Figure, contestant: Contestant) -> Vec<Option<f64>> {
        let rounds = self.rounds(work, contestant).iter();
        rounds.map(|run| run.as_ref()?.figure(figure.pointer)).collect()
    }

    fn median(&self, work: &Work, figure: &Figure, contestant: Contestant) -> f64 {
        median(self.values(work, figure, contestant).into_iter().flatten())
    }

    /// How many times another's figure the engine's is: the median over the rounds, because what
    /// changes on the machine from round to round concerns both.
    fn ratio(&self, work: &Work, figure: &Figure, to: Contestant) -> f64 {
        let pairs = self.values(work, figure, ENGINE).into_iter();
        let pairs = pairs.zip(self.values(work, figure, to));
        median(pairs.filter_map(|(engine, other)| Some(engine? / other?)))
    }

    /// The rival that did best by a figure of which less is better.
    fn best_rival(&self, work: &Work, figure: &Figure) -> Option<Contestant> {
        let rivals = contestants::ALL.into_iter().filter(|it| it.is_rival());
        let measured = rivals.filter(|it| !self.median(work, figure, *it).is_nan());
        measured
            .min_by(|a, b| self.median(work, figure, *a).total_cmp(&self.median(work, figure, *b)))
    }

    /// One row for each figure, one column for each server.
    pub(crate) fn table(&self, works: &[&Work]) -> String {
        let there: Vec<_> = contestants::ALL
            .into_iter()
            .filter(|it| self.cells.iter().any(|(_, contestant, _)| contestant == it))
            .collect();
        let mut text = String::from("| |");
        there.iter().for_each(|it| write!(text, " {} |", it.title).unwrap_or_default());
        text.push_str(" Whisper ÷ Bun |\n|---|");
        text.push_str(&"--:|".repeat(there.len() + 1));
        text.push('\n');
        for (work, figure) in each(works) {
            let _ = write!(text, "| {} |", figure.title);
            for contestant in &there {
                let median = self.median(work, figure, *contestant);
                let bound = if self.is_doubtful(work, *contestant) { "\\*" } else { "" };
                let _ = write!(text, " {}{bound} |", shown(median, figure.digits));
            }
            let ratio = self.ratio(work, figure, BUN);
            let _ = writeln!(text, " {} |", shown(ratio, 2));
        }
        text
    }

    /// How the engine did by every bar.
    pub(crate) fn judge(&self, works: &[&Work]) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        for (work, figure) in each(works) {
            for bar in figure.bars {
                let (bar, value, met) = match *bar {
                    Bar::OfBun(most) => {
                        let ratio = self.ratio(work, figure, BUN);
                        (format!("≤ {most} × Bun"), ratio, ratio <= most)
                    }
                    Bar::OfBest(most) => {
                        let best = self.best_rival(work, figure);
                        let name = best.map_or("the best rival", |best| best.title);
                        let ratio = best.map_or(f64::NAN, |best| self.ratio(work, figure, best));
                        (format!("≤ {most} × the best rival ({name})"), ratio, ratio <= most)
                    }
                    Bar::AtMost(most) => {
                        let value = self.median(work, figure, ENGINE);
                        (format!("≤ {most}"), value, value <= most)
                    }
                    Bar::AtLeast(least) => {
                        let value = self.median(work, figure, ENGINE);
                        (format!("≥ {least}"), value, value >= least)
                    }
                };
                judgements.push(Judgement { figure: figure.title, bar, value, met });
            }
        }
        judgements
    }

    /// What was wrong with runs: lost messages, servers that didn't start.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (work, contestant, rounds) in &self.cells {
            for (round, run) in (1..).zip(rounds) {
                let run_faults = run.iter().flat_map(Run::faults);
                let place = format!("{}, {work}, round {round}", contestant.title);
                faults.extend(run_faults.map(|fault| format!("{place}: {fault}")));
            }
        }
        faults
    }

    /// Whether the generator was the slower part in most rounds.
    fn is_doubtful(&self, work: &Work, contestant: Contestant) -> bool {
        let rounds = self.rounds(work, contestant);
        let doubtful = |run: &&Option<Run>| run.as_ref().is_some_and(|it| it.doubts().count() > 0);
        2 * rounds.iter().filter(doubtful).count() > rounds.len()
    }

    /// Whether any row has a mark for that.
    pub(crate) fn has_doubts(&self) -> bool {
        let runs = self.cells.iter().flat_map(|(_, _, rounds)| rounds.iter().flatten());
        runs.into_iter().any(|run| run.doubts().count() > 0)
    }
}

/// The bars as a table.
pub(crate) fn verdict(judgements: &[Judgement]) -> String {
    let mut text = String::from("| work | bar | measured | |\n|---|---|--:|---|\n");
    for Judgement { figure, bar, value, met } in judgements {
        let digits = if *value >= 1000.0 { 0 } else { 2 };
        let met = match (met, value.is_nan()) {
            (true, _) => "met",
            (false, true) => "not measured",
            (false, false) => "**missed**",
        };
        let _ = writeln!(text, "| {figure} | {bar} | {} | {met} |", shown(*value, digits));
    }
    text
}

fn each<'a>(works: &'a [&Work]) -> impl Iterator<Item = (&'a Work, &'static Figure)> {
    works.iter().flat_map(|work| work.figures.iter().map(move |figure| (*work, figure)))
}

/// The middle one; NaN of none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => f64::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}

/// A number with so many digits after the point, and a comma for each thousand; a dash for none.
pub(crate) fn shown(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    let text = format!("{value:.digits$}");
    let (whole, fraction) =
        text.split_once('.').map_or((&*text, ""), |(whole, _)| (whole, &text[whole.len()..]));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use super::super::works;
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(shown(1_234_567.0, 0), "1,234,567");
        assert_eq!(shown(123.456, 2), "123.46");
        assert_eq!(shown(-1234.5, 1), "-1,234.5");
        assert_eq!(shown(f64::NAN, 1), "–");
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let work = &works::ALL[0];
        let mut sheet = Sheet::default();
        // The machine is twice as slow in the second round, and the third of the engine was lost.
        for (ours, theirs) in [(Some(2.0), 4.0), (Some(4.0), 8.0), (None, 4.0)] {
            let run = |us: f64| Run::with_figure("server_cpu_us_per_message", us);
            sheet.add(work, ENGINE, ours.map(run));
            sheet.add(work, BUN, Some(run(theirs)));
        }
        assert_eq!(sheet.ratio(work, &work.figures[0], BUN), 0.5);
        let judgement = &sheet.judge(&[work])[0];
        assert!(judgement.met, "{judgement:?}");
        assert!(
            sheet.judge(&[work])[1..].iter().all(|it| !it.met),
            "what wasn't measured is missed"
        );
        assert!(
            sheet.table(&[work]).contains("| 3.00 | 4.00 | 0.50 |"),
            "{}",
            sheet.table(&[work])
        );
    }
}
