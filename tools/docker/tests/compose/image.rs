//! What the Dockerfile makes: how big it is, and what is in it.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::stage::{Stage, docker, inspect, with_each_compose};

/// The image of the last step, uncompressed, in bytes. The tutorial this is a retelling of had
/// "a bit less than 200 MB".
const SIZE_MAX: u64 = 3_500_000;

/// What is in the image: the step, and the program that asks it whether it is ready.
const PROGRAMS: [&str; 2] = ["healthcheck", "web"];

#[test]
fn the_image_is_two_small_programs_without_rights() {
    with_each_compose(|compose| {
        // The last step, as you get it when you name none.
        let stage = Stage::new(compose, None);
        let image = &stage.build().image;
        let size: u64 = inspect(image, "{{.Size}}").parse().unwrap();
        println!("{compose}: the image has {size} bytes");
        assert!(
            size <= SIZE_MAX,
            "the image has {size} bytes, more than {SIZE_MAX}:\n{}",
            history(image)
        );
        assert_eq!(files(image), PROGRAMS, "all that is in the image");

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

/// The files in an image: what is in the archives of its layers.
fn files(image: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    docker(&["save", "--output", archive.to_str().unwrap(), image]);
    tar(folder.path(), &["--extract", "--file", "image.tar"]);
    let manifest = fs::read(folder.path().join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let layers = manifest[0]["Layers"].as_array().unwrap().iter();
    let list = |layer: &Value| {
        let layer = layer.as_str().unwrap();
        tar(folder.path(), &["--list", "--file", layer])
    };
    let mut files: Vec<String> = layers
        .flat_map(|layer| list(layer).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    files.sort();
    files
}

fn tar(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("tar");
    command.current_dir(folder).args(arguments);
    docker::run(command).unwrap_or_else(|error| panic!("{error}"))
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
