//! The tools that only their command compiles.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};

use crate::arguments::Tool;

/// Builds a tool, which shows cargo's progress, and becomes it: from then on its exit status is ours, and a
/// signal reaches it alone.
pub fn run(root: &Path, tool: Tool, arguments: &[OsString]) -> Result<ExitCode> {
    let Some(program) = steps::tool(root, tool.package, tool.package, tool.profile)? else {
        return Ok(ExitCode::FAILURE);
    };
    let error = Command::new(&program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}
