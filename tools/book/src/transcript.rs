//! The commands of a page, typed in the order of the page, and what they print, compared.
//!
//! A block of kind `console` is what a reader sees in a terminal: lines that begin with `$ ` are
//! typed, the lines below are what appears. `book/AUTHORING.md` has the whole of it.

mod block;
mod matching;
mod sample;
mod session;
mod shell;

pub use block::{Block, Part, of_page, parse, preparations};
pub use sample::{LEGEND, SAMPLE, html, lacks_sample};
pub use session::{Outcome, play, prepare};

use std::path::Path;

use output::terminal;

/// Whether any of these blocks starts containers.
pub fn needs_docker(blocks: &[Block]) -> bool {
    let mut tools = blocks.iter().flat_map(|block| &block.needs);
    tools.any(|tool| shell::is_docker(tool))
}

/// Gets the images ready, ours and those that it is built on, if these blocks will start containers. Where that
/// fails, the commands of the page say why.
pub fn prepare_images(root: &Path, blocks: &[Block]) {
    if needs_docker(blocks) && shell::lack("docker").is_none() {
        let based = docker::ensure_base_images(root, terminal::progress);
        let _ = based.and_then(|()| docker::ensure_image(root, None));
    }
}
