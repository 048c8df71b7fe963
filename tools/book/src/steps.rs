//! The steps, as the book needs them.

use std::{fs, path::Path, path::PathBuf};

use anyhow::{Context, Result};

use crate::source::read;

/// A folder of `steps/`.
#[derive(Clone, Debug)]
pub struct Step {
    /// Such as `step-3-rocket`.
    pub name: String,
    /// The number in the name.
    pub number: u32,
    /// Where it lies.
    pub folder: PathBuf,
    /// Whether it is a crate. The original is not.
    pub is_rust: bool,
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
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let number = name
            .strip_prefix("step-")
            .and_then(|rest| rest.split('-').next()?.parse().ok());
        if let (Some(number), true) = (number, folder.is_dir()) {
            let is_rust = folder.join("Cargo.toml").is_file();
            steps.push(Step {
                name,
                number,
                folder,
                is_rust,
            });
        }
    }
    steps.sort_by_key(|step| step.number);
    Ok(steps)
}

/// The step that goes by `3`, `step-3` or `step-3-rocket`.
pub fn find<'a>(steps: &'a [Step], wanted: &str) -> Option<&'a Step> {
    steps.iter().find(|step| {
        let number = step.number.to_string();
        wanted == step.name || wanted == number || wanted.strip_prefix("step-") == Some(&number)
    })
}

impl Step {
    /// What makes the step: its manifest and its sources, relative to its folder, in order.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = vec![PathBuf::from("Cargo.toml")];
        for file in crate::source::files(&self.folder.join("src"))? {
            files.push(file.strip_prefix(&self.folder)?.to_owned());
        }
        Ok(files)
    }

    /// The text of a file with the step's own name made neutral, because it differs everywhere and says
    /// nothing, and without the marks of the book. A file that the step does not have is empty.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    pub fn neutral(&self, file: &Path) -> Result<String> {
        let path = self.folder.join(file);
        if !path.exists() {
            return Ok(String::new());
        }
        let text = crate::include::without_anchors(&read(&path)?);
        let crate_name = self.name.replace('-', "_");
        Ok(text
            .replace(&self.name, "step-N")
            .replace(&crate_name, "step_N"))
    }

    /// Lines that are neither empty nor only a comment, in what is compiled into the program.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn lines_of_code(&self) -> Result<usize> {
        let files = if self.is_rust {
            crate::source::files(&self.folder.join("src"))?
        } else {
            crate::source::files(&self.folder)?
        };
        let (extension, comment) = if self.is_rust {
            ("rs", "//")
        } else {
            ("py", "#")
        };
        let mut lines = 0;
        for file in files
            .iter()
            .filter(|file| file.extension().is_some_and(|ending| ending == extension))
        {
            let text = read(file)?;
            let code = text
                .lines()
                .map(str::trim)
                .take_while(|line| *line != "#[cfg(test)]");
            lines += code
                .filter(|line| !line.is_empty() && !line.starts_with(comment))
                .count();
        }
        Ok(lines)
    }
}
