//! Every solution is proved and shown.

use anyhow::Result;

use crate::{
    exercise,
    markdown::{Content, Fence},
    source::{Book, Page, Problem},
};

/// What is wrong with how the solutions are written, and which of them no page shows.
///
/// # Errors
///
/// When a file cannot be read.
pub fn unshown(book: &Book) -> Result<Vec<Problem>> {
    let (exercises, mut problems) = exercise::all(&book.root)?;
    for exercise in exercises {
        let name = format!("exercises/{}.patch", exercise.name);
        let include = format!("{{{{#include ../{name}}}}}");
        if !book.pages.iter().any(|page| page.text.contains(&include)) {
            let what =
                format!("no page shows it; write {include} in a ```diff block, or remove it");
            problems.push(Problem::new(format!("book/{name}"), 1, what));
        }
    }
    Ok(problems)
}

/// Solutions that nothing proves: sketches below `## Exercises`.
pub fn sketches(page: &Page, content: &Content) -> Vec<Problem> {
    let is_exercise = |fence: &&Fence| {
        let mut above = content.headings.iter().rev();
        let section = above.find(|heading| heading.level <= 2 && heading.line < fence.line);
        section.is_some_and(|section| section.text == "Exercises")
    };
    let sketches = content.fences.iter().filter(|fence| fence.is_sketch());
    let what =
        "nothing proves this solution; make it a patch in book/exercises, or say it in words";
    let unproved = sketches.filter(is_exercise);
    unproved
        .map(|fence| page.problem(fence.line, what))
        .collect()
}
