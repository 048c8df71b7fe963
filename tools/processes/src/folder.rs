//! Temporary folders that do not outlive this process.

use std::path::Path;

use tempfile::TempDir;

use crate::Error;
use crate::janitor::{self, Entry};

/// A temporary folder, removed when it is dropped and also when this process dies before that.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// Makes an empty folder in the system's temporary folder. Its name starts with `prefix`.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or cannot be watched over.
    pub fn new(prefix: &str) -> Result<Folder, Error> {
        let folder = TempDir::with_prefix(prefix).and_then(|folder| {
            janitor::add(&Entry::Folder(folder.path()))?;
            Ok(Folder(folder))
        });
        folder.map_err(|error| Error::cannot("make a temporary folder", &error))
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // `TempDir` would do this after us, too late to know. If it fails, the folder stays on the
        // janitor's list, and the janitor tries again at the end.
        if std::fs::remove_dir_all(self.path()).is_ok() {
            janitor::remove(&Entry::Folder(self.path()));
        }
    }
}
