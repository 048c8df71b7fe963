//! What can be typed after `cargo xtask`.
//!
//! A parser that writes the help by itself would take longer to compile than everything else in this crate.
//! So the help texts are files, in `help/`, and a test reads them.

use std::ffi::OsString;

use anyhow::{Context, Result, anyhow, bail};
use lexopt::{
    Arg::{self, Long, Short, Value},
    Parser, ValueExt,
};
use output::{nearest, unknown};
use steps::{Profile, RedisChoice};

/// The help of `cargo xtask` itself.
pub const HELP: &str = include_str!("help/xtask.txt");

/// The commands, and what answers them.
const COMMANDS: [(&str, Answer); 16] = [
    ("run", Answer::Here(include_str!("help/run.txt"))),
    ("build", Answer::Here(include_str!("help/build.txt"))),
    ("check", Answer::Part(OWN_STEP)),
    (
        "break",
        Answer::Tool(Tool::new("experiments", Profile::Debug)),
    ),
    (
        "lab",
        Answer::Tool(Tool {
            runs_steps: true,
            ..Tool::new("lab", Profile::Debug)
        }),
    ),
    ("drill", Answer::Tool(Tool::new("drills", Profile::Debug))),
    ("start", Answer::Part(OWN_STEP)),
    ("hint", Answer::Part(OWN_STEP)),
    ("progress", Answer::Part(OWN_STEP)),
    // What makes a load must not be what limits it.
    ("bench", Answer::Tool(Tool::new("bench", Profile::Release))),
    (
        "profile",
        Answer::Tool(Tool::new("profile", Profile::Debug)),
    ),
    ("plan", Answer::Tool(Tool::new("plan", Profile::Debug))),
    ("diff", Answer::Tool(Tool::new("diff", Profile::Debug))),
    // mdBook takes longer to compile with optimisation than a book takes to render without.
    ("book", Answer::Tool(Tool::new("book", Profile::Debug))),
    // It needs all tests next. cargo would compile what both are built from twice, with other features.
    ("test", Answer::Tool(Tool::new("suite", Profile::Whole))),
    ("doctor", Answer::Here(include_str!("help/doctor.txt"))),
];

/// Judges steps, and helps with those of the reader's own.
const OWN_STEP: Tool = Tool::new("own-step", Profile::Debug);

/// What answers a command.
#[derive(Clone, Copy)]
enum Answer {
    /// This program, which has this help.
    Here(&'static str),
    /// A package of its own.
    Tool(Tool),
    /// A package that answers several commands, and is told which.
    Part(Tool),
}

/// The port of the page, if none is named.
const DEFAULT_PORT: u16 = 8000;

/// What to do.
#[derive(Debug)]
pub enum Command {
    /// Nothing was typed.
    Nothing,
    /// Print this help.
    Help(&'static str),
    /// Run a step.
    Run(RunOptions),
    /// Build steps.
    Build(BuildOptions),
    /// Say what is missing on this machine.
    Doctor,
    /// Compile a tool of the workspace that only its command needs, and hand it its arguments.
    Tool(Tool, Vec<OsString>),
}

/// `cargo xtask run`
#[derive(Debug)]
pub struct RunOptions {
    /// Which step; the last one for none.
    pub step: Option<String>,
    /// The port of the page; 0 takes any free one.
    pub port: u16,
    /// Where the count is kept.
    pub redis: RedisChoice,
    /// Whether to optimise.
    pub release: bool,
    /// Whether to run in containers.
    pub docker: bool,
}

/// `cargo xtask build`
#[derive(Debug, Default)]
pub struct BuildOptions {
    /// Which steps; all of them for none.
    pub steps: Vec<String>,
    /// Whether to build their images, and not programs for this machine.
    pub docker: bool,
}

/// A command whose program is a package of its own, which knows its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The package, and its program.
    pub package: &'static str,
    /// How it is built.
    pub profile: Profile,
    /// Whether its first arguments name steps that it runs side by side.
    pub runs_steps: bool,
}

impl Tool {
    const fn new(package: &'static str, profile: Profile) -> Self {
        Self {
            package,
            profile,
            runs_steps: false,
        }
    }
}

/// Reads a command line.
///
/// # Errors
///
/// One line that says what cannot be understood, and what may have been meant.
pub fn parse(parser: Parser) -> Result<Command> {
    read(parser).map_err(|error| match error.downcast::<lexopt::Error>() {
        Ok(error) => anyhow!("{error}; see cargo xtask --help"),
        Err(error) => error,
    })
}

fn read(mut parser: Parser) -> Result<Command> {
    let (mut name, mut wants_help) = (None, false);
    while name.is_none() {
        match parser.next()? {
            None if wants_help => return Ok(Command::Help(HELP)),
            None => return Ok(Command::Nothing),
            Some(Short('h') | Long("help")) => wants_help = true,
            Some(Value(value)) if value == "help" => wants_help = true,
            Some(Value(value)) => name = Some(value.string()?),
            Some(other) => return Err(unexpected(&other, &["help"], "cargo xtask --help")),
        }
    }
    let name = name.unwrap_or_default();
    let Some(&(name, answer)) = COMMANDS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
        bail!(unknown("command", &name, &known));
    };
    match answer {
        Answer::Here(help) if wants_help => Ok(Command::Help(help)),
        Answer::Here(help) => parse_own(name, help, parser),
        Answer::Tool(tool) if wants_help => Ok(Command::Tool(tool, vec!["--help".into()])),
        Answer::Tool(tool) => Ok(Command::Tool(tool, parser.raw_args()?.collect())),
        Answer::Part(tool) => {
            let help = wants_help.then(|| OsString::from("--help"));
            let rest = help.into_iter().chain(parser.raw_args()?);
            let arguments = [OsString::from(name)].into_iter().chain(rest);
            Ok(Command::Tool(tool, arguments.collect()))
        }
    }
}

/// Reads the arguments of a command that is part of this program.
fn parse_own(name: &str, help: &'static str, parser: Parser) -> Result<Command> {
    let command = match name {
        "run" => run(parser)?,
        "build" => build(parser)?,
        _ => doctor(parser)?,
    };
    Ok(command.unwrap_or(Command::Help(help)))
}

/// `None` asks for help.
fn run(mut parser: Parser) -> Result<Option<Command>> {
    let mut options = RunOptions {
        step: None,
        port: DEFAULT_PORT,
        redis: RedisChoice::Auto,
        release: false,
        docker: false,
    };
    let mut has_redis = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("port") => {
                let expected = "a number from 0 to 65535";
                let port = value(&mut parser, "--port", expected)?;
                let wrong = |_| anyhow!("--port is {port:?}; expected {expected}");
                options.port = port.parse().map_err(wrong)?;
            }
            Long("redis") => {
                let redis = value(&mut parser, "--redis", RedisChoice::EXPECTED)?;
                let wrong = |expected| anyhow!("--redis is {redis:?}; {expected}");
                options.redis = redis.parse().map_err(wrong)?;
                has_redis = true;
            }
            Long("release") => options.release = true,
            Long("docker") => options.docker = true,
            Value(step) if options.step.is_none() => options.step = Some(step.string()?),
            Value(_) => bail!("cargo xtask run takes one step; see cargo xtask run --help"),
            other => {
                let known = ["port", "redis", "release", "docker", "help"];
                return Err(unexpected(&other, &known, "cargo xtask run --help"));
            }
        }
    }
    if options.docker && (has_redis || options.release) {
        let other = if has_redis { "--redis" } else { "--release" };
        bail!(
            "--docker and {other} exclude each other, as docker-compose.yml says what runs in containers; leave one out"
        );
    }
    Ok(Some(Command::Run(options)))
}

/// `None` asks for help.
fn build(mut parser: Parser) -> Result<Option<Command>> {
    let mut options = BuildOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("docker") => options.docker = true,
            Value(step) => options.steps.push(step.string()?),
            other => {
                let known = ["docker", "help"];
                return Err(unexpected(&other, &known, "cargo xtask build --help"));
            }
        }
    }
    Ok(Some(Command::Build(options)))
}

/// `None` asks for help.
fn doctor(mut parser: Parser) -> Result<Option<Command>> {
    match parser.next()? {
        None => Ok(Some(Command::Doctor)),
        Some(Short('h') | Long("help")) => Ok(None),
        Some(Value(_)) => bail!("cargo xtask doctor takes no arguments"),
        Some(other) => Err(unexpected(&other, &["help"], "cargo xtask doctor --help")),
    }
}

/// The value of an option, which must be there.
fn value(parser: &mut Parser, option: &str, expected: &str) -> Result<String> {
    let value = parser.value().ok();
    let value = value.with_context(|| format!("{option} has no value; expected {expected}"))?;
    Ok(value.string()?)
}

/// An option that does not exist.
fn unexpected(argument: &Arg<'_>, known: &[&str], help: &str) -> anyhow::Error {
    match argument {
        Long(name) => {
            let meant = nearest(name, known);
            let meant = meant.map(|meant| format!("did you mean --{meant}? See {help}"));
            let next = meant.unwrap_or_else(|| format!("see {help}"));
            anyhow!("there is no option --{name}; {next}")
        }
        Short(name) => anyhow!("there is no option -{name}; see {help}"),
        Value(_) => anyhow!("there is an argument too many; see {help}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command> {
        parse(Parser::from_args(line.split_whitespace()))
    }

    fn refused(line: &str) -> String {
        parsed(line).unwrap_err().to_string()
    }

    #[test]
    fn every_command_is_in_the_help() {
        for (name, answer) in COMMANDS {
            let line = format!("\n  {name:<8} ");
            assert!(HELP.contains(&line), "no {name} in help/xtask.txt");
            if let Answer::Here(help) = answer {
                let usage = format!("Usage: cargo xtask {name}");
                assert!(help.contains(&usage), "help/{name}.txt");
            }
        }
    }

    #[test]
    fn help_is_found_on_either_side_of_the_command() {
        for line in "run --help|--help run|help run|run -h|run 2 --port 1 -h".split('|') {
            assert!(matches!(parsed(line), Ok(Command::Help(help)) if help.contains("xtask run")));
        }
        for line in ["help diff", "diff --help", "-h diff"] {
            let Ok(Command::Tool(tool, arguments)) = parsed(line) else {
                panic!("{line}");
            };
            assert_eq!((tool.package, arguments), ("diff", vec!["--help".into()]));
        }
        for line in ["help", "--help", "-h"] {
            assert!(matches!(parsed(line), Ok(Command::Help(HELP))), "{line}");
        }
        assert!(matches!(parsed(""), Ok(Command::Nothing)));
    }

    #[test]
    fn run_takes_its_options_in_any_order() {
        for line in ["run 3 --port 1 --release", "run --release --port=1 3"] {
            let Ok(Command::Run(options)) = parsed(line) else {
                panic!("{line}");
            };
            assert_eq!(options.step.as_deref(), Some("3"));
            assert_eq!((options.port, options.release), (1, true));
            assert_eq!(options.redis, RedisChoice::Auto);
        }
    }

    #[test]
    fn build_takes_any_number_of_steps() {
        for (line, steps, docker) in [
            ("build", "", false),
            ("build 3 step-1", "3 step-1", false),
            ("build 6 --docker 1", "6 1", true),
        ] {
            let Ok(Command::Build(options)) = parsed(line) else {
                panic!("{line}");
            };
            assert_eq!(
                (options.steps.join(" ").as_str(), options.docker),
                (steps, docker)
            );
        }
    }

    #[test]
    fn a_tool_gets_its_arguments_as_they_are() {
        let Ok(Command::Tool(_, arguments)) = parsed("check 1 --only heals -- --x") else {
            panic!("check is a tool");
        };
        assert_eq!(arguments, ["check", "1", "--only", "heals", "--", "--x"]);
    }

    #[test]
    fn what_cannot_be_understood_is_named_once() {
        for (line, expected) in [
            (
                "run --prot 1",
                "there is no option --prot; did you mean --port? See cargo xtask run --help",
            ),
            (
                "run --port",
                "--port has no value; expected a number from 0 to 65535",
            ),
            (
                "run 1 2",
                "cargo xtask run takes one step; see cargo xtask run --help",
            ),
            (
                "run -x",
                "there is no option -x; see cargo xtask run --help",
            ),
            (
                "build --dokcer",
                "there is no option --dokcer; did you mean --docker? See cargo xtask build --help",
            ),
            (
                "doctor --xyz",
                "there is no option --xyz; see cargo xtask doctor --help",
            ),
            ("doctor now", "cargo xtask doctor takes no arguments"),
            (
                "run --docker --release",
                "--docker and --release exclude each other, as docker-compose.yml says what runs in containers; leave one out",
            ),
        ] {
            assert_eq!(refused(line), expected);
        }
        // lexopt's own words.
        let refused = refused("run --release=yes");
        assert!(refused.contains("--release") && refused.ends_with("; see cargo xtask --help"));
    }
}
