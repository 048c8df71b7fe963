//! The solutions of the exercises: patches of a step, in `book/exercises/`. `own-step` reads and proves them; here
//! is what the lints say of how they are written.

use std::path::Path;

use anyhow::Result;
use mdbook_core::utils::fs;
use own_step::exercise::{EXERCISES, Exercise, Misread};

use crate::source::{Problem, named_files};

/// All solutions in the repository at `root`, and what is wrong with how they are written.
///
/// # Errors
///
/// When a file cannot be read.
pub fn all(root: &Path) -> Result<(Vec<Exercise>, Vec<Problem>)> {
    let (mut exercises, mut problems) = (Vec::new(), Vec::new());
    for (path, file) in named_files(&root.join(EXERCISES))? {
        let problem = |line, what| Problem::new(format!("{EXERCISES}/{path}"), line, what);
        match path.strip_suffix(".patch") {
            Some(name) => match Exercise::parse(name, &fs::read_to_string(&file)?) {
                Ok(exercise) => exercises.push(exercise),
                Err(Misread { line, what }) => problems.push(problem(line, what)),
            },
            None => problems.push(problem(1, "is no .patch; move it".to_owned())),
        }
    }
    Ok((exercises, problems))
}
