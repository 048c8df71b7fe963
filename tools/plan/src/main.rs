//! `cargo xtask plan`: how many cores, replicas and Redis nodes a load takes.

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use plan::{Inputs, Plan, PlanOptions};

fn main() -> ExitCode {
    command_line::main(|root, options: PlanOptions| run(root, &options))
}

fn run(root: &Path, options: &PlanOptions) -> Result<ExitCode> {
    let plan = Plan::new(Inputs::read(root)?, options.demand)?;
    anstream::print!("{plan}");
    Ok(ExitCode::SUCCESS)
}
