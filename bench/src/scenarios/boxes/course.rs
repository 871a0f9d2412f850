//! What is done to boxes in the course of a run: one act after the other, with time to settle.

use std::time::Duration;

use crate::cli;
use crate::register::Trouble;
use crate::town::Place;

/// From the beginning of an act's phase to its trouble.
pub(super) const LEAD: Duration = Duration::from_millis(500);

/// The time that nothing is done at the end, so that whatever was left behind shows.
const AFTERMATH: Duration = Duration::from_secs(11);

/// All acts, in order; a phase of the run each.
#[derive(Clone, Debug)]
pub(super) struct Course(pub(super) Vec<Act>);

/// Something is done, undone after a while, and then there is time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act {
    /// What results call its phase.
    pub(super) name: &'static str,
    pub(super) what: What,
    pub(super) lasts: Duration,
    pub(super) settle: Duration,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Nothing,
    /// A cable is pulled.
    Cut(Place),
    /// A box stands still.
    Freeze(usize),
    /// A box is killed; it is started again at the end.
    Kill(usize),
    /// NATS is killed, and started again at once.
    RestartNats,
}

impl Course {
    /// Each trouble for a short time and for a long one; those of boxes each to another box, so that
    /// what it left behind shows while the next one is in trouble.
    pub(super) fn new(args: &cli::Boxes) -> Self {
        let boxes = usize::from(args.boxes);
        let [first, second, last] = [0, 1, boxes - 1];
        let act = |name, what, lasts| Act { name, what, lasts, settle: args.settle };
        let calm = |name, lasts| Act { name, what: What::Nothing, lasts, settle: Duration::ZERO };
        Self(vec![
            calm("calm", args.calm),
            act("nats_cut_short", What::Cut(Place::Nats), args.short),
            act("nats_cut", What::Cut(Place::Nats), args.long),
            act("nats_restarted", What::RestartNats, Duration::ZERO),
            act("box_cut_short", What::Cut(Place::Box(last)), args.short),
            act("box_cut", What::Cut(Place::Box(last)), args.long),
            act("box_frozen_short", What::Freeze(second), args.short),
            act("box_frozen", What::Freeze(second), args.long),
            act("box_killed", What::Kill(first), args.long),
            calm("calm_again", AFTERMATH),
        ])
    }

    /// How long each phase takes.
    pub(super) fn lengths(&self) -> Vec<Duration> {
        self.0.iter().map(Act::length).collect()
    }
}

impl Act {
    fn length(&self) -> Duration {
        let lead = if self.what == What::Nothing { Duration::ZERO } else { LEAD };
        lead + self.lasts + self.settle
    }

    /// What it is to people, if it is anything to them.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        /// Boxes that don't hear each other for so long may have lost each other.
        const MAY_PART: Duration = Duration::from_secs(3);
        let parts = self.lasts >= MAY_PART;
        let of_box = |of| Trouble { of: Some(of), parts, silences: true, kills: false };
        match self.what {
            What::Nothing => None,
            What::Cut(Place::Box(of)) | What::Freeze(of) => Some(of_box(of)),
            What::Kill(of) => Some(Trouble { parts: true, kills: true, ..of_box(of) }),
            What::Cut(Place::Nats) | What::RestartNats => {
                Some(Trouble { of: None, parts, silences: false, kills: false })
            }
        }
    }
}
