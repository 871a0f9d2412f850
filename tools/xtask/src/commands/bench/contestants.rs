//! Who is measured: the engine, the floor, and the rivals.

use std::path::PathBuf;

use super::host::Host;
use crate::Result;
use crate::checkout::{Checkout, RIVALS};
use crate::client;
use crate::process::{Ready, Task};

/// A server that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contestant {
    /// What it is called on the command line, and in files.
    pub(crate) name: &'static str,
    /// What it is called in the table.
    pub(crate) title: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Engine,
    Floor,
    Bun,
    /// A program of the rivals' workspace.
    Rival,
}

/// All of them, the engine first.
pub(crate) const ALL: [Contestant; 6] = [
    Contestant { name: "whisper", title: "Whisper", kind: Kind::Engine },
    Contestant { name: "floor", title: "floor", kind: Kind::Floor },
    Contestant { name: "bun", title: "Bun (uWebSockets)", kind: Kind::Bun },
    Contestant { name: "tokio_tungstenite", title: "tokio-tungstenite", kind: Kind::Rival },
    Contestant { name: "fastwebsockets", title: "fastwebsockets", kind: Kind::Rival },
    Contestant { name: "glommio", title: "glommio", kind: Kind::Rival },
];

/// The one that the bars are about.
pub(crate) const ENGINE: Contestant = ALL[0];

/// The one that most bars name.
pub(crate) const BUN: Contestant = ALL[2];

impl Contestant {
    /// Whether it speaks the engine's protocol, and not bare frames.
    pub(crate) fn is_engine(self) -> bool {
        self.kind == Kind::Engine
    }

    /// Whether somebody might pick it instead of the engine.
    pub(crate) fn is_rival(self) -> bool {
        matches!(self.kind, Kind::Bun | Kind::Rival)
    }

    /// Starts it, alone on its core.
    ///
    /// # Errors
    /// Where it can't be, or doesn't say where it listens.
    pub(crate) fn start(self, checkout: &Checkout, host: &Host) -> Result<Ready> {
        self.command(checkout, host).start()
    }

    fn command(self, checkout: &Checkout, host: &Host) -> Task {
        let pinned = |program: PathBuf| host.pinned(checkout, &host.cores[..1], program);
        match self.kind {
            Kind::Engine => engine(checkout, host, "1"),
            Kind::Floor => {
                pinned(checkout.target("release/floor")).args(["--relay", "--listen", LISTEN])
            }
            Kind::Bun => pinned(checkout.path("bench/peers/bun/node_modules/.bin/bun"))
                .args([checkout.path("bench/peers/bun/relay.js")])
                .args([LISTEN]),
            Kind::Rival => pinned(checkout.target("rivals/release").join(self.name)).args([LISTEN]),
        }
    }
}

/// The engine with so many reactors, alone on its core.
pub(crate) fn engine(checkout: &Checkout, host: &Host, reactors: &str) -> Task {
    host.pinned(checkout, &host.cores[..1], checkout.target("release/whisper"))
        .args(["serve", "--reactors", reactors, "--exempt", "127.0.0.0/8", "--listen", LISTEN])
        .args(["--data-dir".into(), checkout.path("bench/out/data")])
        .args(["--config".into(), checkout.path("bench/peers/whisper.toml")])
}

const LISTEN: &str = "127.0.0.1:0";

/// Builds generator and servers, optimised.
///
/// # Errors
/// The compiler's, or npm's.
pub(crate) fn build(checkout: &Checkout) -> Result {
    let ours = ["whisper-engine", "whisper-bench", "whisper-peers"];
    let ours = ours.iter().flat_map(|package| ["--package", package]);
    checkout.cargo(&["build", "--release"]).args(ours).run()?;
    checkout
        .cargo(&["build", "--release", "--locked", "--target-dir"])
        .args([checkout.target("rivals")])
        .folder(checkout.path(RIVALS))
        .run()?;
    client::install_in(checkout, "bench/peers/bun")
}
