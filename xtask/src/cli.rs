//! What can be typed after `cargo xtask`.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};
use steps::RedisChoice;

/// Builds, runs, checks, compares and diagnoses the steps of Seen N Times.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run a step and print where its page is
    Run(RunOptions),
    /// Build steps
    Build(BuildOptions),
    /// Check what steps do, from outside, over HTTP
    #[command(disable_help_flag = true)]
    Check(ToolOptions),
    /// Run everything that a contributor should run
    #[command(disable_help_flag = true)]
    Test(ToolOptions),
    /// Measure steps under load, side by side
    #[command(disable_help_flag = true)]
    Bench(ToolOptions),
    /// Show what changed from one step to another
    #[command(disable_help_flag = true)]
    Diff(ToolOptions),
    /// Render the book, serve it, prove that it says what is so, or accept what is so now
    #[command(disable_help_flag = true)]
    Book(ToolOptions),
    /// Say what is missing on this machine, and which command installs it
    Doctor,
}

/// `cargo xtask run`
#[derive(Args)]
pub struct RunOptions {
    /// 3, step-3 or step-3-rocket; the last step if you name none
    pub step: Option<String>,
    /// The port of the page, on this machine only; 0 takes any free one
    #[arg(long, default_value_t = 8000)]
    pub port: u16,
    /// Where the count is kept: auto, embedded, docker, or a URL such as redis://127.0.0.1:6379
    #[arg(long, default_value = "auto", value_name = "REDIS")]
    pub redis: RedisChoice,
    /// Build without optimisation, the default: compiles faster, runs slower
    #[arg(long)]
    pub debug: bool,
    /// Build with optimisation: for when you point a load at the page
    #[arg(long, conflicts_with = "debug")]
    pub release: bool,
    /// Run in containers, as docker-compose.yml has them, and not on this machine itself
    #[arg(long, conflicts_with_all = ["redis", "debug", "release"])]
    pub docker: bool,
}

/// `cargo xtask build`
#[derive(Args)]
pub struct BuildOptions {
    /// Steps such as 3, step-3 or step-3-rocket; all of them if you name none
    pub steps: Vec<String>,
}

/// A command whose program is a tool of its own, which knows its arguments.
#[derive(Args)]
pub struct ToolOptions {
    /// See `--help` of the command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}
