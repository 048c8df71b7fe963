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
    /// [`Error::Folder`] when the folder cannot be made or cannot be watched over.
    pub fn new(prefix: &str) -> Result<Folder, Error> {
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .map_err(Error::Folder)?;
        janitor::add(&Entry::Folder(folder.path())).map_err(Error::Folder)?;
        Ok(Folder(folder))
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
