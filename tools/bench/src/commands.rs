//! What each command does.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::agreement;
use crate::cli::{Cli, Command};
use crate::results::Results;
use crate::{builtin, published, report, session};

/// Does what the command line says.
pub fn main() -> ExitCode {
    command_line::main(dispatch)
}

fn dispatch(root: &Path, cli: Cli) -> Result<ExitCode> {
    match cli.command {
        None => return session::run(root, &cli.run, false),
        Some(Command::Sweep(args)) => return session::run(root, &args, true),
        Some(Command::Report { dir }) => session::render(&Results::read(&dir)?, &dir)?,
        Some(Command::Readme) => readme(root)?,
        Some(Command::Compare { first, second }) => return compare(&first, &second),
        Some(Command::Load(order)) => {
            println!("{}", serde_json::to_string(&builtin::run(&order)?)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn readme(root: &Path) -> Result<()> {
    let folder = published::shown(root)?;
    let folder = folder.with_context(|| format!("{} holds no run", published::RUNS))?;
    let results = Results::read(&folder)?;
    let part = report::readme_part(&results, folder.strip_prefix(root)?);
    print!("{}\n{part}", report::headline(&results));
    Ok(())
}

/// 0 when nothing says that the runs differ, 1 when something does.
fn compare(first: &Path, second: &Path) -> Result<ExitCode> {
    let (a, b) = (Results::read(first)?, Results::read(second)?);
    let agreements = agreement::compare(&a, &b);
    ensure!(
        !agreements.is_empty(),
        "{} and {} have no two contestants under the same load in common",
        first.display(),
        second.display()
    );
    if a.machine != b.machine {
        anstream::eprintln!("The two runs are from different machines.");
    }
    anstream::print!("{}", report::agreements(&agreements));
    let mut rows = agreements.iter().flat_map(|agreement| &agreement.rows);
    let differ = rows.any(|row| row.agrees == Some(false));
    Ok(ExitCode::from(u8::from(differ)))
}
