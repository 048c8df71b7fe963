//! Every chapter of a step has the same outline.

use std::ops::Range;

use crate::{
    markdown::{Content, Fence},
    source::{Page, Problem},
};

/// What a section must hold.
#[derive(Clone, Copy)]
enum Need {
    Nothing,
    Console,
    Folded,
    Change,
    Alternatives,
    Measurement,
    Exercises,
}

const OUTLINE: [(&str, Need); 10] = [
    ("What you will have", Need::Nothing),
    ("What is still wrong", Need::Console),
    ("Predict first", Need::Folded),
    ("The change", Need::Change),
    ("Why this and not something else", Need::Alternatives),
    ("Run it", Need::Console),
    ("Measure it", Need::Measurement),
    ("Break it", Need::Console),
    ("What it still lacks", Need::Nothing),
    ("Exercises", Need::Exercises),
];

/// What the chapter of the step of this number lacks.
pub fn lacking(page: &Page, content: &Content, step: u32) -> Vec<Problem> {
    let mut problems = Vec::new();
    let title = content.headings.iter().find(|heading| heading.level == 1);
    let start = format!("Step {step}: ");
    if !title.is_some_and(|title| title.text.starts_with(&start)) {
        let line = title.map_or(1, |title| title.line);
        problems.push(page.problem(line, format!("the title of the chapter is `# {start}…`")));
    }
    let sections = content.headings.iter().filter(|heading| heading.level == 2);
    let sections: Vec<(&str, usize)> = sections
        .map(|heading| (heading.text.trim(), heading.line))
        .collect();
    for (name, line) in &sections {
        if !OUTLINE.iter().any(|(expected, _)| expected == name) {
            let what = format!("a step's chapter has no section {name:?}; make it a ###");
            problems.push(page.problem(*line, what));
        }
    }
    let (mut last, mut before) = (0, None);
    for (name, need) in OUTLINE {
        let previous = before.replace(name);
        let Some(position) = sections.iter().position(|(found, _)| *found == name) else {
            let after = previous.map_or(String::new(), |name| format!(", after {name:?}"));
            let what = format!("the section \"## {name}\" is missing{after}");
            problems.push(page.problem(last.max(1), what));
            continue;
        };
        let line = sections[position].1;
        if line < last {
            let what = format!(
                "{name:?} stands too early; it follows {:?}",
                previous.unwrap_or("")
            );
            problems.push(page.problem(line, what));
        }
        last = last.max(line);
        let next = sections.get(position + 1);
        let end = next.map_or(usize::MAX, |(_, line)| *line);
        if let Some(what) = lack(content, line..end, &page.text, need) {
            problems.push(page.problem(line, format!("{name:?} {what}")));
        }
    }
    problems
}

fn lack(content: &Content, lines: Range<usize>, text: &str, need: Need) -> Option<&'static str> {
    let has_fence = |wanted: fn(&Fence) -> bool| {
        let mut fences = content.fences.iter();
        fences.any(|fence| lines.contains(&fence.line) && wanted(fence))
    };
    let html = content.html.iter().filter(|(line, _)| lines.contains(line));
    let folded = html.filter(|(_, html)| html.contains("<details")).count();
    let headings = content.headings.iter().filter(|heading| heading.level == 3);
    let headings = headings.filter(|heading| lines.contains(&heading.line));
    let headings = headings.count();
    let items = content.items.iter();
    let items = items.filter(|line| lines.contains(line)).count();
    let source = text.lines().skip(lines.start);
    let source = source.take(lines.end.saturating_sub(lines.start + 1));
    let source = source.collect::<Vec<_>>().join("\n");
    match need {
        Need::Console if !has_fence(Fence::is_transcript) => {
            Some("shows nothing; it needs a console block")
        }
        Need::Folded if folded == 0 => Some("does not fold its answer away; it needs <details>"),
        Need::Change if !has_fence(|fence| !fence.is_sketch() && fence.kind() != "console") => {
            Some("shows no change; it needs a diff or a listing")
        }
        Need::Alternatives if headings.max(items) < 2 => {
            Some("names fewer than two alternatives; it needs two ### or two list items")
        }
        Need::Measurement if !source.contains("{{#include generated/") => {
            Some("has no table; it needs an {{#include generated/…}}")
        }
        Need::Measurement if !source.contains("{{#picture generated/") => {
            Some("has no plot; it needs a {{#picture generated/…}}")
        }
        Need::Exercises if headings < 2 || folded < headings => {
            Some("needs at least two ###, each with its solution in <details>")
        }
        Need::Exercises if source.matches("cargo xtask").count() < headings => {
            Some("has an exercise that nobody can check; name the cargo xtask command that does")
        }
        _ => None,
    }
}
