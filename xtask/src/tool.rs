//! The tools that only their command compiles.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use steps::Profile;

use crate::arguments::Tool;

/// Builds a tool, which shows cargo's progress, and becomes it: from then on its exit status is ours, and a
/// signal reaches it alone.
pub fn run(root: &Path, tool: Tool, arguments: &[OsString]) -> Result<ExitCode> {
    // Whoever only asks what there is waits for no more than that takes.
    let only_asks = |argument: &OsString| argument == "--help" || argument == "-h";
    let profile = match tool.profile {
        Profile::Whole if arguments.iter().any(only_asks) => Profile::Debug,
        profile => profile,
    };
    let Some(program) = steps::tool(root, tool.package, tool.package, profile)? else {
        return Ok(ExitCode::FAILURE);
    };
    let error = Command::new(&program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}
