//! All that can be counted and timed, by name. Results are read by these names: none is ever
//! renamed within a version of the schema.

/// An enum whose variants have names for results.
macro_rules! named {
    (
        $(#[$about:meta])*
        $Enum:ident { $($(#[$doc:meta])* $Variant:ident = $name:literal,)* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $Enum { $($(#[$doc])* $Variant,)* }

        impl $Enum {
            /// All of them, in order.
            pub(crate) const ALL: [Self; [$(Self::$Variant),*].len()] = [$(Self::$Variant),*];

            /// What results call it.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$Variant => $name,)* }
            }
        }
    };
}

named! {
    /// What can be counted.
    Count {
        /// Things that were due: an open loop's messages, joins, connections.
        Requested = "requested",
        /// Those of them that were not begun, because nobody was free to.
        Dropped = "starts_dropped",
        /// Things that came to a good end.
        Done = "done",
        /// Messages that never came.
        Lost = "messages_lost",
        /// Messages that came again.
        Doubled = "messages_doubled",
        /// Messages that came after later ones of the same person.
        Reordered = "messages_reordered",
        /// Messages that were altered, or belong to somebody else.
        Foreign = "messages_foreign",
        /// Errors and other answers that nobody should have got.
        Unexpected = "unexpected_answers",
        /// Connections that never came to be.
        ConnectionsFailed = "connections_failed",
        /// Connections that ended before their time.
        ConnectionsLost = "connections_lost",
        /// Sessions that did not come back with the connection after the one that was lost.
        Refused = "resumes_refused",
        /// Sessions that came back on another connection.
        Resumed = "resumes",
        /// Times that the server went over to its next process.
        Handovers = "handovers",
        /// Connections that the server sent elsewhere, and that went there.
        Moved = "connections_moved",
        /// Second joins that were said before the first was known to wait.
        Early = "joins_before_partner_waits",
        /// Pairs whose two people are on different shards.
        Across = "pairs_across_shards",
        /// Searches that people began, skips not counted.
        Joins = "joins",
        /// Chats that began.
        Chats = "chats",
        /// Messages said, whether or not anybody was there any more to hear them.
        Said = "messages_said",
        /// Chats ended by a skip.
        Skips = "skips",
        /// Chats ended by leaving.
        Leaves = "leaves",
        /// Chats ended by closing the connection.
        Departures = "departures",
        /// Chats ended by a connection that was gone.
        Vanishings = "vanishings",
        /// Searches that people broke off themselves.
        GivenUp = "searches_given_up",
        /// People told that nobody was found for them.
        Timeouts = "match_timeouts",
        /// Chats between people of different boxes.
        ChatsAcross = "chats_across_boxes",
        /// Chats that ended because their two boxes had lost each other.
        Parted = "chats_parted",
        /// Connections that were lost, or not to be had, because their box was gone.
        LostWithBox = "connections_lost_with_box",
        /// People who were told that their partner is gone, who was still there.
        Broken = "chats_broken",
        /// People who were matched while they were in a room.
        InTwoRooms = "people_in_two_rooms",
        /// People who came to a room of two others.
        Thirds = "people_in_rooms_of_others",
        /// People in a room without their partner, for longer than it takes to be told.
        Alone = "people_alone_in_rooms",
        /// People who waited too long, while somebody waited as long whom they had not met.
        Stuck = "people_stuck",
        /// People who were told too late, or never, of a partner whose box was lost.
        Untold = "people_untold_of_lost_partner",
        /// Pairs matched within a millisecond, by the engine's clock.
        Within1ms = "pairs_within_1ms_by_engine",
    }
}

impl Count {
    /// Whether even one is too many, at any time of a run.
    pub(crate) fn is_fault(self) -> bool {
        matches!(
            self,
            Self::Lost
                | Self::Doubled
                | Self::Reordered
                | Self::Foreign
                | Self::Unexpected
                | Self::ConnectionsFailed
                | Self::ConnectionsLost
                | Self::Refused
                | Self::Broken
                | Self::InTwoRooms
                | Self::Thirds
                | Self::Alone
                | Self::Stuck
                | Self::Untold
        )
    }

    /// Whether it is told where there is any of it, and says nothing where there isn't.
    pub(crate) fn is_detail(self) -> bool {
        !self.is_fault() && !matches!(self, Self::Requested | Self::Dropped | Self::Done)
    }
}

named! {
    /// What can be timed.
    Timing {
        /// From when a message was due to its arrival.
        Relay = "relay",
        /// The same between people of one box, where there are several.
        RelayWithin = "relay_within_box",
        /// The same between people of different boxes.
        RelayAcross = "relay_across_boxes",
        /// From when a join was due to its `matched`.
        Match = "match",
        /// The same of people who are matched within their box, where there are several; skips count
        /// as joins.
        MatchWithin = "match_within_box",
        /// The same of people who are matched across boxes.
        MatchAcross = "match_across_boxes",
        /// From the loss of a box to when the partner of somebody there is told.
        Told = "told_of_lost_partner",
        /// The same of those who like exactly the same.
        MatchExact = "match_exact",
        /// The same of those who share two interests or more.
        MatchOverlap = "match_overlap",
        /// The same of those who share one.
        MatchSingle = "match_single",
        /// The same of those who share none.
        MatchAny = "match_any",
        /// From a skip to the next `matched`.
        MatchAfterSkip = "match_after_skip",
        /// How long a join waited by the engine's clock, in whole milliseconds.
        WaitedByEngine = "waited_by_engine",
        /// From when a join was due to the `matched` of who waited for it.
        PartnersMatch = "partners_match",
        /// From when somebody should have set out to their being there: upgraded, greeted by an
        /// engine, and matched where they join.
        Connect = "connect",
        /// From when somebody stopped reading to the end of their connection.
        SlowReader = "slow_reader_gone",
        /// From the connected socket of somebody who never ends their request to its end.
        SlowHandshake = "slow_handshake_gone",
        /// From the connected socket to the first word after the upgrade.
        Upgrade = "upgrade",
        /// From a connection's loss, or when that was noticed, to the session's return.
        Resume = "resume",
        /// How long the command took that had the server go over to its next process.
        Handover = "handover",
        /// The longest that a message took, from when one such command began to the next.
        HandoverPause = "handover_pause",
        /// How late we ourselves were with what was due.
        Lag = "generator_lag",
    }
}
