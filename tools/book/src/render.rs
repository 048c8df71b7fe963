//! mdBook, as a library.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, bail};
use mdbook_driver::{MDBook, config::Config};

/// Says of a folder that a book was rendered into it, and that the next one may replace it.
const MARK: &str = ".rendered-by-cargo-xtask-book";

/// Renders the expanded pages, by their names, into a folder.
///
/// # Errors
///
/// When the folder holds something else, or mdBook fails.
pub fn render(root: &Path, pages: &BTreeMap<String, String>, out: &Path) -> Result<()> {
    ensure_ours(out)?;
    let folder = root.join("book");
    let config =
        Config::from_disk(folder.join("book.toml")).context("cannot use book/book.toml")?;
    let mut book =
        MDBook::load_with_config(&folder, config).context("mdBook cannot load the book")?;
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
        fs::remove_dir_all(&generated)
            .with_context(|| format!("cannot remove {}", generated.display()))?;
    }
    let mark = out.join(MARK);
    fs::write(&mark, "").with_context(|| format!("cannot write {}", mark.display()))
}

/// mdBook empties the folder that it renders into.
fn ensure_ours(out: &Path) -> Result<()> {
    if out.join(MARK).exists() || !out.exists() {
        return Ok(());
    }
    if !out.is_dir() {
        bail!("{} is a file; name a folder with --out", out.display());
    }
    let mut entries =
        fs::read_dir(out).with_context(|| format!("cannot read {}", out.display()))?;
    if entries.next().is_some() {
        bail!(
            "{} holds something that is no book; name an empty or a new folder with --out",
            out.display()
        );
    }
    Ok(())
}
