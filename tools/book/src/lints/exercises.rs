//! Every solution is proved and shown.

use anyhow::Result;

use crate::{
    exercise::{self, EXERCISES},
    markdown::{self, Content},
    source::{Book, Page, Problem},
};

/// What is wrong with how the solutions are written, and which of them no page shows.
///
/// # Errors
///
/// When a file cannot be read.
pub fn unshown(book: &Book) -> Result<Vec<Problem>> {
    let (exercises, mut problems) = exercise::all(&book.root)?;
    let pages = book.pages.iter();
    let fences = pages.flat_map(|page| markdown::content(&page.text).fences);
    let shown: Vec<String> = fences
        .filter_map(|fence| fence.sole_include().map(str::to_owned))
        .collect();
    for exercise in exercises {
        let argument = format!("../exercises/{}.patch", exercise.name);
        if !shown.contains(&argument) {
            let file = format!("{EXERCISES}/{}.patch", exercise.name);
            let what =
                format!("no page shows it; include {argument} in a ```diff block, or remove it");
            problems.push(Problem::new(file, 1, what));
        }
    }
    Ok(problems)
}

/// Solutions that nothing proves: sketches below `## Exercises`.
pub fn sketches(page: &Page, content: &Content) -> Vec<Problem> {
    let is_exercise = |line: usize| {
        let above = content.headings.iter().rev();
        let mut above = above.skip_while(|heading| heading.line > line);
        let chapter = above.find(|heading| heading.level <= 2);
        chapter.is_some_and(|heading| heading.text.trim() == "Exercises")
    };
    let sketches = content.fences.iter().filter(|fence| fence.is_sketch());
    let unproved = sketches.filter(|fence| is_exercise(fence.line));
    let what =
        "nothing proves this solution; make it a patch in book/exercises, or say it in words";
    unproved
        .map(|fence| page.problem(fence.line, what))
        .collect()
}
