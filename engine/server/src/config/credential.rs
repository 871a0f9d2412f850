//! Files that systemd passes (`LoadCredential=`), by their names.

use std::env;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// Before the name of a credential.
const CREDENTIAL: &str = "credential:";

/// Where systemd says that they are.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The file that a path means.
pub(super) fn locate(key: &'static str, path: &Path) -> Result<PathBuf, ConfigError> {
    let Some(name) = path.to_str().and_then(|path| path.strip_prefix(CREDENTIAL)) else {
        return Ok(path.to_owned());
    };
    let wrong = |why: String| ConfigError::Value { key, why };
    // systemd allows no other names either.
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(wrong(format!("{name:?} can't be the name of a credential")));
    }
    let Some(directory) = env::var_os(CREDENTIALS_DIRECTORY) else {
        return Err(wrong(format!(
            "names a credential, but {CREDENTIALS_DIRECTORY} is not set: \
             LoadCredential= in the unit passes one"
        )));
    };
    Ok(Path::new(&directory).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_names_and_no_paths() {
        for name in ["", "a/b", "../x", "."] {
            assert!(locate("tls.key", Path::new(&format!("{CREDENTIAL}{name}"))).is_err());
        }
        let plain = Path::new("/etc/x.pem");
        assert_eq!(locate("tls.key", plain).expect("a path"), plain);
    }
}
