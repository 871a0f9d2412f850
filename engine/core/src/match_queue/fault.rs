//! Rules of the match queue that can be broken on purpose, to see that a check notices.
//!
//! Nothing can be broken, and nothing is asked at run time, without the feature `faults`.

/// A rule that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A new ticket takes the id of the one before it.
    TicketIdReused,
    /// A queued ticket gets another wish; see `MatchQueue::replace_in_place`.
    ReplacedInPlace,
    /// An Accept for somebody who left while held is dropped.
    HoldDiesWithTicket,
    /// After an outcome only one of the two survivors is rescanned.
    OneSideRescanned,
    /// Refused pairs are not remembered.
    RefusalForgotten,
    /// What meets a held ticket is told that it is gone.
    HeldIsGone,
    /// Owners aren't told of tickets that are over.
    WithdrawForgotten,
    /// The higher ticket of a pair is held and the lower claimed.
    OrderSwapped,
    /// The last owner of a ticket's keys isn't told of it.
    KeyUnposted,
    /// A ticket is known by its place alone, whoever has it by now.
    GenerationUnchecked,
    /// A home takes itself for one among equals, however many people it has.
    HomesTakenForEqual,
    /// A search that made way for other work is not carried on.
    SearchCutShort,
    /// A lease doesn't end by itself.
    LeaseNeverEnds,
    /// The lower of a pair across nodes is told before the home of the higher has confirmed.
    EnteredUnconfirmed,
    /// A link that is lost changes nothing.
    LostIgnored,
}

/// Which rule a queue breaks, if any.
#[derive(Clone, Copy, Default)]
pub(super) struct Broken {
    #[cfg(feature = "faults")]
    pub(super) rule: Option<Fault>,
}

impl Broken {
    #[cfg(feature = "faults")]
    pub(super) fn is(self, fault: Fault) -> bool {
        self.rule == Some(fault)
    }

    #[cfg(not(feature = "faults"))]
    pub(super) const fn is(self, _: Fault) -> bool {
        false
    }
}
