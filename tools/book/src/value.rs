//! Figures that nobody types: `{{#value …}}`.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use anyhow::Result;
use bench::{
    Spread, published,
    results::{Figures, Load, Results},
    summary::{self, Row},
    units,
};
use regex::Regex;

use crate::{
    source::read,
    steps::{self, Step},
};

/// Where the figures come from.
#[derive(Debug)]
pub struct Values {
    root: PathBuf,
    steps: Vec<Step>,
    results: Option<Results>,
}

/// What gets a figure out of a round.
type Get = fn(&Figures) -> f64;

/// What a figure of a round is called, and how it is got.
const FIGURES: [(&str, Get); 5] = [
    ("requests", |figures| figures.report.per_second()),
    ("p50", |figures| figures.report.latency_us.p50),
    ("p90", |figures| figures.report.latency_us.p90),
    ("p99", |figures| figures.report.latency_us.p99),
    ("server-us", |figures| {
        figures.cpu.as_ref().map_or(f64::NAN, |cpu| cpu.server_us)
    }),
];

impl Values {
    /// Reads the newest stored run.
    ///
    /// # Errors
    ///
    /// When the steps or the run cannot be read.
    pub fn new(root: &Path) -> Result<Self> {
        let results = published::shown(root)?
            .map(|folder| Results::read(&folder))
            .transpose()?;
        Ok(Self {
            root: root.to_owned(),
            steps: steps::all(root)?,
            results,
        })
    }

    /// The figure that the argument of a directive asks for.
    ///
    /// # Errors
    ///
    /// When there is no such figure: one line for whoever wrote the page.
    pub fn get(&self, argument: &str) -> Result<String, String> {
        let words: Vec<&str> = argument.split_whitespace().collect();
        let value = match *words {
            ["bench", name, metric, connections] => self.bench(name, metric, connections),
            ["ratio", name, base, metric, connections] => self
                .ratio(name, base, metric, connections)
                .map(|ratio| short(ratio.median)),
            ["spread", name, base, metric, connections] => {
                self.ratio(name, base, metric, connections).map(|ratio| {
                    format!(
                        "{} ({}–{})",
                        short(ratio.median),
                        short(ratio.min),
                        short(ratio.max)
                    )
                })
            }
            ["run", what] => self.run(what),
            ["noise", connections] => self.noise(connections),
            ["setting", step, name] => self.setting(step, name),
            ["lines", step] => self
                .step(step)?
                .lines_of_code()
                .map(|lines| units::count(lines as f64))
                .map_err(|error| error.to_string()),
            ["dependencies", step] => {
                let step = self.step(step)?;
                crate::tables::dependencies(&self.root, step)
                    .map(|crates| crates.to_string())
                    .map_err(|error| format!("{error:#}"))
            }
            ["version", name] => self.version(name),
            _ => Err("there is no such figure; book/AUTHORING.md lists them".to_owned()),
        };
        value.map_err(|what| format!("{{{{#value {argument}}}}}: {what}"))
    }

    fn results(&self) -> Result<&Results, String> {
        self.results.as_ref().ok_or_else(|| {
            "book/measurements/bench holds no run; make one with cargo xtask bench".to_owned()
        })
    }

    fn step(&self, name: &str) -> Result<&Step, String> {
        steps::find(&self.steps, name).ok_or_else(|| format!("there is no step {name}"))
    }

    /// The name of a contestant: of a step, however it is called, or of one of the two Flasks.
    fn contestant(&self, name: &str) -> Result<String, String> {
        let full = steps::find(&self.steps, name).map_or(name, |step| &step.name);
        let names: Vec<&str> = self
            .results()?
            .contestants
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        if names.contains(&full) {
            return Ok(full.to_owned());
        }
        Err(format!(
            "{name} did not take part in the newest run; there are: {}",
            names.join(", ")
        ))
    }

    fn bench(&self, name: &str, metric: &str, connections: &str) -> Result<String, String> {
        let name = self.contestant(name)?;
        let groups = summary::summarise(self.results()?);
        let wanted = number(connections)?;
        let group = groups
            .iter()
            .find(|group| group.connections == wanted && group.load == Load::Capacity);
        let group =
            group.ok_or_else(|| format!("nothing was measured at {connections} connections"))?;
        let row = group.rows.iter().find(|row| row.name == name);
        let value = row.and_then(|row| figure(row, metric));
        value.ok_or_else(|| {
            format!("{name} has no figure called {metric} at {connections} connections")
        })
    }

    fn ratio(
        &self,
        name: &str,
        base: &str,
        metric: &str,
        connections: &str,
    ) -> Result<Spread, String> {
        let (name, base) = (self.contestant(name)?, self.contestant(base)?);
        let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
        let figure = FIGURES.iter().find(|(name, _)| *name == metric);
        let (_, figure) =
            figure.ok_or_else(|| format!("a ratio can be of {}", names.join(", ")))?;
        let ratio = summary::compare(self.results()?, number(connections)?, &name, &base, figure);
        ratio
            .filter(|ratio| ratio.median.is_finite())
            .ok_or_else(|| {
                format!("{name} and {base} have no round in common at {connections} connections")
            })
    }

    fn run(&self, what: &str) -> Result<String, String> {
        let results = self.results()?;
        let (machine, plan) = (&results.machine, &results.plan);
        Ok(match what {
            "cores" => machine.cores.to_string(),
            "date" => results
                .date
                .split('T')
                .next()
                .unwrap_or(&results.date)
                .to_owned(),
            "rounds" => plan.rounds.to_string(),
            "duration" => format!("{} s", plan.duration_s),
            "warm-up" => format!("{} s", plan.warm_up_s),
            "threads" => plan.threads.to_string(),
            "processor" => machine.processor.clone(),
            "system" => machine.system.clone(),
            _ => return Err(
                "a run has cores, date, rounds, duration, warm-up, threads, processor and system"
                    .to_owned(),
            ),
        })
    }

    fn noise(&self, connections: &str) -> Result<String, String> {
        let wanted = number(connections)?;
        let groups = summary::summarise(self.results()?);
        let group = groups
            .iter()
            .find(|group| group.connections == wanted && group.load == Load::Capacity);
        let noise = group
            .and_then(|group| group.noise.as_ref())
            .map(|(_, noise)| units::percent(*noise));
        noise.ok_or_else(|| format!("the noise at {connections} connections was not measured"))
    }

    /// The default of a limit, from the step's `settings.rs`.
    fn setting(&self, step: &str, name: &str) -> Result<String, String> {
        static DEFAULT: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(count|milliseconds)\(\s*"(\w+)",\s*([0-9_]+),?\s*\)"#)
                .expect("the expression is right")
        });
        let file = self.step(step)?.folder.join("src/settings.rs");
        let text = read(&file).map_err(|error| format!("{error:#}"))?;
        let found = DEFAULT
            .captures_iter(&text)
            .find(|captures| &captures[2] == name);
        let found =
            found.ok_or_else(|| format!("{step} has no limit called {name} in its settings.rs"))?;
        let number: u64 = found[3]
            .replace('_', "")
            .parse()
            .map_err(|_| "too large".to_owned())?;
        Ok(match &found[1] {
            "count" => units::count(number as f64),
            _ if number >= 1000 && number.is_multiple_of(100) => {
                format!("{} s", number as f64 / 1000.0)
            }
            _ => format!("{number} ms"),
        })
    }

    fn version(&self, name: &str) -> Result<String, String> {
        let lock = read(&self.root.join("Cargo.lock")).map_err(|error| format!("{error:#}"))?;
        let (_, rest) = lock
            .split_once(&format!("name = \"{name}\"\nversion = \""))
            .ok_or_else(|| format!("Cargo.lock has no {name}"))?;
        Ok(rest.split('"').next().unwrap_or_default().to_owned())
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no number of connections"))
}

/// A figure of a row, as it stands in the tables.
fn figure(row: &Row, metric: &str) -> Option<String> {
    let latency = row.latency;
    let cpu = row.cpu.as_ref();
    Some(match metric {
        "requests" => units::count(row.per_second?.median),
        "p50" => units::milliseconds(latency?.p50?),
        "p90" => units::milliseconds(latency?.p90?),
        "p99" => units::milliseconds(latency?.p99?),
        "max" => units::milliseconds(latency?.max),
        "server-us" => units::short(cpu?.server_us),
        "redis-us" => units::short(cpu?.redis_us),
        "load-us" => units::short(cpu?.load_us),
        "memory" => units::mebibytes(row.memory_bytes?),
        "commands" => units::short(row.redis_commands?),
        "queue-overflows" => units::count(row.queue_overflows?),
        _ => return None,
    })
}

/// A ratio with digits that mean something.
fn short(ratio: f64) -> String {
    if ratio < 0.1 {
        format!("{ratio:.3}")
    } else {
        units::short(ratio)
    }
}
