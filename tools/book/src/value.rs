//! Figures that nobody types: `{{#value …}}`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use bench::{
    Estimate,
    cells::{figure, measured, with_interval},
    metrics::Metric,
    published,
    results::{Load, Results},
    summary::{self, Group, Row},
    units,
};
use mdbook_core::utils::fs;
use output::unknown;
use steps::{Language, Setting, Step, files};

use crate::{markdown, source::SRC};

/// How fast the text of a page is read. A block of code or commands takes another minute.
const WORDS_A_MINUTE: usize = 200;

/// To how many minutes the time for a page is rounded up.
const MINUTES_EXACT: usize = 5;

/// Where the figures come from.
#[derive(Debug)]
pub struct Values {
    root: PathBuf,
    /// The newest stored run, if there is any, and what it comes to.
    pub run: Option<(Results, Vec<Group>)>,
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
        let summarised = |results| {
            let groups = summary::summarise(&results);
            (results, groups)
        };
        Ok(Self {
            root: root.to_owned(),
            run: results.map(summarised),
        })
    }

    /// The figure that the argument of a directive asks for.
    ///
    /// # Errors
    ///
    /// When there is no such figure: one line for whoever wrote the page.
    pub fn get(&self, argument: &str) -> Result<String> {
        let words: Vec<&str> = argument.split_whitespace().collect();
        let figure = self.figure(&words);
        figure.with_context(|| format!("{{{{#value {argument}}}}}"))
    }

    fn figure(&self, words: &[&str]) -> Result<String> {
        Ok(match *words {
            ["bench", name, metric, connections] => {
                self.bench(name, metric, connections, figure)?
            }
            ["measured", name, metric, connections] => {
                self.bench(name, metric, connections, measured)?
            }
            ["ratio", name, base, metric, connections] => {
                units::ratio(self.ratio([name, base], metric, connections)?.median)
            }
            ["spread", name, base, metric, connections] => {
                with_interval(self.ratio([name, base], metric, connections)?, units::ratio)
            }
            ["run", "cores"] => self.run()?.0.machine.cores.to_string(),
            ["again", connections] => self.again(connections)?,
            ["setting", step, name] => self.setting(step, name)?,
            ["minutes", page] => self.minutes(page)?,
            ["lines", step] => units::count(lines_of_code(&self.step(step)?)? as f64),
            ["dependencies", step] => {
                units::count(dependencies(&self.root, &self.step(step)?)? as f64)
            }
            _ => bail!("there is no such figure; book/AUTHORING.md lists them"),
        })
    }

    fn step(&self, name: &str) -> Result<Step> {
        steps::one(&self.root, Some(name))
    }

    /// The newest stored run, and what it comes to.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn run(&self) -> Result<&(Results, Vec<Group>)> {
        let run = self.run.as_ref();
        run.context("book/measurements/bench holds no run; make one with cargo xtask bench")
    }

    /// What was measured at so many connections that are never idle.
    fn capacity(&self, connections: &str) -> Result<&Group> {
        let wanted = number(connections)?;
        let mut groups = self.run()?.1.iter();
        groups
            .find(|group| group.connections == wanted && group.load == Load::Capacity)
            .with_context(|| format!("nothing was measured at {connections} connections; take a number of the newest run"))
    }

    /// The name of a contestant: of a step, however it is called, or of one of the two Flasks.
    fn contestant(&self, name: &str) -> Result<String> {
        let full = self.step(name).map_or(name.to_owned(), |step| step.name);
        let contestants = self.run()?.0.contestants.iter();
        let names: Vec<&str> = contestants.map(|entry| entry.name.as_str()).collect();
        ensure!(
            names.contains(&full.as_str()),
            unknown("contestant in the newest run", name, &names)
        );
        Ok(full)
    }

    /// What was measured of a contestant, as `show` writes it.
    fn bench(
        &self,
        name: &str,
        metric: &str,
        connections: &str,
        show: fn(&Row, &str) -> Option<String>,
    ) -> Result<String> {
        let name = self.contestant(name)?;
        let mut rows = self.capacity(connections)?.rows.iter();
        let row = rows.find(|row| row.name == name);
        row.and_then(|row| show(row, metric)).with_context(|| {
            format!("{name} has no figure called {metric} at {connections} connections; book/AUTHORING.md lists them")
        })
    }

    fn ratio(&self, names: [&str; 2], metric: &str, connections: &str) -> Result<Estimate> {
        let [name, base] = [self.contestant(names[0])?, self.contestant(names[1])?];
        let (results, number) = (&self.run()?.0, number(connections)?);
        let lacks = || format!("{metric} is no figure; book/AUTHORING.md lists them");
        let metric = Metric::named(metric).with_context(lacks)?;
        let ratio = summary::compare(results, number, [&name, &base], metric);
        ratio.with_context(|| {
            format!("{name} and {base} have no round in common at {connections} connections")
        })
    }

    /// How long a page takes somebody who reads its text and its code, and types its commands.
    fn minutes(&self, page: &str) -> Result<String> {
        let file = self.root.join(SRC).join(format!("{page}.md"));
        let text = fs::read_to_string(&file)?;
        let content = markdown::content(&text);
        let words = content.prose.split_whitespace();
        let words = words.filter(|word| word.contains(char::is_alphanumeric));
        let minutes = words.count() / WORDS_A_MINUTE + content.fences.len();
        let minutes = minutes.next_multiple_of(MINUTES_EXACT);
        Ok(format!("{} min", minutes.max(MINUTES_EXACT)))
    }

    /// The reference ÷ itself.
    fn again(&self, connections: &str) -> Result<String> {
        let ratio = self.capacity(connections)?.repetition();
        let ratio = ratio.map(|ratio| with_interval(ratio, units::ratio));
        ratio.with_context(|| {
            format!("nothing ran twice at {connections} connections; run cargo xtask bench")
        })
    }

    /// The default of a limit, from the step's `settings.rs`.
    fn setting(&self, step: &str, name: &str) -> Result<String> {
        Ok(match self.step(step)?.setting(name)? {
            Setting::Count(count) => units::count(count as f64),
            Setting::Milliseconds(time) if time >= 1000 && time.is_multiple_of(100) => {
                format!("{} s", time as f64 / 1000.0)
            }
            Setting::Milliseconds(time) => format!("{time} ms"),
        })
    }
}

fn number(text: &str) -> Result<u32> {
    let number = text.parse();
    number.map_err(|_| anyhow!("{text:?} is no number of connections; write one such as 1000"))
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
            let text = fs::read_to_string(&file)?;
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
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let crates: BTreeSet<&str> = lines.map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(crates.len())
}

#[cfg(test)]
mod tests {
    use bench::cells;

    use super::*;

    #[test]
    fn a_figure_with_its_interval_is_the_one_of_the_tables() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let values = Values::new(root.unwrap()).unwrap();
        let measured = values.get("measured step-1 requests 1000").unwrap();
        let table = cells::throughput(values.capacity("1000").unwrap()).markdown();
        let row = format!("| step-1-memory | {measured} |");
        assert!(table.contains(&row), "{row}\n{table}");
    }

    #[test]
    fn a_page_takes_as_long_as_its_words_and_its_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let values = Values {
            root: folder.path().to_owned(),
            run: None,
        };
        let block = "```console\n$ true\n```\n";
        for (words, blocks, minutes) in [(1, 0, "5 min"), (900, 1, "5 min"), (900, 2, "10 min")] {
            let text = "word ".repeat(words) + "\n\n" + &block.repeat(blocks);
            fs::write(folder.path().join(SRC).join("page.md"), text).unwrap();
            assert_eq!(values.get("minutes page").unwrap(), minutes);
        }
    }
}
