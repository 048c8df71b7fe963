//! What each command does.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::agreement::{self, Agreement, Row};
use crate::cli::{Cli, Command};
use crate::results::Results;
use crate::{builtin, published, report, session};

/// Does what the command line says.
pub fn main() -> ExitCode {
    command_line::main(|_, cli: Cli| dispatch(cli))
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        None => return session::run(root(), &cli.run),
        Some(Command::Report { dir }) => session::render(&Results::read(&dir)?, &dir)?,
        Some(Command::Readme) => readme()?,
        Some(Command::Compare { first, second }) => return compare(&first, &second),
        Some(Command::Load(order)) => {
            println!("{}", serde_json::to_string(&builtin::run(&order)?)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder of the repository: the one that this crate's folder is in.
fn root() -> &'static Path {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.ancestors().nth(2).unwrap_or(folder)
}

fn readme() -> Result<()> {
    let folder = published::shown(root())?;
    let folder = folder.with_context(|| format!("{} holds no run", published::RUNS))?;
    let results = Results::read(&folder)?;
    let part = report::readme_part(&results, folder.strip_prefix(root())?);
    print!("{part}");
    Ok(())
}

/// 0 when the runs agree, 1 when they do not.
fn compare(first: &Path, second: &Path) -> Result<ExitCode> {
    let (a, b) = (Results::read(first)?, Results::read(second)?);
    let agreements = agreement::compare(&a, &b);
    ensure!(
        !agreements.is_empty(),
        "{} and {} have no contestant with the same number of connections in common",
        first.display(),
        second.display()
    );
    if a.machine != b.machine {
        anstream::eprintln!("The two runs are from different machines.");
    }
    anstream::print!("{}", report::agreements(&agreements));
    let agree = |agreement: &Agreement| agreement.rows.iter().all(Row::agrees);
    Ok(ExitCode::from(u8::from(!agreements.iter().all(agree))))
}
