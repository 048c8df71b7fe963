//! Figures that nobody types: `{{#value …}}`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use bench::{
    Estimate,
    cells::{figure, with_interval},
    metrics::Metric,
    published,
    results::{Load, Results},
    summary::{self, Group},
    units,
};
use regex::Regex;
use steps::{Language, Step, files};

use crate::source::read;

/// Where the figures come from.
#[derive(Debug)]
pub struct Values {
    root: PathBuf,
    /// The newest stored run, if there is any, and what it comes to.
    run: Option<(Results, Vec<Group>)>,
}

impl Values {
    /// Reads the newest stored run.
    ///
    /// # Errors
    ///
    /// When the run cannot be read.
    pub fn new(root: &Path) -> Result<Self> {
        let folder = published::shown(root)?;
        let results = folder.map(|folder| Results::read(&folder)).transpose()?;
        Ok(Self {
            root: root.to_owned(),
            run: results.map(|results| {
                let groups = summary::summarise(&results);
                (results, groups)
            }),
        })
    }

    /// The figure that the argument of a directive asks for.
    ///
    /// # Errors
    ///
    /// When there is no such figure: one line for whoever wrote the page.
    pub fn get(&self, argument: &str) -> Result<String> {
        let words: Vec<&str> = argument.split_whitespace().collect();
        let value = match *words {
            ["bench", name, metric, connections] => self.bench(name, metric, connections),
            ["ratio", name, base, metric, connections] => self
                .ratio([name, base], metric, connections)
                .map(|ratio| units::ratio(ratio.median)),
            ["spread", name, base, metric, connections] => self
                .ratio([name, base], metric, connections)
                .map(|ratio| with_interval(ratio, units::ratio)),
            ["run", what] => self.of_run(what),
            ["again", connections] => self.again(connections),
            ["setting", step, name] => self.setting(step, name),
            ["lines", step] => self.of_step(step, lines_of_code),
            ["dependencies", step] => self.of_step(step, |step| dependencies(&self.root, step)),
            _ => Err(anyhow!(
                "there is no such figure; book/AUTHORING.md lists them"
            )),
        };
        value.with_context(|| format!("{{{{#value {argument}}}}}"))
    }

    fn run(&self) -> Result<&(Results, Vec<Group>)> {
        let run = self.run.as_ref();
        run.context("book/measurements/bench holds no run; make one with cargo xtask bench")
    }

    /// What was measured at so many connections that are never idle.
    fn capacity(&self, connections: &str) -> Result<&Group> {
        let wanted = number(connections)?;
        let mut groups = self.run()?.1.iter();
        groups
            .find(|group| group.connections == wanted && group.load == Load::Capacity)
            .with_context(|| format!("nothing was measured at {connections} connections"))
    }

    /// A number that is known of each step.
    fn of_step(&self, name: &str, get: impl Fn(&Step) -> Result<usize>) -> Result<String> {
        let number = get(&steps::one(&self.root, Some(name))?)?;
        Ok(units::count(number as f64))
    }

    /// The name of a contestant: of a step, however it is called, or of one of the two Flasks.
    fn contestant(&self, name: &str) -> Result<String> {
        let step = steps::one(&self.root, Some(name));
        let full = step.map_or(name.to_owned(), |step| step.name);
        let contestants = self.run()?.0.contestants.iter();
        let names: Vec<&str> = contestants.map(|entry| entry.name.as_str()).collect();
        ensure!(
            names.contains(&full.as_str()),
            "{name} did not take part in the newest run; there are: {}",
            names.join(", ")
        );
        Ok(full)
    }

    fn bench(&self, name: &str, metric: &str, connections: &str) -> Result<String> {
        let name = self.contestant(name)?;
        let mut rows = self.capacity(connections)?.rows.iter();
        let row = rows.find(|row| row.name == name);
        row.and_then(|row| figure(row, metric)).with_context(|| {
            format!("{name} has no figure called {metric} at {connections} connections")
        })
    }

    fn ratio(&self, names: [&str; 2], metric: &str, connections: &str) -> Result<Estimate> {
        let [name, base] = [self.contestant(names[0])?, self.contestant(names[1])?];
        let (results, number) = (&self.run()?.0, number(connections)?);
        let metric = Metric::named(metric).with_context(|| format!("{metric} is no figure"))?;
        let ratio = summary::compare(results, number, [&name, &base], metric);
        ratio.with_context(|| {
            format!("{name} and {base} have no round in common at {connections} connections")
        })
    }

    fn of_run(&self, what: &str) -> Result<String> {
        let results = &self.run()?.0;
        let (machine, plan) = (&results.machine, &results.plan);
        Ok(match what {
            "cores" => machine.cores.to_string(),
            "date" => results.date.chars().take_while(|c| *c != 'T').collect(),
            "rounds" => {
                let rounds = results.rounds.iter().map(|round| round.round);
                rounds.max().unwrap_or(0).to_string()
            }
            "duration" => format!("{} s", plan.duration_s),
            "warm-up" => format!("{} s", plan.warm_up_s),
            "threads" => plan.threads.to_string(),
            "processor" => machine.processor.clone(),
            "system" => machine.system.clone(),
            _ => bail!(
                "a run has cores, date, rounds, duration, warm-up, threads, processor and system"
            ),
        })
    }

    /// The reference ÷ itself.
    fn again(&self, connections: &str) -> Result<String> {
        let ratio = self.capacity(connections)?.repetition();
        let ratio = ratio.map(|ratio| with_interval(ratio, units::ratio));
        ratio.with_context(|| format!("nothing ran twice at {connections} connections"))
    }

    /// The default of a limit, from the step's `settings.rs`.
    fn setting(&self, step: &str, name: &str) -> Result<String> {
        static DEFAULT: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(count|milliseconds)\(\s*"(\w+)",\s*([0-9_]+),?\s*\)"#)
                .expect("the expression is right")
        });
        let folder = steps::one(&self.root, Some(step))?.folder;
        let text = read(&folder.join("src/settings.rs"))?;
        let mut defaults = DEFAULT.captures_iter(&text);
        let found = defaults.find(|captures| &captures[2] == name);
        let found = found
            .with_context(|| format!("{step} has no limit called {name} in its settings.rs"))?;
        let number: u64 = found[3].replace('_', "").parse()?;
        Ok(match &found[1] {
            "count" => units::count(number as f64),
            _ if number >= 1000 && number.is_multiple_of(100) => {
                format!("{} s", number as f64 / 1000.0)
            }
            _ => format!("{number} ms"),
        })
    }
}

fn number(text: &str) -> Result<u32> {
    let number = text.parse();
    number.map_err(|_| anyhow!("{text:?} is no number of connections"))
}

/// Lines that are neither empty nor only a comment, in what is compiled into the program.
///
/// # Errors
///
/// When a file cannot be read.
pub fn lines_of_code(step: &Step) -> Result<usize> {
    let (folder, ending, comment) = match step.language {
        Language::Rust => (step.folder.join("src"), "rs", "//"),
        Language::Python => (step.folder.clone(), "py", "#"),
    };
    let mut lines = 0;
    for file in files(&folder)? {
        if file.extension().is_some_and(|found| found == ending) {
            let text = read(&file)?;
            let code = text.lines().map(str::trim);
            let code = code.take_while(|line| *line != "#[cfg(test)]");
            let is_code = |line: &&str| !line.is_empty() && !line.starts_with(comment);
            lines += code.filter(is_code).count();
        }
    }
    Ok(lines)
}

/// How many crates a step is compiled from, itself included.
///
/// cargo's JSON (`cargo metadata`) has the features that all steps want together; only `cargo tree` tells
/// what one of them would be compiled from alone.
///
/// # Errors
///
/// When cargo cannot tell.
pub fn dependencies(root: &Path, step: &Step) -> Result<usize> {
    let mut command = steps::cargo(root);
    command.args(["tree", "--locked", "--edges", "normal", "--prefix", "none"]);
    // The target is named, or the number would depend on the machine.
    command.args(["--target", "x86_64-unknown-linux-gnu"]);
    command.args(["--package", &step.name]);
    let output = command.output().context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "cargo tree does not know {}: {}",
        step.name,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let crates = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim());
    let crates: BTreeSet<&str> = crates.filter(|line| !line.is_empty()).collect();
    Ok(crates.len())
}
