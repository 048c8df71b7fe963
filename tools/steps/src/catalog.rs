//! The steps: found by looking into `steps/`, named in whichever way comes to mind.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use private_redis::without_password;

/// The steps that are shown side by side if nobody names any: the last one, too.
const SIDE_BY_SIDE: [u32; 2] = [2, 4];

/// How many steps fit side by side.
const SIDE_BY_SIDE_MAX: usize = 4;

/// A folder of `steps/`, such as `step-3-rocket`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The folder's name, which is also the package's.
    pub name: String,
    /// The number in the name.
    pub number: u32,
    /// Where it lies.
    pub folder: PathBuf,
    /// What it is written in.
    pub language: Language,
}

/// What a step is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A crate of the workspace.
    Rust,
    /// The original, for comparison.
    Python,
}

impl Step {
    /// Whether it counts in Redis. The first step is the one that does not.
    pub fn needs_redis(&self) -> bool {
        self.number != 1
    }

    /// What the step is, in a few words: the description in its manifest.
    ///
    /// # Errors
    ///
    /// When the manifest cannot be read or has no description.
    pub fn description(&self) -> Result<String> {
        if self.language == Language::Python {
            return Ok("The original idea, in Python: Flask and redis-py".to_owned());
        }
        let manifest = self.folder.join("Cargo.toml");
        let text = fs::read_to_string(&manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix("description = \""));
        let line = line.with_context(|| format!("{} has no description", manifest.display()))?;
        Ok(line.trim_end_matches('"').to_owned())
    }
}

/// All steps, in order.
///
/// # Errors
///
/// When `steps/` cannot be read.
pub fn all(root: &Path) -> Result<Vec<Step>> {
    let folder = root.join("steps");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut steps = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let number = name.strip_prefix("step-");
        let number = number.and_then(|rest| rest.split('-').next()?.parse().ok());
        let language = match () {
            () if folder.join("Cargo.toml").is_file() => Language::Rust,
            () if folder.join("requirements.txt").is_file() => Language::Python,
            () => continue,
        };
        if let Some(number) = number {
            steps.push(Step {
                name,
                number,
                folder,
                language,
            });
        }
    }
    steps.sort_by_key(|step| step.number);
    Ok(steps)
}

/// The steps that `wanted` names; all of them for an empty list or `all`.
///
/// # Errors
///
/// When there is no such step: the message names the nearest one, if one is near.
pub fn several(root: &Path, wanted: &[String]) -> Result<Vec<Step>> {
    let steps = all(root)?;
    if wanted.is_empty() || wanted == ["all"] {
        return Ok(steps);
    }
    wanted.iter().map(|name| find(&steps, name)).collect()
}

/// The steps that `wanted` names, few enough to fit side by side; 2, 4 and the last one for an empty list.
///
/// # Errors
///
/// When there is no such step, or too many are named.
pub fn side_by_side(root: &Path, wanted: &[String]) -> Result<Vec<Step>> {
    if !wanted.is_empty() {
        let steps = several(root, wanted)?;
        ensure!(
            steps.len() <= SIDE_BY_SIDE_MAX,
            "{} steps do not fit side by side; name at most {SIDE_BY_SIDE_MAX}",
            steps.len()
        );
        return Ok(steps);
    }
    let mut steps = all(root)?;
    let last = steps.last().map(|step| step.number);
    steps.retain(|step| SIDE_BY_SIDE.contains(&step.number) || Some(step.number) == last);
    Ok(steps)
}

/// The step that `wanted` names, or the last one.
///
/// # Errors
///
/// When there is no such step: the message names the nearest one, if one is near.
pub fn one(root: &Path, wanted: Option<&str>) -> Result<Step> {
    let steps = all(root)?;
    match wanted {
        Some(name) => find(&steps, name),
        None => steps.last().cloned().context("there is no step in steps/"),
    }
}

/// Finds `3`, `step-3` and `step-3-rocket`. An unknown name is answered with the nearest one.
fn find(steps: &[Step], wanted: &str) -> Result<Step> {
    let goes_by = |step: &&Step| {
        let number = step.number.to_string();
        wanted == step.name || wanted.strip_prefix("step-").unwrap_or(wanted) == number
    };
    if let Some(step) = steps.iter().find(goes_by) {
        return Ok(step.clone());
    }
    let known: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    bail!(output::unknown("step", &without_password(wanted), &known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        let names = ["step-1-memory", "step-2-redis", "step-3-rocket"];
        let step = |(number, name): (u32, &str)| Step {
            name: name.to_owned(),
            number,
            folder: name.into(),
            language: Language::Rust,
        };
        (1..).zip(names).map(step).collect()
    }

    #[test]
    fn a_step_goes_by_three_names() {
        for name in ["3", "step-3", "step-3-rocket"] {
            assert_eq!(find(&steps(), name).unwrap().name, "step-3-rocket");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let message = |name| find(&steps(), name).unwrap_err().to_string();
        insta::assert_snapshot!(message("step-3-rokcet"), @r#"there is no step "step-3-rokcet"; did you mean step-3-rocket? There are: step-1-memory, step-2-redis, step-3-rocket"#);
        assert!(message("step-2-reddis").contains("did you mean step-2-redis?"));
        assert!(message("").contains("\"\"; there are: step-1-memory"));
        // `--redis` was forgotten.
        let forgotten = message("redis://:secret@host");
        assert!(!forgotten.contains("secret"), "{forgotten}");
    }
}
