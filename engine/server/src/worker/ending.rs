//! The end of a worker: its people are sent elsewhere by its shard, each at their moment; in the
//! end whatever else is open is closed, some places a turn.

use whisper_core::settings::Drain;
use whisper_core::shard::{Event, Order};
use whisper_core::time::{Micros, Span};

use super::Worker;

/// How long connections get to take their close frame when the process ends.
const CLOSING_MAX: Span = Span::secs(3);

/// Places of the table that are looked at in one turn for a connection to be closed.
const PLACES_PER_TURN: usize = 2_048;

/// How a worker is on its way to its end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// People are being sent elsewhere; nobody is accepted.
    Draining,
    /// Everything is being closed.
    Closing {
        /// When it ends, whoever is there.
        until: Micros,
        /// The next place to look at.
        place: usize,
        /// Every place has been looked at.
        once: bool,
    },
}

impl Worker {
    /// Accepts nobody from here on, and sends people elsewhere. What else is open stays so.
    pub(super) fn drain(&mut self, drain: Drain) {
        self.reactor.stop_listening();
        self.ending.get_or_insert(Ending::Draining);
        self.desk.handle(self.reactor.io(), Event::Order(Order::Drain(drain)));
        self.desk.drain_visitors(drain);
    }

    /// The same, and ends when all is closed, or after some seconds.
    pub(super) fn end(&mut self, drain: Drain) {
        self.drain(drain);
        if !matches!(self.ending, Some(Ending::Closing { .. })) {
            let until = self.desk.now + CLOSING_MAX;
            self.ending = Some(Ending::Closing { until, place: 0, once: false });
        }
    }

    /// Closes some of what has no person behind it. Who has one is told by the shard.
    pub(super) fn close_some(&mut self) {
        let Some(Ending::Closing { place, once, .. }) = &mut self.ending else { return };
        let (io, connections) = (self.reactor.io(), &mut self.desk.connections);
        let end = connections.span().min(*place + PLACES_PER_TURN);
        for place in *place..end {
            if let Some((conn, connection)) = connections.at(place)
                && connection.person.is_none()
                && connection.guest.home_abroad().is_none()
                && !connection.session.is_over()
            {
                connection.session.over();
                io.close(conn);
            }
        }
        *once |= end == connections.span();
        *place = if end == connections.span() { 0 } else { end };
    }

    /// When to look again for the sake of the end, if at all.
    pub(super) fn ending_due(&self) -> Option<Micros> {
        match self.ending? {
            Ending::Draining => None,
            Ending::Closing { once: false, .. } => Some(self.desk.now),
            Ending::Closing { until, .. } => Some(until),
        }
    }

    /// Whether there is nothing left to do.
    pub(super) fn has_ended(&mut self) -> bool {
        let Some(Ending::Closing { until, .. }) = self.ending else { return false };
        self.desk.now >= until || self.reactor.io().open_connections() == 0
    }
}
