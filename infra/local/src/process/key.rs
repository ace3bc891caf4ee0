//! The demo tenant's API key: given, or made once and kept for its owner's eyes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::StartError;

/// Where the made key is kept in the data directory.
const FILE: &str = "api-key";

/// Tells what kind of secret it is wherever it turns up.
const PREFIX: &str = "lk_";

/// Reads the key that a process has made and kept in its data directory.
///
/// # Errors
/// When there is none, or it is not ours to read.
pub fn kept_key(data: &Path) -> io::Result<String> {
    Ok(fs::read_to_string(data.join(FILE))?.trim().to_owned())
}

/// Lets a key pass that can be sent in a header and is not easily guessed.
pub(super) fn check(name: &'static str, key: String) -> Result<String, StartError> {
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && (16..=128).contains(&key.len()) { Ok(key) } else { Err(StartError::Key { name }) }
}

/// Reads the kept key, or makes one and keeps it.
pub(super) fn keep(data: &Path) -> Result<String, StartError> {
    let path = data.join(FILE);
    let failed = |source| StartError::KeyFile { path: path.clone(), source };
    match kept_key(data) {
        // An empty file is what a crash may have left.
        Ok(key) if !key.is_empty() => return Ok(key),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    let key = format!("{PREFIX}{}", hex::encode(bytes));
    write(&path, &key).map_err(failed)?;
    Ok(key)
}

fn write(path: &Path, key: &str) -> io::Result<()> {
    let mut file = private(path)?;
    writeln!(file, "{key}")?;
    file.sync_all()
}

/// Opens a file that only its owner can read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_is_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let key = keep(folder.path()).unwrap();
        assert!(key.starts_with("lk_") && key.len() == 3 + 64, "{key}");
        assert_eq!(check("LEADS_API_KEY", key.clone()).unwrap(), key);
        assert_eq!(keep(folder.path()).unwrap(), key);
        assert_eq!(kept_key(folder.path()).unwrap(), key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_key_has_16_to_128_visible_ascii_characters() {
        for key in ["", "fifteen-charact", "a space is in this key", "schlüssel-schlüssel", &"x".repeat(129)]
        {
            let error = check("LEADS_API_KEY", key.to_owned()).unwrap_err().to_string();
            assert_eq!(error, "LEADS_API_KEY must have 16 to 128 visible ASCII characters");
        }
        for key in ["sixteen-characte", &"~".repeat(128)] {
            assert_eq!(check("LEADS_API_KEY", key.to_owned()).unwrap(), key);
        }
    }
}
