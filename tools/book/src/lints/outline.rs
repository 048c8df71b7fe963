//! Every chapter of a step has the same outline.

use std::{mem, ops::Range};

use crate::{
    markdown::{Content, Fence, Heading},
    source::{Page, Problem},
};

/// The sections, in order. [`lack`] knows what each must hold.
const OUTLINE: [&str; 10] = [
    "What you will have",
    "What is still wrong",
    "Predict first",
    "The change",
    "Why this and not something else",
    "Run it",
    "Measure it",
    "Break it",
    "What it still lacks",
    "Exercises",
];

/// What the chapter of the step of this number lacks.
pub fn lacking(page: &Page, content: &Content, step: u32) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |line, what| problems.push(page.problem(line, what));
    let title = content.headings.iter().find(|heading| heading.level == 1);
    let start = format!("Step {step}: ");
    if !title.is_some_and(|title| title.text.starts_with(&start)) {
        let line = title.map_or(1, |title| title.line);
        problem(
            line,
            format!("the chapter has no title `# {start}…`; begin it with one"),
        );
    }
    let sections = content.headings.iter().filter(|heading| heading.level == 2);
    let sections: Vec<&Heading> = sections.collect();
    for Heading { text, line, .. } in &sections {
        if !OUTLINE.contains(&text.as_str()) {
            problem(
                *line,
                format!("a step's chapter has no section {text:?}; make it a ###"),
            );
        }
    }
    let (mut last, mut before) = (1, "the title");
    for name in OUTLINE {
        let previous = mem::replace(&mut before, name);
        let Some(position) = sections.iter().position(|section| section.text == name) else {
            problem(
                last,
                format!("the section \"## {name}\" is missing; write it after {previous:?}"),
            );
            continue;
        };
        let line = sections[position].line;
        if line < last {
            problem(
                line,
                format!("{name:?} stands too early; it follows {previous:?}"),
            );
        }
        last = last.max(line);
        let end = sections
            .get(position + 1)
            .map_or(usize::MAX, |next| next.line);
        if let Some(what) = lack(name, content, line..end, &page.text) {
            problem(line, format!("{name:?} {what}"));
        }
    }
    problems
}

/// What the section of this name, in these lines of the page, must hold and does not.
fn lack(name: &str, content: &Content, lines: Range<usize>, text: &str) -> Option<&'static str> {
    let has_fence = |wanted: fn(&Fence) -> bool| {
        let mut fences = content.fences.iter();
        fences.any(|fence| lines.contains(&fence.line) && wanted(fence))
    };
    let headings = content.headings.iter().filter(|heading| heading.level == 3);
    let headings = headings.filter(|heading| lines.contains(&heading.line));
    let headings = headings.count();
    let items = content.items.iter();
    let items = items.filter(|line| lines.contains(line)).count();
    let source = text.lines().skip(lines.start);
    let source = source.take(lines.end.saturating_sub(lines.start + 1));
    let source = source.collect::<Vec<_>>().join("\n");
    let folded = source.matches("<details").count();
    match name {
        "What is still wrong" | "Run it" if !has_fence(Fence::is_transcript) => {
            Some("shows nothing; it needs a console block")
        }
        "Break it" if !source.contains("{{#experiment ") => {
            Some("shows no experiment; it needs an {{#experiment …}}")
        }
        "Predict first" if folded == 0 => Some("does not fold its answer away; it needs <details>"),
        "The change" if !has_fence(|fence| !fence.is_sketch() && fence.kind() != "console") => {
            Some("shows no change; it needs a diff or a listing")
        }
        "Why this and not something else" if headings.max(items) < 2 => {
            Some("names fewer than two alternatives; it needs two ### or two list items")
        }
        "Measure it" if !source.contains("{{#include generated/") => {
            Some("has no table; it needs an {{#include generated/…}}")
        }
        "Measure it" if !source.contains("{{#picture generated/") => {
            Some("has no plot; it needs a {{#picture generated/…}}")
        }
        "Exercises" if headings < 2 || folded < headings => {
            Some("needs at least two ###, each with its solution in <details>")
        }
        "Exercises" if source.matches("cargo xtask").count() < headings => {
            Some("has an exercise that nobody can check; name the cargo xtask command that does")
        }
        _ => None,
    }
}
