//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Renders the book, and proves that it says what is so.
#[derive(Debug, Parser)]
#[command(
    name = "book",
    bin_name = "cargo xtask book",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Render the book
    Build {
        /// The folder to render into; what it held of an earlier book is removed
        #[arg(long, value_name = "DIR", default_value = "book/book")]
        out: PathBuf,
    },
    /// Render the book, serve it on this machine, and reload the page when a file changes
    Serve {
        /// The port; 0 takes any free one
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
    /// Prove that the book says what is so
    Test {
        #[command(flatten)]
        transcripts: Transcripts,
        /// Fail where something had to be left out, because a tool is missing
        #[arg(long)]
        strict: bool,
        /// Write what was found to this file, too
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Accept what is so now: write what is generated, and what the commands print
    Bless(Transcripts),
}

/// Whose commands to run.
#[derive(Args, Debug)]
pub struct Transcripts {
    /// Pages such as step-2-redis.md whose commands to run; all of them if you name none
    pub pages: Vec<String>,
    /// Run no commands
    #[arg(long)]
    pub no_transcripts: bool,
}
