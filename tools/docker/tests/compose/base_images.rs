//! The images that ours are built on: pulled from a registry, or where there is none, stand-ins.

use std::{fs, path::Path, process::Command};

/// The label that tools/docker/stand-ins.sh puts on what it makes.
const STAND_IN: &str = r#"{{index .Config.Labels "seen-n-times.stand-in"}}"#;

/// Makes sure that the base images are here and says where each comes from.
///
/// # Errors
///
/// When one is not here and can neither be pulled nor stood in for.
pub fn ensure(root: &Path) -> Result<(), String> {
    let images = named(root);
    if let Err(no_registry) = images.iter().try_for_each(|image| pull(image)) {
        println!("no registry: {no_registry}");
        if !images
            .iter()
            .all(|image| docker::inspect(image, "{{.Id}}").is_ok())
        {
            println!("making stand-ins with tools/docker/stand-ins.sh: this takes two minutes");
            let mut script = Command::new("sh");
            script
                .arg(root.join("tools/docker/stand-ins.sh"))
                .args(&images);
            docker::run(script).map_err(|error| format!("no base images: {error}"))?;
        }
    }
    for image in &images {
        match docker::inspect(image, STAND_IN).as_deref() {
            Ok("true") => println!("{image}: a stand-in, made from the packages of this machine"),
            _ => println!("{image}: the real one"),
        }
    }
    Ok(())
}

/// The Rust image that the Dockerfile names, and the Redis image that docker-compose.yml names.
fn named(root: &Path) -> [String; 2] {
    let value = |file: &str, line: &str, key: &str| {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let found = text
            .lines()
            .map(str::trim)
            .find(|found| found.starts_with(line));
        let found = found.unwrap_or_else(|| panic!("{file} has no line that starts with {line:?}"));
        found.trim_start_matches(key).to_owned()
    };
    [
        value("Dockerfile", "ARG RUST_IMAGE=", "ARG RUST_IMAGE="),
        value("docker-compose.yml", "image: redis:", "image: "),
    ]
}

/// Pulls an image that is not here, or that is here only as a stand-in.
fn pull(image: &str) -> Result<(), String> {
    if docker::inspect(image, STAND_IN).is_ok_and(|label| label != "true") {
        return Ok(());
    }
    let mut docker = Command::new("docker");
    docker.args(["pull", "--quiet", image]);
    docker::run(docker)
        .map(|_| ())
        .map_err(|error| error.to_string())
}
