//! Which file goes where.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::Result;
use crate::checkout::Checkout;
use crate::client;

/// Where systemd looks for units of packages.
const UNITS: &str = "usr/lib/systemd/system";
/// Where people look for what they read.
pub(super) const DOC: &str = "usr/share/doc/whisper";

/// Files of the tree and where they go. A folder goes with all that it holds.
const FILES: &[(&str, &str)] = &[
    ("systemd/whisper.service", "usr/lib/systemd/system/whisper.service"),
    ("systemd/whisper@.service", "usr/lib/systemd/system/whisper@.service"),
    ("systemd/hardening.conf", "usr/lib/systemd/system/whisper.service.d/hardening.conf"),
    ("systemd/hardening.conf", "usr/lib/systemd/system/whisper@.service.d/hardening.conf"),
    ("systemd/sysctl.d", "usr/lib/sysctl.d"),
    ("systemd/tmpfiles.d", "usr/lib/tmpfiles.d"),
    ("systemd/sysusers.d", "usr/lib/sysusers.d"),
    ("systemd/whisper.toml", "etc/whisper/whisper.toml"),
    ("ops", "usr/share/doc/whisper/examples/ops"),
    ("systemd/limits.conf", "usr/share/doc/whisper/examples/limits.conf"),
    ("systemd/tune-network", "usr/share/doc/whisper/examples/tune-network"),
    ("README.md", "usr/share/doc/whisper/README.md"),
    ("CHANGELOG.md", "usr/share/doc/whisper/CHANGELOG.md"),
    ("ARCHITECTURE.md", "usr/share/doc/whisper/ARCHITECTURE.md"),
    ("docs", "usr/share/doc/whisper/docs"),
];

/// Nodes for which `whisper@N` is tied to its node's cores and memory.
const NUMA_NODES: u32 = 8;

/// What is run: everything else is only read.
const EXECUTABLE: &[&str] = &["usr/bin", "usr/share/doc/whisper/examples/tune-network"];

/// Puts everything below `root`, as it shall stand below `/`; and what gdb and perf want of the
/// programs beside them, in `debug`.
pub(super) fn install(
    checkout: &Checkout,
    programs: &[PathBuf],
    (root, debug): (&Path, &Path),
) -> Result {
    fs::create_dir_all(debug)?;
    for (from, to) in FILES {
        copy(&checkout.path(from), &root.join(to))?;
    }
    copy(&client::web_root(checkout), &root.join("usr/share/whisper/www"))?;
    for program in programs {
        let name = program.file_name().ok_or("a program has a name")?;
        let to = root.join("usr/bin").join(name);
        copy(program, &to)?;
        strip(checkout, &to, &debug.join(name).with_extension("debug"))?;
    }
    for program in programs {
        tell_of(checkout, program, root)?;
    }
    let settings = checkout.task(&programs[0]).args(["config", "default"]).output()?;
    write(&root.join(DOC).join("examples/whisper.toml"), settings)?;
    for node in 0..NUMA_NODES {
        let drop_in = root.join(UNITS).join(format!("whisper@{node}.service.d/numa.conf"));
        let text = format!("[Service]\nNUMAPolicy=bind\nNUMAMask={node}\nCPUAffinity=numa\n");
        write(&drop_in, &text)?;
    }
    Ok(())
}

/// Gives everything below `root` its mode, and the time of the commit.
pub(super) fn settle(root: &Path, time: SystemTime) -> Result {
    let is_run = |path: &Path| EXECUTABLE.iter().any(|it| path.starts_with(root.join(it)));
    for path in below(root)? {
        let mode = if path.is_dir() || is_run(&path) { 0o755 } else { 0o644 };
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        fs::File::open(&path)?.set_modified(time)?;
    }
    Ok(())
}

/// Everything below a folder and the folder itself, in order of names; what holds comes after what
/// is held.
pub(super) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    if folder.is_dir() {
        let mut entries: Vec<_> = folder.read_dir()?.collect::<std::io::Result<_>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            all.extend(below(&entry.path())?);
        }
    }
    all.push(folder.to_owned());
    Ok(all)
}

/// Writes a file, and the folders that it stands in.
pub(super) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, content).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// What shells and `man` have of a program, by its own word.
fn tell_of(checkout: &Checkout, program: &Path, root: &Path) -> Result {
    let name = program.file_name().and_then(|name| name.to_str()).ok_or("a program has a name")?;
    for (shell, file) in [
        ("bash", format!("usr/share/bash-completion/completions/{name}")),
        ("zsh", format!("usr/share/zsh/vendor-completions/_{name}")),
        ("fish", format!("usr/share/fish/vendor_completions.d/{name}.fish")),
    ] {
        let said = checkout.task(program).args(["completions", shell]).output()?;
        write(&root.join(file), said)?;
    }
    let (pages, compressed) = (root.join("man"), root.join("usr/share/man/man1"));
    fs::create_dir_all(&pages)?;
    checkout.task(program).args(["man", "--out"]).args([&pages]).run()?;
    for page in below(&pages)?.iter().filter(|path| path.is_file()) {
        checkout.task("gzip").args(["-9n"]).args([page]).output()?;
    }
    for page in below(&pages)?.iter().filter(|path| path.is_file()) {
        copy(page, &compressed.join(page.file_name().unwrap_or_default()))?;
    }
    Ok(fs::remove_dir_all(pages)?)
}

/// Moves a program's symbols to a file of their own, which it then names.
fn strip(checkout: &Checkout, program: &Path, symbols: &Path) -> Result {
    let objcopy = |flag: &str| checkout.task("objcopy").args([flag]);
    objcopy("--only-keep-debug").args([program, symbols]).run()?;
    checkout.task("strip").args(["--strip-unneeded"]).args([program]).run()?;
    let link = format!("--add-gnu-debuglink={}", symbols.display());
    objcopy(&link).args([program]).run()
}

fn copy(from: &Path, to: &Path) -> Result {
    for path in below(from)?.iter().filter(|path| path.is_file()) {
        let inside = path.strip_prefix(from)?;
        let to = if inside.as_os_str().is_empty() { to.to_owned() } else { to.join(inside) };
        write(&to, fs::read(path)?)?;
    }
    if !from.exists() {
        return Err(format!("{} is not there", from.display()).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_there_and_goes_below_the_root() {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (from, to) in FILES {
            assert!(tree.join(from).exists(), "{from}");
            assert!(to.starts_with("usr/") || to.starts_with("etc/"), "{to}");
        }
        // Pages name each other, and README.md names them, by where they lie.
        let all = fs::read_to_string(tree.join("README.md")).expect("a page");
        for link in all.split("](").skip(1).filter_map(|it| it.split_once(')')) {
            let page = Path::new(link.0);
            let is_packed = FILES.iter().any(|(from, to)| {
                page.starts_with(from)
                    && to.strip_prefix(DOC).is_some_and(|it| it == format!("/{from}"))
            });
            let is_page = page.starts_with("docs") || page.components().count() == 1;
            assert!(is_packed || !is_page, "{}", link.0);
        }
        // As a whole: what its docker-compose.yml mounts lies beside that.
        assert!(FILES.iter().any(|(from, to)| *from == "ops" && to.ends_with("/examples/ops")));
    }
}
