//! The tools that only their command compiles.

use std::{
    borrow::Cow,
    ffi::OsString,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use steps::{Profile, Step};

use crate::arguments::Tool;

/// Builds a tool, which shows cargo's progress, and becomes it: from then on its exit status is ours, and a
/// signal reaches it alone.
pub fn run(root: &Path, tool: Tool, arguments: &[OsString]) -> Result<ExitCode> {
    // Whoever only asks what there is waits for no more than that takes.
    let only_asks = |argument: &OsString| argument == "--help" || argument == "-h";
    let only_asks = arguments.iter().any(only_asks);
    let profile = match tool.profile {
        Profile::Whole if only_asks => Profile::Debug,
        profile => profile,
    };
    let steps = match tool.runs_steps && !only_asks {
        true => named(root, arguments),
        false => Vec::new(),
    };
    let Some((program, along)) = steps::tool_and_steps(root, tool.package, &steps, profile)? else {
        return Ok(ExitCode::FAILURE);
    };
    let mut command = Command::new(&program);
    let error = command.args(arguments).env(steps::ALONG, along).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}

/// The steps that the arguments begin with. Where these are wrong, the tool says so.
fn named(root: &Path, arguments: &[OsString]) -> Vec<Step> {
    let words = arguments.iter().map(|word| word.to_string_lossy());
    let words = words.take_while(|word| !word.starts_with('-'));
    let words: Vec<String> = words.map(Cow::into_owned).collect();
    steps::side_by_side(root, &words).unwrap_or_default()
}
