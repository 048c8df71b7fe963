//! Renders the book, and proves that it says what is so.
//!
//! A page is Markdown with directives in it (`book/AUTHORING.md` tells how to write one). It goes
//! through here in four stages:
//!
//! 1. `source` reads the pages, `markdown` finds what is in them.
//! 2. `expand` puts in what the directives ask for: code (`include`), solutions (`exercise`), figures
//!    (`value`), pictures (`picture`), recordings (`experiment`), figures to play with (`model_figure`). What `generated` writes (diffs in pieces, and `tables`) is asked
//!    for in the same way.
//! 3. `render` hands the pages to mdBook, as a library.
//! 4. `lints` checks the pages as they were written and as they were rendered, and `transcript` types the
//!    commands of a page and compares what they print.

mod commands;
mod exercise;
mod expand;
mod experiment;
mod generated;
mod include;
mod lints;
mod markdown;
mod model_figure;
mod picture;
mod render;
mod serve;
mod source;
mod tables;
mod transcript;
mod value;

pub use commands::{Mode, Report, lint, prove, render_checked};
use regex::Regex;
pub use serve::serve;
pub use source::{Book, Page, Problem};
pub use transcript::{Outcome, of_page, play};

/// An expression of our own, which is right.
fn regex(expression: &str) -> Regex {
    Regex::new(expression).expect("the expression is right")
}
