//! The programs that are tested against.
//!
//! They belong to crates that this one must not know, so cargo is asked for them: what is tested is
//! always as new as the sources. `WHISPER_BIN` and `FLOOR_BIN` name others.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The load generator.
pub(crate) const BENCH: &str = env!("CARGO_BIN_EXE_whisper-bench");

/// The engine and the floor.
pub(crate) fn programs() -> &'static (PathBuf, PathBuf) {
    static PROGRAMS: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let given = |name| env::var_os(name).map(PathBuf::from);
        if let (Some(engine), Some(floor)) = (given("WHISPER_BIN"), given("FLOOR_BIN")) {
            return (engine, floor);
        }
        let folder = Path::new(BENCH).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--workspace", "--bin", "whisper", "--bin", "floor"]);
        cargo.arg("--target-dir").arg(folder.parent().unwrap());
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().unwrap().success(), "the servers can't be built");
        let built = |name, file| given(name).unwrap_or_else(|| folder.join(file));
        (built("WHISPER_BIN", "whisper"), built("FLOOR_BIN", "floor"))
    })
}
