//! The package for Debian: the root, and what dpkg wants to know of it.

use std::fs;
use std::path::Path;

use super::layout::{self, DOC};
use super::{PROGRAMS, Release};
use crate::Result;
use crate::checkout::Checkout;

/// The files of `systemd/debian` that dpkg runs.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Adds to the root what only Debian has, and packs it; the file's name.
pub(super) fn package(checkout: &Checkout, release: &Release, root: &Path) -> Result<String> {
    let out = root.parent().ok_or("the root has a folder")?;
    let source = checkout.path("systemd/debian");
    let read = |name: &str| fs::read_to_string(source.join(name));
    let licence = fs::read_to_string(checkout.path("LICENSE-MIT"))?;
    let copyright = read("copyright")?.replace("@MIT@", indented(&licence).trim_end());
    layout::write(&root.join(DOC).join("copyright"), copyright)?;
    let changelog = root.join(DOC).join("changelog");
    layout::write(&changelog, news(checkout, release)?)?;
    checkout.task("gzip").args(["-9n", "--force"]).args([&changelog]).run()?;
    let control = read("control")?
        .replace("@VERSION@", &release.version)
        .replace("@ARCHITECTURE@", &release.architecture)
        .replace("@INSTALLED_SIZE@", &kib(root)?.to_string())
        .replace("@DEPENDS@", &libraries(checkout, root)?);
    let sums = sums(checkout, root)?;
    let about = root.join("DEBIAN");
    layout::write(&about.join("control"), control)?;
    layout::write(&about.join("conffiles"), "/etc/whisper/whisper.toml\n")?;
    layout::write(&about.join("md5sums"), sums)?;
    layout::settle(root, release.time())?;
    for script in SCRIPTS {
        let to = about.join(script);
        fs::copy(source.join(script), &to)?;
        checkout.task("chmod").args(["755"]).args([&to]).output()?;
    }
    let name = format!("whisper_{}_{}.deb", release.version, release.architecture);
    checkout
        .task("dpkg-deb")
        .folder(out)
        .env("SOURCE_DATE_EPOCH", release.epoch.to_string())
        .args(["--root-owner-group", "-Zxz", "--build"])
        .args([root.as_os_str(), name.as_ref()])
        .run()?;
    fs::remove_dir_all(about)?;
    Ok(name)
}

/// Debian's own form of a changelog, which leads to ours.
fn news(checkout: &Checkout, release: &Release) -> Result<String> {
    let at = format!("--date=@{}", release.epoch);
    let date = checkout.task("date").args(["--utc", "--rfc-email", &at]).output()?;
    let Release { version, .. } = release;
    Ok(format!(
        "whisper ({version}) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n \
         -- The Whisper authors <whisper@users.noreply.github.com>  {date}"
    ))
}

/// The packages with the shared libraries that the programs need, in the versions that they need.
fn libraries(checkout: &Checkout, root: &Path) -> Result<String> {
    // It insists on the source of a package, and reads nothing of it.
    let apart = root.with_file_name("shlibdeps");
    layout::write(
        &apart.join("debian/control"),
        "Source: whisper\n\nPackage: whisper\nArchitecture: any\n",
    )?;
    let programs = PROGRAMS.map(|(program, _)| root.join("usr/bin").join(program));
    let said = checkout.task("dpkg-shlibdeps").folder(&apart).args(["-O"]).args(programs).output();
    fs::remove_dir_all(&apart)?;
    let said = said?;
    let depends = said.trim().strip_prefix("shlibs:Depends=").ok_or("dpkg-shlibdeps is content")?;
    Ok(depends.to_owned())
}

/// The size of everything installed, as dpkg reckons.
fn kib(root: &Path) -> Result<u64> {
    let sizes = layout::below(root)?
        .into_iter()
        .map(|path| Ok(if path.is_file() { path.metadata()?.len().div_ceil(1024) } else { 1 }));
    sizes.sum()
}

/// A line for each file, so that `dpkg --verify` can tell what was changed.
fn sums(checkout: &Checkout, root: &Path) -> Result<String> {
    let files = layout::below(root)?.into_iter().filter(|path| path.is_file());
    let files: Vec<_> = files
        .filter_map(|path| Some(path.strip_prefix(root).ok()?.to_owned()))
        .filter(|path| !path.starts_with("etc"))
        .collect();
    checkout.task("md5sum").folder(root).args(files).output()
}

/// A text as a field of a control file has it: indented, and no line empty.
fn indented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_field_is_empty() {
        assert_eq!(indented("a\n\nb\n"), " a\n .\n b\n");
    }
}
