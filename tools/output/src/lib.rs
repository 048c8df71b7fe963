//! What the tools show on the terminal and write into files.
//!
//! - [`terminal`]: styles, progress, errors.
//! - [`nearest`]: the name that somebody may have meant.
//! - [`section`]: parts of a Markdown file that are generated and never typed.
//! - [`Table`]: for a page or for the terminal.

pub mod section;
mod table;
pub mod terminal;

pub use table::{Row, Table};

/// The name that is most like what was typed; `None` only if there is no name at all.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &&str| strsim::jaro_winkler(name, typed);
    names
        .into_iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}
