//! mdBook, as a library.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, ensure};
use bench::{profile::Profile, published};
use mdbook_core::utils::fs;
use mdbook_driver::MDBook;

use crate::model_figure;

/// Says of a folder that a book was rendered into it, and that the next one may replace it.
const MARK: &str = ".rendered-by-cargo-xtask-book";

/// The folder of a rendered book that has the flame graphs: too large for a page, and alive by themselves.
pub const FLAMES: &str = "flames";

/// The book with its pages as they were written.
///
/// # Errors
///
/// When `book.toml`, `SUMMARY.md` or a page that it names cannot be used.
pub fn load(root: &Path) -> Result<MDBook> {
    MDBook::load(root.join("book")).context("cannot load book/; mend book.toml or src/SUMMARY.md")
}

/// Renders the expanded pages, by their names, into a folder.
///
/// # Errors
///
/// When the folder holds something else, or mdBook fails.
pub fn render(root: &Path, pages: &BTreeMap<String, String>, out: &Path) -> Result<()> {
    ensure_ours(out)?;
    let mut book = load(root)?;
    book.config.build.build_dir = out.to_owned();
    book.book.for_each_chapter_mut(|chapter| {
        let path = chapter.path.as_ref();
        if let Some(text) = path.and_then(|path| pages.get(path.to_string_lossy().as_ref())) {
            chapter.content.clone_from(text);
        }
    });
    book.build().context("mdBook cannot render the book")?;
    // mdBook copies what lies beside the pages. The pieces are in the pages already.
    let generated = out.join("generated");
    if generated.is_dir() {
        std::fs::remove_dir_all(&generated)
            .with_context(|| format!("cannot remove {}", generated.display()))?;
    }
    copy_flames(root, out)?;
    if pages
        .values()
        .any(|page| page.contains(model_figure::ELEMENT))
    {
        model_figure::write_program(root, out)?;
    }
    fs::write(out.join(MARK), "")
}

/// The flame graphs of the profile that the book shows, if there is any.
fn copy_flames(root: &Path, out: &Path) -> Result<()> {
    let Some(folder) = published::profile(root)? else {
        return Ok(());
    };
    for server in Profile::read(&folder)?.servers {
        let name = server.flame();
        let picture = fs::read_to_string(folder.join(&name))?;
        fs::write(out.join(FLAMES).join(name), picture)?;
    }
    Ok(())
}

/// mdBook empties the folder that it renders into.
fn ensure_ours(out: &Path) -> Result<()> {
    if out.join(MARK).exists() || !out.exists() {
        return Ok(());
    }
    let entries = out.read_dir();
    let mut entries = entries.with_context(|| format!("cannot render into {}", out.display()))?;
    ensure!(
        entries.next().is_none(),
        "{} holds something that is no book; name an empty or a new folder with --out",
        out.display()
    );
    Ok(())
}
