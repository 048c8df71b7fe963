//! Who can take part: every step that has a folder, both ways to serve Flask, the probe that shows
//! the limit, and whatever server the user already runs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use steps::FlaskServer;

use crate::page::Page;

/// Somebody who can take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contestant {
    /// The name, such as `step-2-redis`.
    pub name: String,
    /// How to come by it.
    pub source: Source,
}

/// How to come by a contestant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Build a package of the workspace.
    Package(String),
    /// Start step 0.
    Flask(FlaskServer),
    /// It runs already.
    Running(Page),
}

/// Finds everybody in the repository, in the order of the steps.
///
/// # Errors
///
/// When a folder or manifest cannot be read.
pub fn discover(root: &Path) -> Result<Vec<Contestant>> {
    let steps = root.join("steps");
    let mut folders = Vec::new();
    for entry in fs::read_dir(&steps).with_context(|| format!("cannot list {}", steps.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(number) = step_number(&name) {
            folders.push((number, name));
        }
    }
    folders.sort();

    let mut contestants = Vec::new();
    for (_, name) in folders {
        let folder = steps.join(&name);
        if folder.join("Cargo.toml").exists() {
            contestants.push(package(name, &folder)?);
        } else if folder.join("app.py").exists() {
            contestants.push(flask("flask-debug", FlaskServer::Debug));
            contestants.push(flask("flask-gunicorn", FlaskServer::Gunicorn));
        }
    }
    // What the machine can do with no framework: how much is left to win?
    let limit = root.join("tools/limit");
    if limit.join("Cargo.toml").exists() {
        contestants.push(package("limit".to_owned(), &limit)?);
    }
    Ok(contestants)
}

/// Picks those that were asked for, each once, in the order of the steps. `2`, `step-2` and
/// `step-2-redis` name the same one; `0` is Flask both ways; nothing and `all` are everybody.
///
/// # Errors
///
/// When a name is not known.
pub fn select(everybody: &[Contestant], wanted: &[String]) -> Result<Vec<Contestant>> {
    for name in wanted {
        if name != "all"
            && !everybody
                .iter()
                .any(|contestant| contestant.answers_to(name))
        {
            let names: Vec<&str> = everybody.iter().map(|c| c.name.as_str()).collect();
            bail!(
                "there is no contestant {name}; there are: {}",
                names.join(", ")
            );
        }
    }
    let all = wanted.is_empty() || wanted.iter().any(|name| name == "all");
    Ok(everybody
        .iter()
        .filter(|contestant| all || wanted.iter().any(|name| contestant.answers_to(name)))
        .cloned()
        .collect())
}

/// Reads `NAME=URL`.
///
/// # Errors
///
/// When it has another shape.
pub fn parse_against(text: &str) -> Result<Contestant> {
    let (name, url) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .with_context(|| format!("{text} is not NAME=URL, such as go=http://127.0.0.1:9000/"))?;
    Ok(Contestant {
        name: name.to_owned(),
        source: Source::Running(Page::parse(url)?),
    })
}

impl Contestant {
    fn answers_to(&self, name: &str) -> bool {
        let step = match &self.source {
            Source::Flask(_) => "step-0-flask",
            _ => &self.name,
        };
        let number = step_number(step).map(|number| number.to_string());
        self.name == name
            || step == name
            || number.is_some_and(|number| name == number || name == format!("step-{number}"))
    }
}

fn flask(name: &str, server: FlaskServer) -> Contestant {
    Contestant {
        name: name.to_owned(),
        source: Source::Flask(server),
    }
}

fn package(name: String, folder: &Path) -> Result<Contestant> {
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let package = text
        .lines()
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .with_context(|| format!("{} has no line name = \"…\"", manifest.display()))?;
    Ok(Contestant {
        name,
        source: Source::Package(package.to_owned()),
    })
}

/// The number in `step-2-redis`.
fn step_number(name: &str) -> Option<u32> {
    let (number, _) = name.strip_prefix("step-")?.split_once('-')?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with steps 0, 2 and 10, the limit, and things that are no steps.
    fn repository() -> (tempfile::TempDir, Vec<Contestant>) {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        for step in ["step-10-ten", "step-2-two"] {
            let manifest = format!("[package]\nname = \"{step}\"\n");
            write(&format!("steps/{step}/Cargo.toml"), &manifest);
        }
        write("steps/step-0-flask/app.py", "");
        write("steps/README.md", "");
        write("steps/step-7-empty/README.md", "");
        write(
            "tools/limit/Cargo.toml",
            "[package]\nname = \"limit-probe\"\n",
        );
        let everybody = discover(root.path()).unwrap();
        (root, everybody)
    }

    fn names(contestants: &[Contestant]) -> Vec<&str> {
        contestants.iter().map(|c| c.name.as_str()).collect()
    }

    #[test]
    fn whoever_has_a_folder_takes_part_in_the_order_of_the_numbers() {
        let (_root, everybody) = repository();
        assert_eq!(
            names(&everybody),
            [
                "flask-debug",
                "flask-gunicorn",
                "step-2-two",
                "step-10-ten",
                "limit"
            ]
        );
        assert_eq!(
            everybody[4].source,
            Source::Package("limit-probe".to_owned())
        );
    }

    #[test]
    fn a_step_answers_to_its_number_its_short_name_and_its_name() {
        let (_root, everybody) = repository();
        let select = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            select(&everybody, &wanted)
        };
        for name in ["2", "step-2", "step-2-two"] {
            assert_eq!(names(&select(&[name]).unwrap()), ["step-2-two"]);
        }
        for name in ["0", "step-0", "step-0-flask"] {
            assert_eq!(
                names(&select(&[name]).unwrap()),
                ["flask-debug", "flask-gunicorn"]
            );
        }
        assert_eq!(
            names(&select(&["limit", "flask-debug"]).unwrap()),
            ["flask-debug", "limit"]
        );
        assert_eq!(select(&[]).unwrap(), everybody);
        assert_eq!(select(&["2", "all"]).unwrap(), everybody);
        let error = select(&["step-1"]).unwrap_err().to_string();
        assert!(
            error.contains("step-1") && error.contains("step-2-two"),
            "{error}"
        );
    }

    #[test]
    fn a_running_server_has_a_name_and_a_url() {
        let contestant = parse_against("go=http://127.0.0.1:9000/x?y=z").unwrap();
        assert_eq!(contestant.name, "go");
        for text in ["go", "=http://127.0.0.1/", "go=ftp://127.0.0.1/"] {
            assert!(parse_against(text).is_err(), "{text}");
        }
    }
}
