//! What the tools show on the terminal and write into files.
//!
//! - [`terminal`]: styles, progress, errors.
//! - [`section`]: parts of a Markdown file that are generated and never typed.

pub mod section;
pub mod terminal;
