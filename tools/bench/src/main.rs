//! `cargo xtask bench`: measures every step under load, side by side.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use bench::agreement::{self, Agreement, Row};
use bench::builtin;
use bench::cli::{Cli, Command, LoadArgs};
use bench::results::Results;
use bench::{interrupt, markdown, plot, published, session, terminal};
use clap::Parser;

/// The exit status when nothing could be measured.
const COULD_NOT_START: u8 = 2;

fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(code) => code,
        Err(_) if interrupt::requested() => ExitCode::from(interrupt::EXIT_STATUS),
        Err(error) => {
            anstream::eprintln!("\x1b[31merror:\x1b[0m {error:#}");
            ExitCode::from(COULD_NOT_START)
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        None => return session::run(root(), &cli.run),
        Some(Command::Report { dir }) => session::render(&Results::read(&dir)?, &dir)?,
        Some(Command::Readme) => readme()?,
        Some(Command::Compare { first, second }) => return compare(&first, &second),
        Some(Command::Load(args)) => load(args)?,
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
    let plots = plot::draw(&results);
    let part = markdown::readme_part(&results, &plots, folder.strip_prefix(root())?);
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
    anstream::print!("{}", terminal::agreements(&agreements));
    let agree = |agreement: &Agreement| agreement.rows.iter().all(Row::agrees);
    Ok(ExitCode::from(u8::from(!agreements.iter().all(agree))))
}

fn load(args: LoadArgs) -> Result<()> {
    let report = builtin::run(&builtin::Order {
        page: args.page,
        connections: args.connections,
        threads: args.threads as usize,
        duration: args.duration,
        rate: args.rate,
    })?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
