//! The step that you name, and the one that you change: what is built, and how soon again.
//!
//! Tests begin in the order of their names, and these come last: the image of another step may still be in the making
//! while the others go on with that of the last one.

use std::{fs, path::Path, process, time::Instant};

use docker::{Count, EARLY_STEP, Project};
use steps::Language;

use crate::stage::{Stage, docker, inspect, root, with_each_compose};

#[test]
fn the_step_that_you_name_is_built_and_healthy_although_it_has_no_readyz() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, Some(EARLY_STEP));
        stage.up();
        let web = stage.container("web");
        assert_eq!(inspect(&web, "{{.Config.Image}}"), stage.image);
        let title = r#"{{index .Config.Labels "org.opencontainers.image.title"}}"#;
        assert_eq!(inspect(&web, title), format!("Seen N Times: {EARLY_STEP}"));
        let said = inspect(&web, "{{range .State.Health.Log}}{{.Output}}{{end}}");
        assert!(
            said.contains("serves, but has no /readyz"),
            "the health check said: {said}"
        );
        assert_eq!(stage.visit(), 1, "the health check must not count");
    });
}

#[test]
fn an_unknown_step_is_answered_with_the_steps_there_are() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, Some("step-9-nowhere"));
        let error = stage
            .project
            .run(&["build", "--force-rm"])
            .expect_err("there is no such step")
            .to_string();
        // The build shows the command that prints the line, too: only the line itself has them all.
        let steps = steps();
        let names_all = |line: &str| steps.iter().all(|step| line.contains(step));
        let line = error
            .lines()
            .find(|line| line.contains("step-9-nowhere") && names_all(line));
        assert!(
            line.is_some(),
            "no line says that there are {steps:?}:\n{error}"
        );
    });
}

/// Goal: who edits a step waits for that step, and not for everything that it is built from.
/// Method: build, change one line in a copy of the repository, build again, and read what cargo says
/// it compiles. With its own image name, because the changed program is not to be kept.
#[test]
fn a_change_of_one_line_compiles_only_our_own_crate() {
    with_each_compose(|compose| {
        Stage::new(compose, Some(EARLY_STEP)).build();
        let copy = tempfile::tempdir().unwrap();
        copy_sources(root(), copy.path());
        let name = &format!("seen-test-edited-{}", process::id());
        let variables = [("IMAGE", name.as_str()), ("STEP", EARLY_STEP)];
        let project =
            Project::new(compose, copy.path(), name, Count::Forgotten, &variables).unwrap();

        let lib = copy
            .path()
            .join("steps")
            .join(EARLY_STEP)
            .join("src/lib.rs");
        // Not the same change twice, or it would come from the engine's cache.
        let change = copy.path().file_name().unwrap().to_string_lossy();
        replace(&lib, "Hello World!", &format!("Hello {change}!"));
        let started = Instant::now();
        let output = build(&project);
        println!(
            "{compose}: built again in {:.1} s",
            started.elapsed().as_secs_f32()
        );
        docker(&["rmi", "--no-prune", &format!("{name}:{EARLY_STEP}")]);

        let compiled: Vec<&str> = output.split("Compiling ").skip(1).collect();
        let compiled: Vec<_> = compiled
            .iter()
            .filter_map(|rest| rest.split_whitespace().next())
            .collect();
        assert_eq!(
            compiled,
            [EARLY_STEP],
            "cargo compiled these again. The build said:\n{output}"
        );
    });
}

/// Replaces a text in a file, where it must be.
fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(
        text.contains(old),
        "{} does not have {old:?}",
        file.display()
    );
    fs::write(file, text.replace(old, new)).unwrap();
}

/// Builds and returns all that was printed.
fn build(project: &Project) -> String {
    let mut command = project.command(&["build"]);
    // BuildKit shows what a step of the build prints only if it has no terminal to draw on.
    command.env("BUILDKIT_PROGRESS", "plain");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "the build failed:\n{text}");
    // The older builder paints what comes on standard error, piece by piece: a line may be two of them.
    anstream::adapter::strip_str(&text).to_string()
}

/// What is not copied: large, and named in .dockerignore.
const IGNORED: [&str; 3] = [".git", "book", "target"];

/// Copies the repository, as far as the image is built from it.
fn copy_sources(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let is_ignored = IGNORED
            .iter()
            .any(|ignored| entry.path() == root().join(ignored));
        let to = to.join(entry.file_name());
        if is_ignored {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy_sources(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The steps in Rust, in order.
fn steps() -> Vec<String> {
    let steps = steps::all(root()).unwrap().into_iter();
    let rust = steps.filter(|step| step.language == Language::Rust);
    rust.map(|step| step.name).collect()
}
