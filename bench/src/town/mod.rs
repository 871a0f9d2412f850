//! A town: boxes with an engine each, a NATS and a Redis between them, every one of them in a house
//! of its own on a street of ours ([`street`]), so that each can be cut off from all others.
//!
//! All of it are real programs on one machine; what a box is to the others shows on the wire alone.

mod street;

pub(crate) use self::street::StreetError;

use std::env;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use thiserror::Error;

use self::street::{House, Street};
use crate::measure::{CpuTime, MeasureError, get};
use crate::server::{Server, ServerError};

/// Where engines listen, each on the address of its house.
const PEOPLE_PORT: u16 = 8080;

const NATS_PORT: u16 = 4222;

const REDIS_PORT: u16 = 6379;

/// How long a program may take to listen, and the boxes to find each other.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long an engine may take to say how it sees the cluster.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// How often to look whether they have.
const LOOK: Duration = Duration::from_millis(50);

/// The secret of this cluster, which nobody outside can reach.
const SECRET: &str = "7f0e1d2c3b4a59687766554433221100ffeeddccbbaa99887766554433221100";

/// A town with people to come. All its programs end when it is dropped.
#[derive(Debug)]
pub(crate) struct Town {
    boxes: Vec<EngineBox>,
    nats: Service,
    _redis: Service,
    // Behind those who write there: fields are dropped in order.
    _folder: Folder,
}

/// Why there is no town, or why it doesn't do what it should.
#[derive(Debug, Error)]
pub(crate) enum TownError {
    /// No network.
    #[error(transparent)]
    Street(#[from] StreetError),
    /// No engine.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Another program is not there.
    #[error("can't start {program}: {error}; apt-get install {program}")]
    NotThere {
        /// Which.
        program: &'static str,
        /// Why.
        error: io::Error,
    },
    /// It doesn't listen.
    #[error("{0} doesn't listen")]
    Deaf(&'static str),
    /// The boxes don't act as one.
    #[error("the boxes don't find each other: {0}")]
    Apart(String),
    /// Something of the system.
    #[error("the town: {0}")]
    Io(#[from] io::Error),
    /// What a process took can't be read.
    #[error(transparent)]
    Measure(#[from] MeasureError),
}

impl TownError {
    /// Whether the system forbids us to build any town, whatever is installed.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Street(StreetError::NotAllowed(_)))
    }
}

/// A house of the town.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// That of a box, by its number from 0.
    Box(usize),
    /// That of NATS.
    Nats,
}

/// What kind of town it shall be.
#[derive(Clone, Debug)]
pub(crate) struct Wish<'a> {
    /// The engine's program.
    pub(crate) engine: &'a Path,
    /// How many boxes.
    pub(crate) boxes: usize,
    /// Reactors of each.
    pub(crate) reactors: u16,
}

impl Town {
    /// Moves to a street of our own, builds the town there, and waits until its boxes are one
    /// cluster. Must be called before other threads are started, for where we may not do that but in
    /// a user namespace.
    ///
    /// # Errors
    /// What is missing, and how to get it; [`TownError::is_forbidden`] where that can't be had here.
    pub(crate) fn build(wish: &Wish<'_>) -> Result<Self, TownError> {
        let folder = Folder::make()?;
        let secret = folder.0.join("cluster.secret");
        fs::write(&secret, SECRET)?;
        let mut street = Street::move_in()?;
        let nats = Service::start(&NATS, street.build()?, &folder.0)?;
        let redis = Service::start(&REDIS, street.build()?, &folder.0)?;
        let nats_url = format!("nats://{}", nats.address());
        let redis_url = format!("redis://{}", redis.address());
        let build = |number: usize| {
            let house = street.build()?;
            let data = folder.0.join(format!("box{}", number + 1));
            fs::create_dir_all(&data)?;
            let own = [
                ("--listen", SocketAddr::from((house.address(), PEOPLE_PORT)).to_string()),
                ("--reactors", wish.reactors.to_string()),
                ("--node-id", (number + 1).to_string()),
                ("--nats", nats_url.clone()),
                ("--redis", redis_url.clone()),
                ("--cluster-secret-file", secret.display().to_string()),
                ("--admin-socket", data.join("admin.sock").display().to_string()),
                ("--data-dir", data.display().to_string()),
                ("--exempt", format!("{}/24", house.address())),
                ("--drain-secs", "0".to_owned()),
            ];
            let args = own.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
            let args = std::iter::once("serve".to_owned()).chain(args).collect();
            let engine = wish.engine.to_owned();
            let mut new = EngineBox { house, engine, args, data, server: None };
            new.start()?;
            Ok::<_, TownError>(new)
        };
        let boxes = (0..wish.boxes).map(build).collect::<Result<_, _>>()?;
        let town = Self { boxes, nats, _redis: redis, _folder: folder };
        town.await_one_cluster()?;
        Ok(town)
    }

    /// Where people of each box connect.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let address = |it: &EngineBox| SocketAddr::from((it.house.address(), PEOPLE_PORT));
        self.boxes.iter().map(address).collect()
    }

    /// The processes of the boxes that run.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.boxes.iter().filter_map(|it| it.server.as_ref().map(Server::pid)).collect()
    }

    /// Puts a house's cable in, or pulls it.
    ///
    /// # Errors
    /// Where that can't be done.
    pub(crate) fn connect(&self, place: Place, connected: bool) -> Result<(), TownError> {
        let house = match place {
            Place::Box(number) => &self.boxes[number].house,
            Place::Nats => &self.nats.house,
        };
        Ok(house.connect(connected)?)
    }

    /// Has a box stand still, or go on.
    ///
    /// # Errors
    /// Where it is not there.
    pub(crate) fn freeze(&self, number: usize, frozen: bool) -> Result<(), TownError> {
        let server = self.boxes[number].server.as_ref();
        let pid = server.map(Server::pid).ok_or_else(|| io::Error::other("it doesn't run"))?;
        let signal = if frozen { Signal::SIGSTOP } else { Signal::SIGCONT };
        Ok(kill(Pid::from_raw(pid as i32), signal).map_err(io::Error::from)?)
    }

    /// Kills a box: nothing is told to anybody.
    pub(crate) fn kill(&mut self, number: usize) {
        self.boxes[number].server = None;
    }

    /// Starts a box that was killed, and waits until it listens.
    ///
    /// # Errors
    /// Where it doesn't.
    pub(crate) fn start(&mut self, number: usize) -> Result<(), TownError> {
        self.boxes[number].start()
    }

    /// Kills NATS, and starts another in its place at once.
    ///
    /// # Errors
    /// Where that doesn't listen.
    pub(crate) fn restart_nats(&mut self) -> Result<(), TownError> {
        self.nats.restart()
    }

    /// What the town's programs have used of the processors so far.
    ///
    /// # Errors
    /// Where one of them isn't there.
    pub(crate) fn used(&self) -> Result<Used, TownError> {
        let mut used = Used { nats: CpuTime::of_process(self.nats.process.0.id())?, ..Used::NONE };
        for pid in self.pids() {
            for (thread, time) in CpuTime::of_threads(pid)? {
                let sum = match thread.starts_with("reactor") {
                    true => &mut used.reactors,
                    false => &mut used.others,
                };
                *sum = *sum + time;
            }
        }
        Ok(used)
    }

    /// Waits until every box counts all of them, and goes by one map with them.
    ///
    /// # Errors
    /// How they see each other after a while.
    fn await_one_cluster(&self) -> Result<(), TownError> {
        let since = Instant::now();
        while !self.is_one_cluster() {
            if since.elapsed() > PATIENCE {
                let views: Vec<_> = self.boxes.iter().map(EngineBox::cluster).collect();
                return Err(TownError::Apart(format!("{views:?}")));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Whether every box counts all of them, and goes by one map with them.
    pub(crate) fn is_one_cluster(&self) -> bool {
        let mut epoch = None;
        self.boxes.iter().all(|it| {
            let view = it.cluster().unwrap_or_default();
            let agrees = *epoch.get_or_insert_with(|| view["epoch"].clone()) == view["epoch"];
            agrees && members(&view) == self.boxes.len()
        })
    }
}

/// Time on processors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Of the engines' reactors.
    pub(crate) reactors: CpuTime,
    /// Of their other threads: most of it is control's.
    pub(crate) others: CpuTime,
    /// Of NATS.
    pub(crate) nats: CpuTime,
}

impl Used {
    const NONE: Self = {
        let none = CpuTime::NONE;
        Self { reactors: none, others: none, nats: none }
    };

    /// What was used since.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            reactors: self.reactors - earlier.reactors,
            others: self.others - earlier.others,
            nats: self.nats - earlier.nats,
        }
    }
}

/// A house with an engine in it, or with none for the moment.
#[derive(Debug)]
struct EngineBox {
    house: House,
    engine: PathBuf,
    args: Vec<String>,
    data: PathBuf,
    server: Option<Server>,
}

impl EngineBox {
    fn start(&mut self) -> Result<(), TownError> {
        let log = File::options().create(true).append(true).open(self.data.join("log"))?;
        let mut command = Command::new(&self.engine);
        command.args(&self.args).stderr(log);
        let engine = self.engine.clone();
        let start = move || Server::start(&engine, command, PathBuf::new());
        self.server = Some(self.house.do_there(start)??);
        Ok(())
    }

    /// How it sees the cluster.
    fn cluster(&self) -> io::Result<Value> {
        let socket = UnixStream::connect(self.data.join("admin.sock"))?;
        socket.set_read_timeout(Some(ANSWER_MAX))?;
        let answer = get(socket, "whisper", "/admin/cluster")?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).map_err(io::Error::from)
    }
}

/// How many members a node counts, itself included.
fn members(cluster: &Value) -> usize {
    let nodes = cluster["nodes"].as_array().into_iter().flatten();
    nodes.filter(|node| node["state"] == "member").count()
}

/// A program of Debian's that listens on a port.
#[derive(Debug)]
struct Package {
    name: &'static str,
    port: u16,
    /// What makes it keep nothing and listen at the address that comes behind.
    args: &'static [&'static str],
}

const NATS: Package = Package { name: "nats-server", port: NATS_PORT, args: &["--addr"] };

const REDIS: Package = Package {
    name: "redis-server",
    port: REDIS_PORT,
    args: &["--save", "", "--appendonly", "no", "--protected-mode", "no", "--bind"],
};

/// A house with one of these in it.
#[derive(Debug)]
struct Service {
    package: &'static Package,
    house: House,
    process: Process,
    log: PathBuf,
}

impl Service {
    fn start(package: &'static Package, house: House, logs: &Path) -> Result<Self, TownError> {
        let log = logs.join(package.name);
        let process = package.run(&house, &log)?;
        Ok(Self { package, house, process, log })
    }

    /// Kills it, and has another take its place.
    fn restart(&mut self) -> Result<(), TownError> {
        self.process.end();
        self.process = self.package.run(&self.house, &self.log)?;
        Ok(())
    }

    fn address(&self) -> SocketAddr {
        (self.house.address(), self.package.port).into()
    }
}

impl Package {
    /// Runs it in this house, and waits until it listens.
    fn run(&self, house: &House, log: &Path) -> Result<Process, TownError> {
        let mut command = Command::new(program(self.name));
        let log = File::options().create(true).append(true).open(log)?;
        command.args(self.args).arg(house.address().to_string()).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        let process = house.do_there(move || command.spawn())?;
        let name = self.name;
        let process = process.map_err(|error| TownError::NotThere { program: name, error })?;
        let process = Process(process);
        let since = Instant::now();
        while TcpStream::connect((house.address(), self.port)).is_err() {
            if since.elapsed() > PATIENCE {
                return Err(TownError::Deaf(name));
            }
            thread::sleep(LOOK);
        }
        Ok(process)
    }
}

/// A program of Debian's: in the administrators' folder too, where others don't look by themselves.
fn program(name: &str) -> PathBuf {
    let theirs = Path::new("/usr/sbin").join(name);
    if theirs.is_file() { theirs } else { name.into() }
}

/// A process that ends when dropped.
#[derive(Debug)]
struct Process(Child);

impl Process {
    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A folder that is gone when dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("whisper-bench-town-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed stays where the system clears up itself.
        let _ = fs::remove_dir_all(&self.0);
    }
}
