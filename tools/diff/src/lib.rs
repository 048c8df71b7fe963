//! What changed from one step to another: the one comparison behind `cargo xtask diff` and the diffs of
//! the book.

mod pieces;
mod print;

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::Result;
use similar::{ChangeTag, TextDiff};
use steps::Step;

pub use pieces::{Piece, item, pieces};
pub use print::{print_beside, print_line};

/// Unchanged lines shown around each change.
pub const CONTEXT_LINES: usize = 3;

/// A file that two steps do not have alike. The names of the steps are neutral in it.
#[derive(Debug, Default)]
pub struct Changed {
    /// The file, relative to the folder of a step.
    pub file: PathBuf,
    /// The text in the earlier step; empty where that does not have the file.
    pub old: String,
    /// The text in the later step; empty where that does not have the file.
    pub new: String,
}

impl Changed {
    /// The difference, line by line.
    pub fn lines(&self) -> TextDiff<'_, '_, str> {
        TextDiff::from_lines(&self.old, &self.new)
    }

    /// How many lines were added, and how many removed.
    pub fn counts(&self) -> (usize, usize) {
        let diff = self.lines();
        let count = |tag| {
            let changes = diff.iter_all_changes();
            changes.filter(|change| change.tag() == tag).count()
        };
        (count(ChangeTag::Insert), count(ChangeTag::Delete))
    }
}

/// The files that changed from `a` to `b`, in order.
///
/// # Errors
///
/// When a file cannot be read.
pub fn between(a: &Step, b: &Step) -> Result<Vec<Changed>> {
    let files: BTreeSet<PathBuf> = a.files()?.into_iter().chain(b.files()?).collect();
    let mut changed = Vec::new();
    for file in files {
        let (old, new) = (a.neutral(&file)?, b.neutral(&file)?);
        if old != new {
            changed.push(Changed { file, old, new });
        }
    }
    Ok(changed)
}
