//! What the Dockerfile makes: how big it is, what is in it, and how soon it is made again.

use std::{fs, path::Path, process, time::Instant};

use docker::{Count, Project};

use crate::stage::{IMAGE, Stage, docker, root, with_each_compose};

/// The image of the last step, uncompressed, in bytes. The tutorial this is a retelling of had
/// "a bit less than 200 MB".
const SIZE_MAX: u64 = 3_000_000;

#[test]
fn the_image_is_one_small_program_without_rights() {
    with_each_compose(|compose| {
        Stage::new(compose, None).compose(&["build"]);
        // The last step, as you get it when you name none.
        let image = &format!("{IMAGE}:latest");
        let size: u64 = inspect(image, "{{.Size}}").parse().unwrap();
        println!("{compose}: the image has {size} bytes");
        assert!(
            size <= SIZE_MAX,
            "the image has {size} bytes, more than {SIZE_MAX}:\n{}",
            history(image)
        );
        let layers = inspect(image, "{{len .RootFS.Layers}}");
        assert_eq!(
            layers,
            "1",
            "the image has more layers than the program:\n{}",
            history(image)
        );

        assert_eq!(
            inspect(image, "{{.Config.User}}"),
            "65532:65532",
            "the user"
        );
        assert_eq!(
            inspect(image, "{{json .Config.Entrypoint}}"),
            r#"["/web"]"#,
            "exec form, no shell"
        );
        assert_eq!(
            inspect(image, "{{json .Config.ExposedPorts}}"),
            r#"{"5000/tcp":{}}"#,
            "the port"
        );
        let labels = inspect(image, "{{json .Config.Labels}}");
        for label in ["title", "description", "licenses"] {
            let label = format!("org.opencontainers.image.{label}");
            assert!(labels.contains(&label), "no label {label} in {labels}");
        }
    });
}

#[test]
fn another_step_is_built_and_healthy_although_it_knows_no_health() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, Some("step-2-redis"));
        stage.up();
        assert_eq!(
            stage.inspect("web", "{{.Config.Image}}"),
            format!("{IMAGE}:step-2-redis")
        );
        let title = r#"{{index .Config.Labels "org.opencontainers.image.title"}}"#;
        assert_eq!(stage.inspect("web", title), "Seen N Times: step-2-redis");
        let said = stage.inspect("web", "{{range .State.Health.Log}}{{.Output}}{{end}}");
        assert!(
            said.contains("serves, but has no /readyz"),
            "the health check said: {said}"
        );
        assert_eq!(
            crate::http::visit(stage.ports[0]),
            1,
            "the health check must not count"
        );
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
/// Method: in a copy of the repository, build, change one line, build again, and read what cargo
/// says it compiles. With its own image name, because the changed program is not to be kept.
#[test]
fn a_change_of_one_line_compiles_only_our_own_crate() {
    with_each_compose(|compose| {
        let copy = tempfile::tempdir().unwrap();
        let step = steps().pop().unwrap();
        copy_sources(root(), copy.path());
        let name = &format!("seen-test-edited-{}", process::id());
        let variables = [("IMAGE", name.as_str())];
        let project =
            Project::new(compose, copy.path(), name, Count::Forgotten, &variables).unwrap();
        build(&project);

        let lib = copy.path().join("steps").join(&step).join("src/lib.rs");
        // Not the same change twice, or it would come from the engine's cache.
        let change = copy.path().file_name().unwrap().to_string_lossy();
        replace(&lib, "Hello World!", &format!("Hello {change}!"));
        let started = Instant::now();
        let output = build(&project);
        println!(
            "{compose}: built again in {:.1} s",
            started.elapsed().as_secs_f32()
        );
        docker(&["rmi", "--no-prune", &format!("{name}:latest")]);

        let compiled: Vec<&str> = output.split("Compiling ").skip(1).collect();
        let compiled: Vec<_> = compiled
            .iter()
            .filter_map(|rest| rest.split_whitespace().next())
            .collect();
        assert_eq!(
            compiled,
            [step],
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

/// Copies what the image is built from, as far as .dockerignore would send it.
fn copy_sources(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (name, to) = (entry.file_name(), to.join(entry.file_name()));
        if ["target", ".git", "runs"]
            .iter()
            .any(|ignored| name == *ignored)
        {
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
    let entries = fs::read_dir(root().join("steps"))
        .unwrap()
        .map(Result::unwrap);
    let rust = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let mut steps: Vec<String> = rust
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    steps.sort();
    steps
}

fn inspect(image: &str, template: &str) -> String {
    docker(&["image", "inspect", "--format", template, image])
        .trim()
        .to_owned()
}

fn history(image: &str) -> String {
    docker(&[
        "history",
        "--no-trunc",
        "--format",
        "{{.Size}}\t{{.CreatedBy}}",
        image,
    ])
}
