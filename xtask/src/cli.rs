//! What can be typed after `cargo xtask`.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand};

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
    Check(CheckOptions),
    /// Run everything that a contributor should run
    Test(TestOptions),
    /// Measure steps under load, side by side
    #[command(disable_help_flag = true)]
    Bench(BenchOptions),
    /// Show what changed from one step to another
    Diff(DiffOptions),
    /// Render the book, serve it, prove that it says what is so, or accept what is so now
    #[command(disable_help_flag = true)]
    Book(BookOptions),
    /// Say what is missing on this machine, and which command installs it
    Doctor,
    /// Serve the embedded Redis (started by the other commands)
    #[command(hide = true)]
    EmbeddedRedis(EmbeddedRedisOptions),
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

/// `cargo xtask check`
#[derive(Args)]
pub struct CheckOptions {
    /// Steps such as 3, step-3 or step-3-rocket; all of them if you name none
    #[arg(conflicts_with = "url")]
    pub steps: Vec<String>,
    /// Check a server that runs already, whatever it is written in
    #[arg(long)]
    pub url: Option<String>,
    /// Check only these capabilities
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "ID")]
    pub only: Vec<String>,
    /// Where the count is kept: auto, embedded, docker, or a URL such as redis://127.0.0.1:6379
    #[arg(
        long,
        default_value = "auto",
        value_name = "REDIS",
        conflicts_with = "url"
    )]
    pub redis: RedisChoice,
    /// Write what was found to this file, too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// `cargo xtask test`
#[derive(Args)]
pub struct TestOptions {
    /// Fail where something had to be left out, because a tool is missing
    #[arg(long)]
    pub strict: bool,
    /// Accept what the steps do now: write it into the README
    #[arg(long)]
    pub bless: bool,
}

/// `cargo xtask bench`: a tool of its own, which knows its arguments.
#[derive(Args)]
pub struct BenchOptions {
    /// See `cargo xtask bench --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// `cargo xtask book`: a tool of its own, which knows its arguments.
#[derive(Args)]
pub struct BookOptions {
    /// See `cargo xtask book --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// `cargo xtask diff`
#[derive(Args)]
pub struct DiffOptions {
    /// The earlier step, such as 2
    pub a: String,
    /// The later step, such as 3
    pub b: String,
    /// Only count the lines
    #[arg(long)]
    pub stat: bool,
}

/// `cargo xtask embedded-redis`
#[derive(Args)]
pub struct EmbeddedRedisOptions {
    /// Where to listen
    pub addr: SocketAddr,
}

/// Which Redis keeps the count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisChoice {
    /// `REDIS_URL` if set, else a private `redis-server` or `valkey-server`, else the embedded one.
    Auto,
    /// The small one inside xtask.
    Embedded,
    /// The one of docker-compose.yml.
    Docker,
    /// One that runs already.
    Url(String),
}

impl FromStr for RedisChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "embedded" => Ok(Self::Embedded),
            "docker" => Ok(Self::Docker),
            // What has an @ may have a password in front of it, which clap would quote.
            url if url.contains("://") || url.contains('@') => Ok(Self::Url(url.to_owned())),
            _ => Err(
                "expected auto, embedded, docker, or a URL such as redis://127.0.0.1:6379".into(),
            ),
        }
    }
}
