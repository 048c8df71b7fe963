//! The house rules that a machine can check. Each failure names the file and the line.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A reader goes through a step from top to bottom once.
const STEP_FILE_LINES_MAX: usize = 300;

/// A figure of the book is as small, and what all of them share is one file more.
const FIGURE_LINES_MAX: usize = 300;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The files of a kind below these folders, with their text.
fn files(folders: &[&str], kind: &str) -> Vec<(PathBuf, String)> {
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == kind) {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    assert!(!files.is_empty());
    files
}

/// The names of the steps in Rust, in order.
fn steps() -> Vec<String> {
    let steps = steps::all(root()).unwrap().into_iter();
    let steps = steps.filter(|step| step.language == steps::Language::Rust);
    steps.map(|step| step.name).collect()
}

fn sources() -> Vec<(PathBuf, String)> {
    let folders: Vec<String> = steps()
        .iter()
        .map(|step| format!("steps/{step}/src"))
        .collect();
    files(
        &folders.iter().map(String::as_str).collect::<Vec<_>>(),
        "rs",
    )
}

fn report(errors: &[String]) {
    assert!(errors.is_empty(), "\n{}\n", errors.join("\n"));
}

#[test]
fn a_step_and_a_figure_can_be_read_in_one_sitting() {
    let steps = sources()
        .into_iter()
        .map(|file| (file, STEP_FILE_LINES_MAX));
    let figures = files(&["book/theme"], "js").into_iter();
    let figures = figures.map(|file| (file, FIGURE_LINES_MAX));
    let mut errors = Vec::new();
    for ((path, text), most) in steps.chain(figures) {
        let lines = text.lines().count();
        if lines > most {
            errors.push(format!(
                "{}:{lines}: error: more than {most} lines",
                path.display()
            ));
        }
    }
    report(&errors);
}

#[test]
fn every_step_says_what_it_is_and_what_it_lacks() {
    let mut errors = Vec::new();
    for (number, step) in (1..).zip(steps()) {
        assert!(
            step.starts_with(&format!("step-{number}-")),
            "the steps are numbered from 1 without a gap: {step}"
        );
        let path = root().join("steps").join(&step).join("src/lib.rs");
        let text = fs::read_to_string(&path).unwrap();
        let run = format!("`cargo xtask run step-{number}`");
        for part in [
            format!("//! # Step {number}: "),
            run,
            "//! What it deliberately lacks: ".to_owned(),
        ] {
            if !text.contains(&part) {
                errors.push(format!(
                    "{}:1: error: no {part:?} at the top",
                    path.display()
                ));
            }
        }
    }
    report(&errors);
}

#[test]
fn what_a_step_does_not_change_is_the_same_to_the_letter() {
    let read = |step: &str, file: &str| {
        let path = root().join("steps").join(step).join(file);
        let text = fs::read_to_string(path).unwrap();
        text.replace(step, "step-N")
            .replace(&step.replace('-', "_"), "step_N")
    };
    let same = |one: &str, other: &str, files: &[&str]| {
        for file in files {
            assert_eq!(
                read(one, file),
                read(other, file),
                "{file} of {one} and {other}"
            );
        }
    };
    let files = [
        "src/main.rs",
        "src/serve.rs",
        "tests/page.rs",
        "tests/serve.rs",
    ];
    same("step-4-pooled", "step-5-batched", &files);
    same("step-4-pooled", "step-5-batched", &["src/connection.rs"]);
    let files = ["src/breaker.rs", "tests/breaker.rs"];
    same("step-4-pooled", "step-5-batched", &files);
    same("step-5-batched", "step-6-scaled", &files);
    same("step-5-batched", "step-6-scaled", &["tests/batcher.rs"]);
}

#[test]
fn every_step_is_named_where_people_look() {
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let (readme, summary) = (read("README.md"), read("book/src/SUMMARY.md"));
    let mut errors = Vec::new();
    for step in steps() {
        if !readme.contains(&format!("(steps/{step}/src/lib.rs)")) {
            errors.push(format!("README.md: error: no row for {step}"));
        }
        if !summary.contains(&format!("({step}.md)")) {
            errors.push(format!("book/src/SUMMARY.md: error: no line for {step}.md"));
        }
    }
    report(&errors);
}

#[test]
fn the_readme_says_what_every_tool_is() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, layout) = readme.split_once("## Layout").unwrap();
    for tool in fs::read_dir(root().join("tools")).unwrap() {
        let tool = tool.unwrap().file_name().into_string().unwrap();
        let line = format!("{tool}/ ");
        assert!(
            layout.contains(&line),
            "README.md: error: nothing about tools/{tool}"
        );
    }
}
