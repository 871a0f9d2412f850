//! The report of a run: what was counted, timed and read, and whether it means anything.

use std::time::Duration;

use super::result::{Number, Percentiles, PhaseResult, by_key};
use super::{Figure, Report};
use crate::cpus;
use crate::fleet::Ran;
use crate::measure::{CpuTime, Reading};
use crate::record::{Count, Tally, Timing};

/// The share of a core, or of all that we may use, from which on the generator is taken to be the
/// bottleneck.
const SATURATED: f64 = 0.95;

/// The share of things not begun from which on what was asked for was not done.
const DROPPED_MAX: f64 = 0.001;

/// Lag that is never held against the generator.
const LAG_MAX: Duration = Duration::from_millis(1);

/// What a scenario's people do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Things {
    /// One of them.
    pub(crate) one: &'static str,
    /// Several.
    pub(crate) many: &'static str,
    /// How long one takes.
    pub(crate) timing: Timing,
    /// What might go wrong with them.
    pub(crate) faults: &'static [Count],
}

/// A stretch of a run, with all clocks.
struct Stretch<'a> {
    tally: &'a Tally,
    length: Duration,
    own: Vec<CpuTime>,
    server: Option<(CpuTime, Duration)>,
}

impl Report {
    /// The report of a run in which so many things were done, all its figures in it.
    pub(crate) fn of<R>(scenario: &'static str, things: Things, ran: &Ran<R>) -> Self {
        let mut report = Self::new(scenario);
        let whole = Stretch::whole(ran);
        report.figures = whole.figures(things);
        report.latencies =
            whole.tally.times().map(|(it, times)| (it.name(), times.clone())).collect();
        if let Some(last) = ran.readings.last() {
            report.figure("server_rss_mb", last.memory.resident as f64 / 1e6, "MB");
        }
        report.watched(things, &ran.watch, whole.tally.count(Count::Done));
        report.figure("reactors", ran.plan.reactors as f64, "");
        report.phases = phases(things, ran);
        report.series = ran.series.clone();
        report.judge_faults(things.faults, ran);
        let none = whole.tally.count(Count::Done) == 0;
        report.fault_if(none && !ran.interrupted, || {
            format!("not one {} came to a good end", things.one)
        });
        report.judge_generator(things, &whole, ran);
        report
    }

    /// Fails the run for whatever went wrong at any time of it. The `expected` faults are told even
    /// where there was none.
    pub(crate) fn judge_faults<R>(&mut self, expected: &[Count], ran: &Ran<R>) {
        let all = ran.ledger.everything();
        for what in Count::ALL.into_iter().filter(|what| what.is_fault()) {
            let count = all.count(what);
            if count > 0 || expected.contains(&what) {
                self.count(what.name(), count);
            }
            self.fault_if(count > 0, || {
                let of_connections =
                    matches!(what, Count::ConnectionsLost | Count::ConnectionsFailed);
                let why = ran.first_lost.as_deref().filter(|_| of_connections);
                let why = why.map(|why| format!(", the first {why}")).unwrap_or_default();
                format!("{count} {}{why}", what.name().replace('_', " "))
            });
        }
    }

    /// Calls the run invalid where its figures say more of the generator than of the server.
    fn judge_generator<R>(&mut self, things: Things, whole: &Stretch<'_>, ran: &Ran<R>) {
        self.invalid_if(ran.interrupted, || "it was broken off".to_owned());
        let busiest = whole.busiest();
        self.invalid_if(busiest >= SATURATED, || {
            format!("the generator was busy for {:.0} % of the time", busiest * 100.0)
        });
        let cores = cpus::allowed().map_or(1, |cores| cores.len()).max(1) as f64;
        let share = whole.own_load() / cores;
        self.invalid_if(busiest < SATURATED && share >= SATURATED, || {
            format!("the generator's reactors used {:.0} % of all cores", share * 100.0)
        });
        let requested = whole.tally.count(Count::Requested);
        if requested == 0 {
            return;
        }
        let dropped = whole.tally.count(Count::Dropped) as f64 / requested as f64;
        self.invalid_if(dropped > DROPPED_MAX, || {
            let percent = dropped * 100.0;
            format!("{percent:.2} % of what was due was not begun: nobody was free to")
        });
        let p99 = |what| whole.tally.time(what).map_or(0, |times| times.value_at_quantile(0.99));
        let [lag, took] = [Timing::Lag, things.timing].map(|it| Duration::from_nanos(p99(it)));
        self.invalid_if(lag > LAG_MAX && 2 * lag > took, || {
            format!(
                "the generator was late itself: by {lag:.1?} of {took:.1?} at the 99th percentile"
            )
        });
    }
}

impl<'a> Stretch<'a> {
    fn whole<R>(ran: &'a Ran<R>) -> Self {
        let phases = ran.ledger.phases();
        let mut own = vec![CpuTime::default(); ran.plan.reactors];
        for phase in phases {
            own.iter_mut().zip(&phase.cpu).for_each(|(sum, more)| *sum = *sum + *more);
        }
        let server = ran.readings.first().zip(ran.readings.last()).map(between);
        Self { tally: ran.ledger.measured(), length: ran.ledger.length(), own, server }
    }

    /// The figures that every stretch has.
    fn figures(&self, things: Things) -> Vec<Figure> {
        let Things { one, many, .. } = things;
        let count = |what| self.tally.count(what) as f64;
        let done = count(Count::Done);
        let a_second = |count: f64| count / self.length.as_secs_f64().max(f64::EPSILON);
        let mut figures = vec![
            Figure::new(many, done, ""),
            Figure::new(format!("{many}_per_second"), a_second(done), ""),
        ];
        let requested = count(Count::Requested);
        if requested > 0.0 {
            figures.push(Figure::new("requested_per_second", a_second(requested), ""));
            figures.push(Figure::new(Count::Dropped.name(), count(Count::Dropped), ""));
        }
        for what in Count::ALL.into_iter().filter(|what| what.is_detail()) {
            if count(what) > 0.0 {
                figures.push(Figure::new(what.name(), count(what), ""));
            }
        }
        if let Some((server, elapsed)) = self.server {
            let each = |time: Duration| time.as_secs_f64() * 1e6 / done.max(1.0);
            for (kind, time) in
                [("cpu", server.total()), ("user", server.user()), ("system", server.system())]
            {
                figures.push(Figure::new(format!("server_{kind}_us_per_{one}"), each(time), "µs"));
            }
            let load = server.total().as_secs_f64() / elapsed.as_secs_f64().max(f64::EPSILON);
            figures.push(Figure::new("server_cores", load, ""));
        }
        figures.push(Figure::new("generator_cores", self.own_load(), ""));
        figures
    }

    /// How many cores the generator needed.
    fn own_load(&self) -> f64 {
        self.own.iter().map(|own| self.share(*own)).sum()
    }

    /// How much of a core its busiest reactor needed.
    fn busiest(&self) -> f64 {
        self.own.iter().map(|own| self.share(*own)).fold(0.0, f64::max)
    }

    fn share(&self, own: CpuTime) -> f64 {
        own.total().as_secs_f64() / self.length.as_secs_f64().max(f64::EPSILON)
    }
}

/// What the server used between two readings, and how long that was.
fn between((first, last): (&Reading, &Reading)) -> (CpuTime, Duration) {
    (last.cpu - first.cpu, last.at - first.at)
}

fn phases<R>(things: Things, ran: &Ran<R>) -> Vec<PhaseResult> {
    let phases = ran.ledger.phases().iter().zip(ran.plan.load.segments()).enumerate();
    let result = |(place, (total, segment)): (usize, (&crate::record::PhaseTotal, _))| {
        let segment: &crate::plan::Segment = segment;
        let stretch = Stretch {
            tally: &total.tally,
            length: total.length(),
            own: total.cpu.clone(),
            server: ran.readings.get(place).zip(ran.readings.get(place + 1)).map(between),
        };
        PhaseResult {
            name: None,
            kind: segment.kind.name(),
            begin_s: Number(total.from.as_secs_f64()),
            secs: Number(total.length().as_secs_f64()),
            figures: by_key(&stretch.figures(things)),
            latencies: Percentiles::all_of(&total.tally),
        }
    };
    phases.map(result).collect()
}
