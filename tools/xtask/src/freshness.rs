//! Is something built already, or has a source changed since?

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Whether `product` is missing, or older than anything in `sources`: files, or folders with all
/// that they hold. A folder counts itself too, so that a deleted file is noticed; a source that is
/// not there counts as old.
pub(crate) fn is_stale(product: &Path, sources: &[PathBuf]) -> io::Result<bool> {
    let Ok(built) = fs::metadata(product).and_then(|found| found.modified()) else {
        return Ok(true);
    };
    for source in sources {
        if newest(source)?.is_some_and(|changed| changed > built) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The latest change of a file, or of a folder and everything in it.
fn newest(path: &Path) -> io::Result<Option<SystemTime>> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut latest = Some(found.modified()?);
    if found.is_dir() {
        for entry in fs::read_dir(path)? {
            latest = latest.max(newest(&entry?.path())?);
        }
    }
    Ok(latest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    /// A folder of its own for a test, gone afterwards.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            fs::create_dir_all(folder.join("src/deep")).unwrap();
            Self(folder)
        }

        /// Gives a file or folder an age; makes the file where it isn't there.
        fn aged(&self, path: &str, seconds: u64) -> PathBuf {
            let path = self.0.join(path);
            if !path.exists() {
                fs::write(&path, "").unwrap();
            }
            let when = SystemTime::now() - Duration::from_secs(seconds);
            File::open(&path).unwrap().set_modified(when).unwrap();
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_missing_product_is_stale() {
        let scratch = Scratch::new("missing");
        assert!(is_stale(&scratch.0.join("out"), &[]).unwrap());
    }

    #[test]
    fn the_newest_source_decides_however_deep() {
        let scratch = Scratch::new("newest");
        scratch.aged("src/deep/a", 50);
        scratch.aged("src/deep", 50);
        let source = scratch.aged("src", 50);
        let product = scratch.aged("out", 30);
        let absent = scratch.0.join("absent");
        assert!(!is_stale(&product, &[source.clone(), absent]).unwrap());
        scratch.aged("src/deep/a", 10);
        assert!(is_stale(&product, &[source]).unwrap());
    }

    #[test]
    fn a_deleted_source_is_noticed() {
        let scratch = Scratch::new("deleted");
        let doomed = scratch.aged("src/deep/a", 50);
        scratch.aged("src/deep", 50);
        let source = scratch.aged("src", 50);
        let product = scratch.aged("out", 30);
        fs::remove_file(doomed).unwrap();
        assert!(is_stale(&product, &[source]).unwrap());
    }
}
