//! What can take part: the steps, both ways to serve Flask, the probe that shows the limit, and
//! whatever server the user already runs.

use std::{path::Path, path::PathBuf, slice};

use anyhow::{Context, Error, Result, anyhow, ensure};
use load::Url;
use processes::interrupt::Interrupted;
use steps::{Flask, FlaskServer, Language, Profile, Step};

/// How contestants are built, for the report.
pub(crate) fn profile(root: &Path) -> &'static str {
    match steps::is_compiled(root) {
        true => "cargo profile dev: not optimised",
        false => "cargo profile dist: release, lto = \"fat\", codegen-units = 1, stripped",
    }
}

/// The package of the probe that shows what the machine can do with no framework.
const LIMIT: &str = "limit";

/// Both ways to serve step 0.
const FLASKS: [(&str, FlaskServer); 2] = [
    ("flask-debug", FlaskServer::Debug),
    ("flask-gunicorn", FlaskServer::Gunicorn),
];

/// A server that can be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contestant {
    /// The name, such as `step-2-redis`.
    pub name: String,
    source: Source,
}

/// Where a contestant comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Rust(Step),
    Flask(Step, FlaskServer),
    Limit,
    /// It is built already.
    Program(PathBuf),
    /// It runs already.
    Running(Url),
}

/// How a contestant is started.
#[derive(Clone, Debug)]
pub enum Start {
    /// Run a program.
    Program(PathBuf),
    /// Run step 0.
    Flask(Flask, FlaskServer),
    /// It runs already.
    Running(Url),
}

/// The contestants that `wanted` names, each once, in the order of the steps. `2`, `step-2` and
/// `step-2-redis` name the same one; `0` is Flask both ways; nothing and `all` are everybody.
///
/// # Errors
///
/// When a name is not known, or the steps cannot be read.
pub(crate) fn select(root: &Path, wanted: &[String]) -> Result<Vec<Contestant>> {
    let mut everybody = everybody(root)?;
    if wanted.is_empty() || wanted.iter().any(|name| name == "all") {
        return Ok(everybody);
    }
    let mut names = Vec::new();
    for name in wanted {
        if everybody.iter().any(|contestant| contestant.name == *name) {
            names.push(name.clone());
            continue;
        }
        let step = steps::one(root, Some(name));
        // Its message ends with the names of the steps.
        let step =
            step.map_err(|error| anyhow!("{error}, flask-debug, flask-gunicorn, {LIMIT}"))?;
        match step.language {
            Language::Rust => names.push(step.name),
            Language::Python => names.extend(FLASKS.map(|(name, _)| name.to_owned())),
        }
    }
    everybody.retain(|contestant| names.contains(&contestant.name));
    Ok(everybody)
}

fn everybody(root: &Path) -> Result<Vec<Contestant>> {
    let mut everybody = Vec::new();
    let mut add = |name: &str, source| {
        let name = name.to_owned();
        everybody.push(Contestant { name, source });
    };
    for step in steps::all(root)? {
        match step.language {
            Language::Rust => add(&step.name.clone(), Source::Rust(step)),
            Language::Python => {
                for (name, server) in FLASKS {
                    add(name, Source::Flask(step.clone(), server));
                }
            }
        }
    }
    add(LIMIT, Source::Limit);
    Ok(everybody)
}

/// Reads `NAME=URL`.
///
/// # Errors
///
/// When it has another shape.
pub(crate) fn parse_against(text: &str) -> Result<Contestant> {
    let (name, url) = named(text)
        .with_context(|| format!("{text} is not NAME=URL, such as go=http://127.0.0.1:9000/"))?;
    let source = Source::Running(Url::parse(url).map_err(Error::msg)?);
    Ok(Contestant { name, source })
}

/// Reads `NAME=FILE`.
///
/// # Errors
///
/// When it has another shape, or there is no such file.
pub(crate) fn parse_program(text: &str) -> Result<Contestant> {
    let (name, file) =
        named(text).with_context(|| format!("{text} is not NAME=FILE, such as mine=./mine"))?;
    let file = std::path::absolute(file)?;
    ensure!(file.is_file(), "there is no program {}", file.display());
    let source = Source::Program(file);
    Ok(Contestant { name, source })
}

/// A name, and what stands behind the `=`.
fn named(text: &str) -> Option<(String, &str)> {
    let (name, rest) = text.split_once('=')?;
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

impl Contestant {
    /// Whether it is started by us, with a Redis of its own.
    pub(crate) fn needs_redis(&self) -> bool {
        !matches!(self.source, Source::Running(_))
    }

    /// Makes it ready to be started: builds what must be built.
    ///
    /// # Errors
    ///
    /// When that fails. cargo says the details on standard error.
    pub(crate) fn prepare(&self, root: &Path, interrupted: &Interrupted) -> Result<Start> {
        let name = &self.name;
        let cannot_build = || {
            format!(
                "{name} cannot be built; see why with: cargo build --profile dist --package {name}"
            )
        };
        match &self.source {
            Source::Rust(step) => {
                let built = steps::programs(root, slice::from_ref(step), Profile::Dist)?;
                let program = built.and_then(|mut programs| programs.pop());
                Ok(Start::Program(program.with_context(cannot_build)?.path))
            }
            Source::Limit => {
                let program = steps::tool(root, LIMIT, LIMIT, Profile::Dist)?;
                Ok(Start::Program(program.with_context(cannot_build)?))
            }
            Source::Flask(step, server) => {
                let target = root.join("target");
                let cancelled = || interrupted.yet();
                let flask = Flask::prepare(&step.folder, &target, cancelled)?;
                Ok(Start::Flask(flask, *server))
            }
            Source::Program(program) => Ok(Start::Program(program.clone())),
            Source::Running(page) => Ok(Start::Running(page.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of those of this repository that are selected.
    fn selected(wanted: &[&str]) -> Result<Vec<String>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let contestants = select(root.unwrap(), &wanted)?;
        Ok(contestants.into_iter().map(|c| c.name).collect())
    }

    #[test]
    fn everybody_takes_part_in_the_order_of_the_steps() {
        let everybody = selected(&[]).unwrap();
        assert_eq!(everybody[..2], ["flask-debug", "flask-gunicorn"]);
        assert_eq!(everybody[2..4], ["step-1-memory", "step-2-redis"]);
        assert_eq!(everybody.last().unwrap(), "limit");
        assert_eq!(selected(&["2", "all"]).unwrap(), everybody);
    }

    #[test]
    fn a_contestant_is_named_like_a_step_or_by_its_own_name_and_takes_part_once() {
        for name in ["2", "step-2", "step-2-redis"] {
            assert_eq!(selected(&[name, "2"]).unwrap(), ["step-2-redis"]);
        }
        for name in ["0", "step-0", "step-0-flask"] {
            let flasks = ["flask-debug", "flask-gunicorn"];
            assert_eq!(selected(&[name]).unwrap(), flasks);
        }
        let names = selected(&["limit", "flask-debug"]).unwrap();
        assert_eq!(names, ["flask-debug", "limit"]);
        let error = selected(&["step-99"]).unwrap_err().to_string();
        for part in ["step-99", "step-2-redis, ", ", flask-debug, ", ", limit"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_running_server_has_a_name_and_a_url() {
        let contestant = parse_against("go=http://127.0.0.1:9000/x?y=z").unwrap();
        assert_eq!(contestant.name, "go");
        for text in ["go", "=http://127.0.0.1/", "go=ftp://127.0.0.1/"] {
            assert!(parse_against(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_program_that_is_built_has_a_name_and_a_file_and_a_redis() {
        let program = std::env::current_exe().unwrap();
        let contestant = parse_program(&format!("mine={}", program.display())).unwrap();
        assert_eq!(contestant.name, "mine");
        assert!(contestant.needs_redis());
        for text in ["mine", "=/bin/sh", "mine=/no/such/file"] {
            assert!(parse_program(text).is_err(), "{text}");
        }
    }
}
