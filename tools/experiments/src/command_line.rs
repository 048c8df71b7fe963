//! `cargo xtask break`: an experiment, in the terminal.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use output::terminal::{BOLD, DIM, RESET, progress};
use private_redis::RedisProgram;
use processes::interrupt;
use steps::{RedisChoice, Source, Step};

use crate::{
    Contract, Event, Experiment, Means, Observer, Plan, Recording, Series, Strips, Subject, Update,
    catalog::{self, EXPERIMENTS},
    draw, verdict,
};

/// Breaks steps while visitors come, and says what was lost
#[derive(Parser)]
#[command(
    name = "cargo xtask break",
    bin_name = "cargo xtask break",
    max_term_width = 100
)]
pub struct BreakOptions {
    /// An experiment such as kill-redis; list prints all of them
    #[arg(default_value = "list")]
    experiment: String,
    /// Steps such as 3, step-3 or step-3-rocket, side by side; those that show most if you name none
    steps: Vec<String>,
    /// Do not wait for a guess
    #[arg(long)]
    no_ask: bool,
    /// Write what happened to this file, too, as JSON
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Draw what happened into this file, too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Repeat the plan that had this number: when visitors come, and what the wire does
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Use the embedded Redis even where there is a real one
    #[arg(long)]
    embedded: bool,
}

/// Carries an experiment out, and fails if its verdict is not what the contract says.
///
/// # Errors
///
/// For wrong use, or when something is missing or does not start.
pub fn run(root: &Path, options: &BreakOptions) -> Result<ExitCode> {
    if options.experiment == "list" {
        anstream::print!("{}", list());
        return Ok(ExitCode::SUCCESS);
    }
    let experiment = catalog::named(&options.experiment)?;
    let steps = chosen_steps(root, experiment, &options.steps)?;
    ensure_possible(experiment, Means::here(options.embedded))?;
    let guess = ask(experiment, options.no_ask)?;

    let interrupted = interrupt::catch()?;
    let redis = redis_program(root, options.embedded)?;
    let Some(subjects) = Subject::build(root, &steps)? else {
        return Ok(ExitCode::FAILURE);
    };
    let contract = Contract::read(root)?;
    let plan = Plan {
        experiment,
        subjects: &subjects,
        redis: &redis,
        contract: &contract,
        seed: options.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
        interrupted: &interrupted,
    };
    progress(&format!(
        "{} on a private {redis}, --seed {}",
        experiment.name, plan.seed
    ));
    let Some(recording) = play(&plan)? else {
        return Ok(interrupt::STATUS.into());
    };
    anstream::print!("{}", verdict(&recording, guess.as_deref()));
    keep(&recording, options)?;
    Ok(match recording.is_as_expected() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// All experiments, with their steps and their questions.
fn list() -> String {
    let line = |known: &Experiment| {
        let steps: Vec<String> = known.steps.iter().map(u32::to_string).collect();
        let (name, question) = (known.name, known.question);
        format!(
            "{BOLD}{name}{RESET} {DIM}{}{RESET}\n  {question}\n",
            steps.join(" ")
        )
    };
    EXPERIMENTS.iter().map(line).collect()
}

fn chosen_steps(root: &Path, experiment: &Experiment, wanted: &[String]) -> Result<Vec<Step>> {
    if !wanted.is_empty() {
        return steps::several(root, wanted);
    }
    let mut all = steps::all(root)?;
    all.retain(|step| experiment.steps.contains(&step.number));
    Ok(all)
}

/// Says what is missing before anybody waits for the compiler.
///
/// # Errors
///
/// When the experiment cannot be carried out with what is there.
pub fn ensure_possible(experiment: &Experiment, means: Means) -> Result<()> {
    let Some(missing) = means.missing(experiment) else {
        return Ok(());
    };
    let others = EXPERIMENTS
        .iter()
        .filter(|other| means.missing(other).is_none());
    let others: Vec<&str> = others.map(|other| other.name).collect();
    bail!(
        "{} {missing}. Possible here: {}",
        experiment.name,
        others.join(", ")
    )
}

/// The real Redis if there is one and it is wanted, else the embedded one, which is built first.
///
/// # Errors
///
/// When that cannot be built.
pub fn redis_program(root: &Path, embedded: bool) -> Result<RedisProgram> {
    if let Some(program) = RedisProgram::find().filter(|_| !embedded) {
        return Ok(program);
    }
    match Source::choose(root, &RedisChoice::Embedded)? {
        Source::Private(program) => Ok(program),
        Source::Running(_) | Source::Docker(_) => {
            bail!("the embedded Redis is none that runs already")
        }
    }
}

/// Puts the question. On a terminal it waits for a guess.
fn ask(experiment: &Experiment, no_ask: bool) -> Result<Option<String>> {
    anstream::println!(
        "\n{BOLD}{}{RESET}  {}",
        experiment.name,
        experiment.question
    );
    anstream::println!("{DIM}Look at {}.{RESET}", experiment.watch);
    if no_ask || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        anstream::println!();
        return Ok(None);
    }
    anstream::print!("Your guess, then Enter: ");
    io::stdout().flush()?;
    let mut guess = String::new();
    io::stdin()
        .lock()
        .read_line(&mut guess)
        .context("cannot read a guess; try --no-ask")?;
    anstream::println!();
    Ok(Some(guess.trim().to_owned()).filter(|guess| !guess.is_empty()))
}

/// Carries it out, and shows it meanwhile where somebody looks.
fn play(plan: &Plan) -> Result<Option<Recording>> {
    let names = plan.columns();
    if !io::stdout().is_terminal() {
        let told: Observer = &|column, update| {
            if let (0, Update::Event(event)) = (column, update) {
                progress(&format!(
                    "{:.1} s: {}",
                    event.at as f64 / 1000.0,
                    event.what
                ));
            }
        };
        return plan.play(told);
    }
    let live = Mutex::new(Live {
        series: names.iter().map(|_| Series::default()).collect(),
        strips: Strips::new(names, plan.experiment.lasts),
        events: Vec::new(),
        lines: 0,
    });
    let result = plan.play(&|column, update| {
        let mut live = live.lock().expect("nobody panics who draws");
        live.take(column, update);
    });
    // The same picture follows, with its verdict.
    live.into_inner().expect("nobody panics who draws").erase();
    result
}

/// What is on the terminal.
struct Live {
    strips: Strips,
    series: Vec<Series>,
    events: Vec<Event>,
    /// How many lines there are.
    lines: usize,
}

impl Live {
    fn take(&mut self, column: usize, update: Update) {
        match update {
            Update::Event(event) if column == 0 => self.events.push(event),
            Update::Event(_) => {}
            Update::Sample(sample) => {
                self.series[column].push(sample);
                // Once for all.
                if column == 0 {
                    self.redraw();
                }
            }
        }
    }

    fn redraw(&mut self) {
        self.erase();
        let series: Vec<&Series> = self.series.iter().collect();
        let lines = self.strips.lines(&series, &self.events);
        anstream::print!("{}\n", lines.join("\n"));
        let _ = io::stdout().flush();
        self.lines = lines.len();
    }

    /// anstream would take the codes that move the cursor away with the colours, so they go past it.
    fn erase(&mut self) {
        if self.lines > 0 {
            print!("\x1b[{}A\x1b[J", self.lines);
            self.lines = 0;
        }
    }
}

fn keep(recording: &Recording, options: &BreakOptions) -> Result<()> {
    if let Some(file) = &options.record {
        recording.write(file)?;
    }
    if let Some(file) = &options.svg {
        fs::write(file, draw(recording))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
