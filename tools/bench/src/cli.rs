//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

use crate::contestant::{Contestant, parse_against, parse_program};
use crate::engine::Order;
use crate::results::Rate;
use crate::units::whole_seconds;

/// Measures steps under load, side by side, and says how far the figures can be trusted.
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    bin_name = "cargo xtask bench",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// What to do instead of measuring.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to measure.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What can be done besides measuring.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Draw the whole curve: throughput and latency over the number of connections, then latency over
    /// the rate of an open loop
    Sweep(RunArgs),
    /// Render report.md and the plots again from the results.json in a folder
    Report {
        /// The folder of a run
        dir: PathBuf,
    },
    /// Print the parts of the README that show a published run
    Readme,
    /// Say whether two runs agree: whether the intervals of their ratios have values in common
    Compare {
        /// The folder of a run
        first: PathBuf,
        /// The folder of another
        second: PathBuf,
    },
    /// Load one page with the built-in engine and print what was seen as JSON
    #[command(hide = true)]
    Load(Order),
}

/// The arguments of a measurement.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// What is measured: steps such as 2 or step-2-redis, flask-debug, flask-gunicorn, limit (no
    /// framework, to see what the machine can do); or all
    #[arg(value_name = "STEP")]
    pub steps: Vec<String>,
    /// How many connections; several numbers make several tables [default: 1000; sweep: 1 to 4000]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = value_parser!(u32).range(1..))]
    pub connections: Vec<u32>,
    /// How many threads the load generator has
    #[arg(long, value_name = "N", default_value = "2", value_parser = value_parser!(u32).range(1..))]
    pub threads: u32,
    /// How long one measurement loads a contestant
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = whole_seconds)]
    pub duration: Duration,
    /// How long each contestant is loaded after its start, unmeasured
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = whole_seconds)]
    pub warm_up: Duration,
    /// Goes on until the interval of every ratio is narrower than this
    #[arg(long, value_name = "P%", default_value = "3%", value_parser = parse_percentage)]
    pub precision: f64,
    /// Ends at this time at the latest, shared evenly among the tables [default: 10m; sweep: 60m]
    #[arg(long, value_name = "TIME", value_parser = whole_seconds)]
    pub budget: Option<Duration>,
    /// Exactly so many rounds, whatever they take
    #[arg(long, value_name = "N", conflicts_with_all = ["precision", "budget"], value_parser = value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
    /// One round of a second each, after a second of warm-up, whatever else the machine does: to see
    /// that it works
    #[arg(long, conflicts_with_all = ["duration", "warm_up", "rounds", "precision", "budget"])]
    pub quick: bool,
    /// What the random order is made from [default: another one each time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How much of the processors other programs may use before a measurement is discarded
    #[arg(long, value_name = "P%", default_value = "5%", value_parser = parse_percentage)]
    pub other_cpu: f64,
    /// A server that you started takes part; may be repeated
    #[arg(long, value_name = "NAME=URL", value_parser = parse_against)]
    pub against: Vec<Contestant>,
    /// A program of yours takes part, which is built and reads ADDR and REDIS_URL; may be repeated
    #[arg(long, value_name = "NAME=FILE", value_parser = parse_program)]
    pub program: Vec<Contestant>,
    /// What makes the load [default: wrk where it is installed]
    #[arg(long, value_enum)]
    pub engine: Option<EngineChoice>,
    /// Measure latency at a fixed rate: requests a second, or a percentage of the capacity of the
    /// slowest contestant, which is measured first
    #[arg(long, value_name = "N|P%", value_parser = parse_rate)]
    pub rate: Option<Rate>,
    /// Where to put the results [default: a new folder in target/bench]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// The load generators to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    /// The program wrk.
    Wrk,
    /// The engine in this program.
    Builtin,
}

fn parse_rate(text: &str) -> Result<Rate> {
    if text.ends_with('%') {
        return Ok(Rate::PercentOfSlowest(parse_percentage(text)? * 100.0));
    }
    let rate = text.parse().unwrap_or(f64::NAN);
    ensure!(
        rate.is_finite() && rate >= 1.0,
        "expected at least one request a second, such as 5000, or a percentage, such as 50%"
    );
    Ok(Rate::PerSecond(rate))
}

/// Reads a percentage as a share: `3%` is 0.03.
fn parse_percentage(text: &str) -> Result<f64> {
    let number = text
        .strip_suffix('%')
        .and_then(|number| number.parse().ok());
    let number = number.unwrap_or(f64::NAN);
    ensure!(
        number.is_finite() && number > 0.0,
        "expected a percentage, such as 50%"
    );
    Ok(number / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Cli, String> {
        let arguments = ["bench"].iter().chain(arguments);
        Cli::try_parse_from(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn without_arguments_it_goes_on_until_it_is_sure() {
        let run = parse(&[]).unwrap().run;
        assert_eq!((run.rounds, run.precision), (None, 0.03));
        assert_eq!((run.duration.as_secs(), run.budget), (2, None));
        assert!(run.steps.is_empty() && run.rate.is_none() && run.engine.is_none());
    }

    #[test]
    fn steps_and_other_commands_are_told_apart() {
        let cli = parse(&["step-1", "2", "--connections", "64,1000"]).unwrap();
        assert_eq!(cli.run.steps, ["step-1", "2"]);
        assert_eq!(cli.run.connections, [64, 1000]);
        let cli = parse(&["report", "target/bench/x"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Report { .. })));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_an_example() {
        let cases = [
            (&["--rate", "fish"][..], "such as 50%"),
            (&["--rate=-5"], "such as 50%"),
            (&["--rate", "0.5"], "at least one"),
            (&["--precision", "3"], "such as 50%"),
            (&["--rounds", "5", "--budget", "1m"], "cannot be used with"),
            (&["--duration", "1500ms"], "such as 20s"),
            (&["--duration", "0s"], "such as 20s"),
            (&["--connections", "0"], "0 is not in 1"),
            (&["--against", "http://x/"], "NAME=URL"),
            (&["--quick", "--rounds", "5"], "cannot be used with"),
            (&["--engine", "ab"], "builtin"),
        ];
        for (arguments, expected) in cases {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn rates_are_numbers_or_percentages() {
        let rate = |text| parse(&["--rate", text]).unwrap().run.rate;
        assert_eq!(rate("5000"), Some(Rate::PerSecond(5000.0)));
        assert_eq!(rate("50%"), Some(Rate::PercentOfSlowest(50.0)));
    }
}
