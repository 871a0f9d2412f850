//! The connections of a reactor, by their place in its descriptor table.

use whisper_core::codec::{Damage, Field, Reader, Writer};
use whisper_core::ids::SessionId;
use whisper_core::limits::places_spare;
use whisper_core::session::Session;
use whisper_reactor::ConnId;

use super::guest::Guest;

/// One connection: what is being read, and whose it is once that is known.
pub(super) struct Connection {
    pub(super) session: Session,
    pub(super) person: Option<SessionId>,
    pub(super) guest: Guest,
    generation: u32,
    /// Requests so far; begins anew after 65,535.
    pub(super) requests: u16,
    /// A head is being waited for, see [`super::heads`].
    pub(super) timed: bool,
}

const _: () = assert!(size_of::<Option<Connection>>() <= 88);

impl Field for Connection {
    /// What belongs to the table is left out: in another it is anew.
    fn put(&self, w: &mut Writer<'_>) {
        let Self { session, person, guest, generation: _, requests, timed: _ } = self;
        session.put(w);
        person.put(w);
        guest.put(w);
        requests.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        Ok(Self {
            session: Session::get(r)?,
            person: Field::get(r)?,
            guest: Guest::get(r)?,
            generation: 0,
            requests: u16::get(r)?,
            timed: false,
        })
    }
}

/// A table as long as the highest place in use so far.
pub(super) struct Connections {
    places: Vec<Option<Connection>>,
    open: usize,
    /// How many of them were late.
    late: usize,
    /// How many there can be.
    most: usize,
}

/// What is left for a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// A place to stay.
    Place,
    /// Time to be told that there is none.
    Word,
    /// Nothing: those who are being told have all that is left.
    Nothing,
}

impl Connections {
    /// A table that can be so long without being copied: address space until it is used.
    pub(super) fn with_capacity(places: usize) -> Self {
        Self { places: Vec::with_capacity(places), open: 0, late: 0, most: places }
    }

    /// What is left for one more.
    pub(super) fn left(&self) -> Left {
        let spare = places_spare(self.most as u64) as usize;
        if self.open - self.late < self.most - spare {
            Left::Place
        } else if self.late < spare.div_ceil(2) {
            Left::Word
        } else {
            Left::Nothing
        }
    }

    pub(super) fn open(&mut self, conn: ConnId, guest: Guest) -> &mut Connection {
        let fresh = Connection {
            session: Session::default(),
            person: None,
            guest,
            generation: conn.generation(),
            requests: 0,
            timed: false,
        };
        self.enter(conn, fresh)
    }

    /// Puts in what came from another reactor's table, or was taken out of this one.
    pub(super) fn put_in(&mut self, conn: ConnId, connection: Connection) {
        // Whatever waited for its head doesn't know it by this name.
        let (generation, timed) = (conn.generation(), false);
        self.enter(conn, Connection { generation, timed, ..connection });
    }

    pub(super) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Connection> {
        let connection = self.places.get_mut(conn.slot() as usize)?.as_mut()?;
        (connection.generation == conn.generation()).then_some(connection)
    }

    pub(super) fn close(&mut self, conn: ConnId) -> Option<Connection> {
        self.late -= usize::from(self.get_mut(conn)?.guest.late);
        self.open -= 1;
        self.places[conn.slot() as usize].take()
    }

    fn enter(&mut self, conn: ConnId, connection: Connection) -> &mut Connection {
        self.late += usize::from(connection.guest.late);
        let place = conn.slot() as usize;
        if self.places.len() <= place {
            self.places.resize_with(place + 1, || None);
        }
        let place = &mut self.places[place];
        self.open += usize::from(place.is_none());
        place.insert(connection)
    }

    /// Whoever is at a place.
    pub(super) fn at(&mut self, place: usize) -> Option<(ConnId, &mut Connection)> {
        let connection = self.places.get_mut(place)?.as_mut()?;
        let bits = u64::from(connection.generation) << 32 | place as u64;
        Some((ConnId::from_bits(bits), connection))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// One past the highest place ever taken.
    pub(super) fn span(&self) -> usize {
        self.places.len()
    }
}
