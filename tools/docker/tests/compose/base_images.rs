//! The images that ours are built on: pulled from a registry, or where there is none, stand-ins.

use std::{fs, path::Path, process::Command};

/// The label that tools/docker/stand-ins.sh puts on what it makes. Its value is the script's version.
const LABEL: &str = "seen-n-times.stand-in";

/// Where a base image comes from.
#[derive(PartialEq, Eq)]
enum Origin {
    /// From a registry.
    Registry,
    /// From tools/docker/stand-ins.sh, as it is now.
    StandIn,
    /// From nowhere: there is none, or a stand-in of another version of the script.
    Nowhere,
}

/// Makes sure that the base images are here and says where each comes from.
///
/// # Errors
///
/// When one is not here and can neither be pulled nor stood in for.
pub fn ensure(root: &Path) -> Result<(), String> {
    let images = named(root);
    let script = root.join("tools/docker/stand-ins.sh");
    let version = value(&script, &format!("label=\"LABEL {LABEL}="));
    let version = version.trim_end_matches('"');
    if let Err(no_registry) = images.iter().try_for_each(|image| pull(image, version)) {
        println!("no registry: {no_registry}");
        if images
            .iter()
            .any(|image| origin(image, version) == Origin::Nowhere)
        {
            println!("making stand-ins with tools/docker/stand-ins.sh: this takes two minutes");
            let mut shell = Command::new("sh");
            shell.arg(&script).args(&images);
            docker::run(shell).map_err(|error| format!("no base images: {error}"))?;
        }
    }
    for image in &images {
        match origin(image, version) {
            Origin::Registry => println!("{image}: the real one"),
            _ => println!("{image}: a stand-in, made from the packages of this machine"),
        }
    }
    Ok(())
}

/// Finds out where an image comes from; `version` is that of the script as it is now.
fn origin(image: &str, version: &str) -> Origin {
    let label = format!(r#"{{{{index .Config.Labels "{LABEL}"}}}}"#);
    match docker::inspect(image, &label).as_deref() {
        Ok("") => Origin::Registry,
        Ok(label) if label == version => Origin::StandIn,
        _ => Origin::Nowhere,
    }
}

/// The Rust image that the Dockerfile names, and the Redis and HAProxy images that docker-compose.yml
/// names.
fn named(root: &Path) -> [String; 3] {
    let compose = root.join("docker-compose.yml");
    let of = |name: &str| format!("{name}:{}", value(&compose, &format!("image: {name}:")));
    [
        value(&root.join("Dockerfile"), "ARG RUST_IMAGE="),
        of("redis"),
        of("haproxy"),
    ]
}

/// What follows `key` in the line of a file that begins with it.
fn value(file: &Path, key: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key));
    let value = value.unwrap_or_else(|| panic!("{}: no line begins with {key:?}", file.display()));
    value.to_owned()
}

/// Pulls an image that is not here, or that is here only as a stand-in.
fn pull(image: &str, version: &str) -> Result<(), String> {
    if origin(image, version) == Origin::Registry {
        return Ok(());
    }
    let mut docker = Command::new("docker");
    docker.args(["pull", "--quiet", image]);
    docker::run(docker)
        .map(|_| ())
        .map_err(|error| error.to_string())
}
