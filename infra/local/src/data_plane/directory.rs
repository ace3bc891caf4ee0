//! The directory that holds everything, for one process at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::StartError;

/// What a start needs at least: some pages of each database and its journal.
const ROOM_TO_START: usize = 1 << 20;

/// What the next writes need at least.
const ROOM_TO_GO_ON: usize = 64 << 10;

/// The form of what lies in the directory. It changes when a version cannot read what one before
/// it wrote.
const FORMAT: &str = "2";

/// Says where the data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// In this directory, made where it is missing.
    Directory(PathBuf),
    /// In a temporary directory that goes with the process.
    Memory,
}

/// Is a directory that no other process has.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    /// INVARIANT: two processes would take each other's messages in flight for leavings of a
    /// crash. The lock goes with the process, however it ends.
    _lock: File,
    _temporary: Option<TempDir>,
}

impl DataDirectory {
    /// Makes and locks the directory and sees whether it can be written.
    pub(crate) fn open(data: &Data) -> Result<Self, StartError> {
        let (path, temporary) = match data {
            Data::Directory(path) => {
                create(path).map_err(|source| failure(path, source))?;
                (path.clone(), None)
            }
            Data::Memory => {
                let temporary = temporary().map_err(|source| failure(&std::env::temp_dir(), source))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let lock = File::create(path.join("lock")).map_err(|source| failure(&path, source))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StartError::InUse(path.clone()),
            TryLockError::Error(source) => failure(&path, source),
        })?;
        let directory = Self { path, _lock: lock, _temporary: temporary };
        directory.probe(ROOM_TO_START)?;
        directory.check_format()?;
        Ok(directory)
    }

    /// Marks an empty directory, and refuses one of another form.
    fn check_format(&self) -> Result<(), StartError> {
        let file = self.path.join("format");
        match fs::read_to_string(&file) {
            Ok(format) if format.trim() == FORMAT => Ok(()),
            Ok(_) => Err(StartError::OtherVersion(self.path.clone())),
            Err(_) if self.path.join("tables.sqlite").exists() => {
                Err(StartError::OtherVersion(self.path.clone()))
            }
            Err(_) => fs::write(&file, FORMAT).map_err(|source| failure(&self.path, source)),
        }
    }

    /// Gives its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Turns the error of a part into that of the disk if the disk is what is wrong: each part
    /// words a full disk in its own way, and some of them as an internal error.
    pub(crate) fn explain(&self, error: impl Into<StartError>) -> StartError {
        self.full_disk(ROOM_TO_START).unwrap_or_else(|| error.into())
    }

    /// Sees whether the disk has become full.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        self.full_disk(ROOM_TO_GO_ON).map_or(Ok(()), Err)
    }

    fn full_disk(&self, room_bytes: usize) -> Option<StartError> {
        self.probe(room_bytes).err().filter(|error| matches!(error, StartError::DiskFull(_)))
    }

    fn probe(&self, room_bytes: usize) -> Result<(), StartError> {
        let file = self.path.join("probe");
        let written = fs::write(&file, vec![0; room_bytes]);
        // Best effort: what was written is overwritten by the next probe.
        let _: io::Result<()> = fs::remove_file(&file);
        written.map_err(|source| failure(&self.path, source))
    }
}

/// Makes it for its owner alone: it holds personal data.
fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn temporary() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("leads-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

fn failure(path: &Path, source: io::Error) -> StartError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StartError::DiskFull(path.to_owned()),
        _ => StartError::Directory { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_a_file_is_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataDirectory::open(&Data::Directory(file.clone())).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot use the data directory `{}`", file.display())), "{error}");
        assert!(!error.contains('\n'));
    }

    #[test]
    fn a_directory_is_had_once_and_is_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::Directory(folder.path().join("data"));
        let first = DataDirectory::open(&data).unwrap();
        assert!(matches!(DataDirectory::open(&data), Err(StartError::InUse(_))));
        drop(first);
        DataDirectory::open(&data).unwrap();
    }

    #[test]
    fn data_in_the_form_of_another_version_is_refused_and_left_as_it_is() {
        for (file, content) in [("tables.sqlite", ""), ("format", "1")] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(file), content).unwrap();
            let opened = DataDirectory::open(&Data::Directory(folder.path().to_owned()));
            assert!(matches!(opened, Err(StartError::OtherVersion(_))));
            assert_eq!(fs::read_to_string(folder.path().join(file)).unwrap(), content);
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_looks_into_a_directory() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        for data in [Data::Memory, Data::Directory(folder.path().join("data"))] {
            let directory = DataDirectory::open(&data).unwrap();
            let mode = fs::metadata(directory.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }

    #[test]
    fn a_temporary_directory_goes_with_its_owner() {
        let directory = DataDirectory::open(&Data::Memory).unwrap();
        let path = directory.path().to_owned();
        assert!(path.is_dir());
        drop(directory);
        assert!(!path.exists());
    }
}
