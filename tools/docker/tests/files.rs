//! What the files for Docker say in one place and mean in another must agree. Needs no engine.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn read(file: &str) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between `before` and `after` in the first line that has both.
fn between(file: &str, before: &str, after: &str) -> String {
    let text = read(file);
    let found = text
        .lines()
        .find_map(|line| line.split_once(before)?.1.split_once(after));
    let found = found.unwrap_or_else(|| panic!("{file} has no line with {before}...{after}"));
    found.0.to_owned()
}

#[test]
fn the_rust_image_is_the_version_that_the_workspace_asks_for() {
    let image = between("Dockerfile", "ARG RUST_IMAGE=rust:", "-");
    let workspace = between("Cargo.toml", "rust-version = \"", "\"");
    assert_eq!(
        image, workspace,
        "Dockerfile (left) and Cargo.toml (right) differ: change the Dockerfile"
    );
}

#[test]
fn the_step_you_get_when_you_name_none_is_the_last_one() {
    let last = steps::one(&root(), None).unwrap().name;
    let default = between("docker-compose.yml", "STEP: ${STEP:-", "}");
    assert_eq!(
        default, last,
        "docker-compose.yml (left) does not name the last step (right): change it there"
    );
}

#[test]
fn the_compose_file_of_the_python_step_leads_to_its_port_and_has_our_redis() {
    const COMPOSE: &str = "steps/step-0-flask/docker-compose.yml";
    let port = between(COMPOSE, "\"8000:", "\"");
    let address = format!("ENV ADDR=0.0.0.0:{port}\n");
    assert!(
        read("steps/step-0-flask/Dockerfile").contains(&address),
        "{COMPOSE} leads to port {port}: write {address} into the Dockerfile beside it"
    );
    let redis = |file| {
        let images = read(file);
        let mut images = images
            .lines()
            .filter_map(|line| line.split_once("image: redis:"));
        images.next().map(|(_, tag)| tag.to_owned())
    };
    assert_eq!(
        redis(COMPOSE),
        redis("docker-compose.yml"),
        "the two compose files name two versions of Redis"
    );
}

#[test]
fn what_the_image_is_not_built_from_is_not_sent_to_the_engine() {
    let ignored = read(".dockerignore");
    for folder in ["target", "book", ".git"] {
        assert!(
            ignored.lines().any(|line| line == folder),
            ".dockerignore does not name {folder}"
        );
    }
}

/// The names that an object may have at the top of a devcontainer.json with an image, by the
/// development container specification (<https://containers.dev/implementors/json_reference/>).
const DEVCONTAINER: [&str; 8] = [
    "name",
    "image",
    "features",
    "onCreateCommand",
    "updateContentCommand",
    "forwardPorts",
    "portsAttributes",
    "customizations",
];

#[test]
fn the_development_container_is_described_in_known_words() {
    // JSON with comments; here each has a line of its own.
    let text = read(".devcontainer/devcontainer.json");
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let text: String = lines.collect::<Vec<_>>().join("\n");
    let description: Value = serde_json::from_str(&text).unwrap();
    let names: BTreeSet<&str> = description
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, DEVCONTAINER.into_iter().collect());
    for command in ["onCreateCommand", "updateContentCommand"] {
        let command = &description[command];
        assert!(command.is_string() || command.is_object(), "{command}");
    }
    assert_eq!(
        description["forwardPorts"][0], 8000,
        "the port of docker-compose.yml"
    );
    assert_eq!(between("docker-compose.yml", "${APP_PORT:-", "}"), "8000");
}
