//! What the tools show on the terminal and write into files.
//!
//! - [`terminal`]: styles, progress, errors.
//! - [`section`]: parts of a Markdown file that are generated and never typed.
//! - [`Table`]: for a page or for the terminal.

pub mod section;
mod table;
pub mod terminal;

pub use table::{Row, Table};
