//! Every chapter of a step has the same bones.

use std::ops::Range;

use crate::{
    markdown::{Content, Fence},
    problem::Problem,
    source::Page,
    steps::Step,
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

const BONES: [(&str, Need); 10] = [
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

/// What a chapter lacks.
pub fn lacking(page: &Page, content: &Content, step: &Step) -> Vec<Problem> {
    let mut problems = Vec::new();
    let title = content.headings.iter().find(|heading| heading.level == 1);
    let start = format!("Step {}: ", step.number);
    if !title.is_some_and(|title| title.text.starts_with(&start)) {
        let line = title.map_or(1, |title| title.line);
        problems.push(page.problem(line, format!("the title of the chapter is `# {start}…`")));
    }
    let sections: Vec<_> = content
        .headings
        .iter()
        .filter(|heading| heading.level == 2)
        .collect();
    let names: Vec<&str> = sections.iter().map(|heading| heading.text.trim()).collect();
    let expected: Vec<&str> = BONES.iter().map(|(name, _)| *name).collect();
    for (index, name) in names.iter().enumerate() {
        if !expected.contains(name) {
            let what = format!("a step's chapter has no section {name:?}; make it a ###");
            problems.push(page.problem(sections[index].line, what));
        }
    }
    let mut last = 0;
    for (index, (name, need)) in BONES.iter().enumerate() {
        let Some(position) = names.iter().position(|found| found == name) else {
            let after = if index == 0 {
                String::new()
            } else {
                format!(", after {:?}", expected[index - 1])
            };
            problems.push(page.problem(
                last.max(1),
                format!("the section \"## {name}\" is missing{after}"),
            ));
            continue;
        };
        let line = sections[position].line;
        if line < last {
            problems.push(page.problem(
                line,
                format!(
                    "{name:?} stands too early; it follows {:?}",
                    expected[index - 1]
                ),
            ));
        }
        last = last.max(line);
        let end = sections
            .get(position + 1)
            .map_or(usize::MAX, |next| next.line);
        if let Some(what) = lack(content, line..end, &page.text, *need) {
            problems.push(page.problem(line, format!("{name:?} {what}")));
        }
    }
    problems
}

fn lack(content: &Content, lines: Range<usize>, text: &str, need: Need) -> Option<&'static str> {
    let has_fence = |wanted: fn(&Fence) -> bool| {
        content
            .fences
            .iter()
            .any(|fence| lines.contains(&fence.line) && wanted(fence))
    };
    let is_console = |fence: &Fence| fence.kind() == "console" && !fence.is_sketch();
    let folded = content
        .html
        .iter()
        .filter(|(line, html)| lines.contains(line) && html.contains("<details"))
        .count();
    let headings = content
        .headings
        .iter()
        .filter(|heading| heading.level == 3 && lines.contains(&heading.line))
        .count();
    let items = content
        .items
        .iter()
        .filter(|line| lines.contains(line))
        .count();
    let source: Vec<&str> = text
        .lines()
        .skip(lines.start)
        .take(lines.end.saturating_sub(lines.start + 1))
        .collect();
    let source = source.join("\n");
    match need {
        Need::Console if !has_fence(is_console) => Some("shows nothing; it needs a console block"),
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
