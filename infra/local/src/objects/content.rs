//! Content files: written once, never changed, named by what they are for.
//!
//! A name is the SHA-256 of bucket and key, fanned out over two levels of directories, and
//! a random suffix. No byte of a key reaches the file system, so `..`, slashes and long
//! keys are nothing special, and a new version never overwrites the file of the old one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::error::StorageError;

/// Keeps the content files of one store.
#[derive(Debug)]
pub(super) struct Contents {
    /// Complete files.
    kept: PathBuf,
    /// Files being written; on the same file system, so that a rename publishes them.
    drafts: PathBuf,
}

impl Contents {
    /// Opens the two directories under `directory`, making them where they are missing,
    /// and discards the drafts that a crash has left.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let contents = Self { kept: directory.join("content"), drafts: directory.join("drafts") };
        fs::create_dir_all(&contents.kept)?;
        if contents.drafts.try_exists()? {
            fs::remove_dir_all(&contents.drafts)?;
        }
        fs::create_dir(&contents.drafts)?;
        Ok(contents)
    }

    /// Begins a file; dropping the draft discards it.
    pub(super) fn draft(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.drafts)
    }

    /// Makes a draft durable under a name of its own and gives that name.
    pub(super) fn keep(&self, draft: NamedTempFile, bucket: &str, key: &str) -> io::Result<String> {
        draft.as_file().sync_all()?;
        let name = self.fresh_name(bucket, key)?;
        let path = self.kept.join(&name);
        draft.persist_noclobber(&path).map_err(|refused| refused.error)?;
        sync_parent(&path)?;
        Ok(name)
    }

    /// Gives a second name to a kept file, for a copy.
    pub(super) fn link(&self, source: &str, bucket: &str, key: &str) -> io::Result<String> {
        let name = self.fresh_name(bucket, key)?;
        let (source, target) = (self.kept.join(source), self.kept.join(&name));
        match fs::hard_link(&source, &target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // Too many links to this file, or a file system without any.
                fs::copy(&source, &target)?;
                File::open(&target)?.sync_all()?;
            }
            linked => linked?,
        }
        sync_parent(&target)?;
        Ok(name)
    }

    /// Opens a kept file for reading; it stays readable when it is removed meanwhile.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        File::open(self.kept.join(name))
    }

    /// Removes kept files that no row names any more. A failure costs only space, until
    /// the next start sweeps.
    pub(super) fn remove(&self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if let Err(error) = fs::remove_file(self.kept.join(&name)) {
                tracing::warn!(error = %error, content.name = name, "content file not removed");
            }
        }
    }

    /// Removes every kept file that `is_named` does not know, and says how many.
    pub(super) fn sweep(
        &self,
        mut is_named: impl FnMut(&str) -> Result<bool, StorageError>,
    ) -> Result<usize, StorageError> {
        let mut removed = 0;
        let mut directories = vec![self.kept.clone()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    directories.push(entry.path());
                    continue;
                }
                let path = entry.path();
                let name = path.strip_prefix(&self.kept).ok().and_then(Path::to_str);
                if let Some(name) = name
                    && !is_named(name)?
                {
                    fs::remove_file(&path)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Chooses an unused name and makes its directories.
    fn fresh_name(&self, bucket: &str, key: &str) -> io::Result<String> {
        // A bucket's name has no slash: the two cannot run into each other.
        let hash = hex::encode(Sha256::digest(format!("{bucket}/{key}")));
        let (first, rest) = hash.split_at(2);
        let (second, rest) = rest.split_at(2);
        let fan = Path::new(first).join(second);
        let directory = self.kept.join(&fan);
        if !directory.try_exists()? {
            fs::create_dir_all(&directory)?;
            sync_parent(&directory)?;
            sync_parent(&self.kept.join(first))?;
        }
        Ok(format!("{first}/{second}/{rest}-{}", Uuid::new_v4().simple()))
    }
}

/// Makes a new directory entry durable: syncing the file alone does not.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn kept(contents: &Contents, key: &str) -> String {
        let mut draft = contents.draft().unwrap();
        draft.write_all(b"content").unwrap();
        contents.keep(draft, "bucket", key).unwrap()
    }

    #[test]
    fn a_sweep_removes_what_no_row_names_and_keeps_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        let contents = Contents::open(directory.path()).unwrap();
        let named = kept(&contents, "a");
        let orphan = kept(&contents, "a");
        assert_eq!(contents.sweep(|name| Ok(name == named)).unwrap(), 1);
        assert!(contents.read(&named).is_ok());
        assert!(contents.read(&orphan).is_err());
    }

    #[test]
    fn no_byte_of_a_key_reaches_the_file_system() {
        let directory = tempfile::tempdir().unwrap();
        let contents = Contents::open(directory.path()).unwrap();
        for key in ["../../escape", "/", "..", &"k".repeat(1024)] {
            let name = kept(&contents, key);
            assert_eq!(name.len(), 2 + 1 + 2 + 1 + 60 + 1 + 32, "{name}");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'/' || byte == b'-'),
                "{name}"
            );
        }
    }

    #[test]
    fn a_copy_outlives_its_source() {
        let directory = tempfile::tempdir().unwrap();
        let contents = Contents::open(directory.path()).unwrap();
        let source = kept(&contents, "a");
        let copy = contents.link(&source, "bucket", "b").unwrap();
        contents.remove([source]);
        assert_eq!(io::read_to_string(contents.read(&copy).unwrap()).unwrap(), "content");
    }
}
