//! How a worker begins with what another process's workers had: their connections, and what their
//! shards know. Until its process says that it begins, it can let go of everything and no peer has
//! noticed.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use thiserror::Error;
use whisper_core::codec::{Damage, Field as _, Reader};
use whisper_core::ids::{Link, SessionId};
use whisper_core::shard::Shard;
use whisper_core::succession::{Refused, Succession};
use whisper_reactor::{ConnId, Estate, Reactor};
use whisper_store::bans::Identity;
use whisper_tls::Zeroizing;

use super::connections::Connection;
use super::heads::Awaited;
use super::heritage::{Bodies, get_estate, get_person};
use super::link::{conn_of, link_of};
use super::{Common, Parts, Worker};

/// What a worker is given to begin with, in this order.
#[derive(Debug)]
pub(crate) enum Heirloom {
    /// Sockets to listen on, with their tags.
    Listeners(Vec<(TcpListener, u32)>),
    /// What another worker has written down.
    State {
        /// The number of its shard.
        from: u16,
        /// What it wrote.
        ours: Vec<u8>,
        /// The keys of its TLS connections.
        keys: Zeroizing<Vec<u8>>,
    },
    /// Sockets of that one's connections, by their names there.
    Sockets {
        /// The number of its shard.
        from: u16,
        /// The names, in the order in which the state has them.
        names: Vec<u64>,
        /// As many.
        sockets: Vec<OwnedFd>,
    },
    /// That is all: what the shards of the other process have written, each.
    All(Arc<[Vec<u8>]>),
    /// Serve, and listen on these too.
    Begin(Vec<(TcpListener, u32)>),
}

/// Where a worker's heirlooms come from.
pub(crate) struct Heritage {
    /// They come here; the end of it, before [`Heirloom::Begin`], is the end of the worker.
    pub(crate) heirlooms: Receiver<Heirloom>,
    /// Once it has all it says so, or why it can't go on.
    pub(crate) taken: Sender<(usize, Result<(), InheritError>)>,
}

/// Why a worker can't take over.
#[derive(Debug, Error)]
pub(crate) enum InheritError {
    /// A socket can't be taken.
    #[error("a socket can't be taken: {0}")]
    Socket(#[from] io::Error),
    /// What was written can't be read.
    #[error("the state of a worker: {0}")]
    Damage(#[from] Damage),
    /// Keys can't be read.
    #[error("the state of a TLS connection: {0}")]
    Keys(#[from] whisper_tls::Damage),
    /// What the shards have written is of no use.
    #[error("the state of the shards: {0}")]
    Shards(#[from] Refused),
    /// What came isn't what was announced.
    #[error("sockets and state don't fit together")]
    Mismatch,
}

/// A connection whose socket has yet to come.
struct Record {
    name: u64,
    estate: Estate,
    known: Option<(Connection, Option<Awaited>)>,
    /// What encrypts it.
    keys: Option<Zeroizing<Vec<u8>>>,
}

/// Connections that are here, by whose they were and the name that they had there.
type Renamed = HashMap<(u16, u64), ConnId>;

/// What has come so far.
#[derive(Default)]
struct Gathered {
    /// By the number of the shard.
    awaited: HashMap<u16, VecDeque<Record>>,
    renamed: Renamed,
    arrived: Vec<(ConnId, Connection, Option<Awaited>)>,
    keys: Vec<(ConnId, Zeroizing<Vec<u8>>)>,
    /// The first bytes of handshakes that may begin.
    decided: Vec<(u16, u64, Vec<u8>)>,
    departed: Vec<(SessionId, Identity)>,
    absentees: Vec<(SessionId, Identity)>,
}

impl Worker {
    /// A worker that takes over. None where nothing comes of it.
    ///
    /// # Errors
    /// Where a socket can't be listened on.
    pub(crate) fn inherit(
        mut reactor: Reactor,
        parts: Parts,
        common: Arc<Common>,
        heritage: &Heritage,
    ) -> io::Result<Option<Self>> {
        let me = parts.port.me();
        reactor.freeze();
        let mut gathered = Gathered::default();
        let mut fault = None;
        let cores = loop {
            let Ok(heirloom) = heritage.heirlooms.recv() else { return Ok(None) };
            match gathered.take(&mut reactor, heirloom) {
                Ok(None) => {}
                Ok(Some(cores)) => break cores,
                // The others are told at the end, like everybody.
                Err(error) => fault = fault.or(Some(error)),
            }
        };
        let made = fault.map_or(Ok(()), Err).and_then(|()| {
            let shards = parts.shard.shards as u16;
            let estates: Vec<&[u8]> = cores.iter().map(|it| &it[..]).collect();
            let succession = Succession::read(&estates, shards, &parts.shard.placement)?;
            gathered.found(reactor, parts, common, &succession)
        });
        let mut worker = match made {
            Ok(worker) => worker,
            Err(error) => {
                let _ = heritage.taken.send((me, Err(error)));
                return Ok(None);
            }
        };
        let _ = heritage.taken.send((me, Ok(())));
        match heritage.heirlooms.recv() {
            Ok(Heirloom::Begin(listeners)) => {
                for (listener, tag) in listeners {
                    worker.reactor.listen(listener, tag)?;
                }
                worker.reactor.thaw();
                Ok(Some(worker))
            }
            Ok(_) | Err(_) => Ok(None),
        }
    }
}

impl Gathered {
    /// Takes an heirloom; the last of them has what is to be read now.
    fn take(
        &mut self,
        reactor: &mut Reactor,
        heirloom: Heirloom,
    ) -> Result<Option<Arc<[Vec<u8>]>>, InheritError> {
        match heirloom {
            Heirloom::Listeners(listeners) => {
                for (listener, tag) in listeners {
                    reactor.listen(listener, tag)?;
                }
            }
            Heirloom::State { from, ours, keys } => self.read(from, &ours, &keys)?,
            Heirloom::Sockets { from, names, sockets } => {
                self.adopt(reactor, from, &names, sockets)?;
            }
            Heirloom::All(cores) => {
                let is_all = self.awaited.values().all(VecDeque::is_empty);
                return if is_all { Ok(Some(cores)) } else { Err(InheritError::Mismatch) };
            }
            Heirloom::Begin(_) => return Err(InheritError::Mismatch),
        }
        Ok(None)
    }

    fn read(&mut self, from: u16, ours: &[u8], keys: &[u8]) -> Result<(), InheritError> {
        let (mut r, mut keys) = (Reader::new(ours), Reader::new(keys));
        let mut bodies = Bodies::default();
        let mut records = VecDeque::new();
        for _ in 0..r.number()? {
            let (name, estate) = (u64::get(&mut r)?, get_estate(&mut bodies, &mut r)?);
            let known = match bool::get(&mut r)? {
                true => Some((Connection::get(&mut r)?, Option::get(&mut r)?)),
                false => None,
            };
            let len = keys.number()? as usize;
            let keys = keys.bytes(len)?;
            let keys = (!keys.is_empty()).then(|| Zeroizing::new(keys.to_vec()));
            records.push_back(Record { name, estate, known, keys });
        }
        for _ in 0..r.number()? {
            self.decided.push((from, u64::get(&mut r)?, Vec::get(&mut r)?));
        }
        for _ in 0..r.number()? {
            self.departed.push(get_person(&mut r)?);
        }
        for _ in 0..r.number()? {
            self.absentees.push(get_person(&mut r)?);
        }
        if !(r.rest().is_empty() && keys.rest().is_empty()) {
            return Err(Damage.into());
        }
        self.awaited.insert(from, records);
        Ok(())
    }

    fn adopt(
        &mut self,
        reactor: &mut Reactor,
        from: u16,
        names: &[u64],
        sockets: Vec<OwnedFd>,
    ) -> Result<(), InheritError> {
        let records = self.awaited.get_mut(&from).ok_or(InheritError::Mismatch)?;
        if records.len() < names.len() || names.len() != sockets.len() {
            return Err(InheritError::Mismatch);
        }
        let records: Vec<_> = records.drain(..names.len()).collect();
        if records.iter().zip(names).any(|(record, name)| record.name != *name) {
            return Err(InheritError::Mismatch);
        }
        let split = |it: Record| (it.estate, (it.known, it.keys));
        let (estates, known): (Vec<_>, Vec<_>) = records.into_iter().map(split).unzip();
        let conns = reactor.adopt(sockets.into_iter().zip(estates).collect())?;
        for ((conn, name), (known, keys)) in conns.into_iter().zip(names).zip(known) {
            if let Some((connection, until)) = known {
                self.renamed.insert((from, *name), conn);
                self.arrived.push((conn, connection, until));
            }
            self.keys.extend(keys.map(|keys| (conn, keys)));
        }
        Ok(())
    }

    fn found(
        self,
        reactor: Reactor,
        parts: Parts,
        common: Arc<Common>,
        succession: &Succession<'_>,
    ) -> Result<Worker, InheritError> {
        let Self { renamed, mut arrived, keys, decided, mut departed, mut absentees, .. } = self;
        let now = common.clock.now().max(succession.now());
        let protocols: HashMap<ConnId, _> =
            arrived.iter().map(|(conn, it, _)| (*conn, it.session.protocol())).collect();
        let mut links = |from: u16, old: Link| {
            let (name, _) = conn_of(old);
            let conn = *renamed.get(&(from, name.to_bits()))?;
            Some(link_of(conn, *protocols.get(&conn)?))
        };
        let shard = Shard::inherit(now, parts.shard.clone(), succession, &mut links)?;
        let mut worker = Worker::with(reactor, parts, common, (now, shard, None));
        for (conn, keys) in keys {
            worker.streams.inherit(conn, &keys)?;
        }
        let desk = &mut worker.desk;
        let decided = decided
            .into_iter()
            .filter_map(|(from, name, bytes)| Some((*renamed.get(&(from, name))?, bytes)));
        desk.decided.extend(decided);
        // Heads are given up in the order in which they began.
        arrived.sort_by_key(|(.., head)| head.map(|it| it.until));
        for (conn, mut connection, head) in arrived {
            connection.person = connection.person.map(|person| succession.home_of(person));
            connection.guest.rename_claimed(|session| succession.home_of(session));
            if connection.guest.errand().is_some() {
                desk.homeward.push_back(conn);
            } else if connection.person.is_none() && connection.session.is_websocket() {
                desk.part_soon(conn);
            }
            desk.connections.put_in(conn, connection);
            if let (Some(head), Some(connection)) = (head, desk.connections.get_mut(conn)) {
                desk.heads.go_on(head, conn, connection);
            }
        }
        for (person, _) in departed.iter_mut().chain(&mut absentees) {
            *person = succession.home_of(*person);
        }
        departed.into_iter().for_each(|(person, who)| desk.departed.leave(person, who));
        absentees
            .into_iter()
            .for_each(|(person, who)| desk.absentees.note(person, who, &desk.shard));
        let set = Arc::clone(&desk.watch.set);
        // The bans may be others than a moment ago.
        desk.take_bans(set, true);
        Ok(worker)
    }
}
