//! The book as it was written: the pages under `book/src/`, in the order of `SUMMARY.md`.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Result;
use mdbook_driver::book::Chapter;
use steps::files;

use crate::render;

/// The folder of the pages, from the root of the repository.
pub const SRC: &str = "book/src";

/// The folder of what is generated, from the root of the repository.
pub const GENERATED: &str = "book/src/generated";

/// Something that is wrong with the book: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the root of the repository.
    file: String,
    /// The line, from 1.
    line: usize,
    /// What is wrong, and what to do.
    what: String,
}

impl Problem {
    /// A problem in a file of the repository.
    pub fn new(file: impl Into<String>, line: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its file in `book/src/`, such as `step-1-memory.md`.
    pub name: String,
    /// Its Markdown.
    pub text: String,
}

impl Page {
    /// Its file, from the root of the repository.
    pub fn file(&self) -> String {
        format!("{SRC}/{}", self.name)
    }

    /// A problem in this page.
    pub fn problem(&self, line: usize, what: impl Into<String>) -> Problem {
        Problem::new(self.file(), line, what)
    }
}

/// All pages.
#[derive(Debug)]
pub struct Book {
    /// The root of the repository.
    pub root: PathBuf,
    /// The pages, in the order of `SUMMARY.md`.
    pub pages: Vec<Page>,
    /// Pages that `SUMMARY.md` does not name. The reverse does not come as far as this.
    pub problems: Vec<Problem>,
}

impl Book {
    /// Reads the pages of the repository at `root`.
    ///
    /// # Errors
    ///
    /// When `SUMMARY.md` cannot be read, names a page twice, or names one that cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let book = render::load(root)?.book;
        let page = |chapter: &Chapter| {
            let path = chapter.path.as_deref().unwrap_or(Path::new(""));
            let (name, text) = (path.to_string_lossy().into_owned(), chapter.content.clone());
            Page { name, text }
        };
        let pages: Vec<Page> = book.chapters().map(page).collect();
        let mut problems = Vec::new();
        for (name, _) in named_files(&root.join(SRC))? {
            let is_page =
                name.ends_with(".md") && name != "SUMMARY.md" && !name.starts_with("generated/");
            if is_page && !pages.iter().any(|page| page.name == name) {
                let what = "no reader finds this page; name it in SUMMARY.md, or remove it";
                problems.push(Problem::new(format!("{SRC}/{name}"), 1, what));
            }
        }
        Ok(Self {
            root: root.to_owned(),
            pages,
            problems,
        })
    }
}

/// All files in a folder and below it, each with its name as seen from there. None if there is no folder.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn named_files(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let named = |file: PathBuf| (relative(&file, folder), file);
    Ok(files(folder)?.into_iter().map(named).collect())
}

/// The name of a file, seen from a folder that it lies in or below.
pub fn relative(file: &Path, folder: &Path) -> String {
    let name = file.strip_prefix(folder).unwrap_or(file);
    name.to_string_lossy().into_owned()
}
