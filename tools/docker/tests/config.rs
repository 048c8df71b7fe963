//! What Compose makes of docker-compose.yml, with the profile `scale` and without. Needs no engine.

use std::{path::Path, process::Command};

use docker::VARIABLES;

/// What a Compose prints, with the path of the repository left out. `None` where it is not installed.
fn printed(program: &[&str], arguments: &[&str]) -> Option<String> {
    let ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = ancestors.clone().nth(2).unwrap();
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg("--file");
    command.arg(root.join("docker-compose.yml")).args(arguments);
    VARIABLES
        .iter()
        .for_each(|name| _ = command.env_remove(name));
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.replace(&root.display().to_string(), "[ROOT]"))
}

/// Its version, such as 1.29.2.
fn version(program: &[&str]) -> Option<String> {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args(["version", "--short"]);
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.trim().trim_start_matches('v').to_owned())
}

/// The services that a Compose starts, in order.
fn services(program: &[&str], profile: &[&str]) -> Vec<String> {
    let services = printed(program, &[profile, &["config", "--services"]].concat());
    let mut services: Vec<String> = services.unwrap().lines().map(str::to_owned).collect();
    services.sort();
    services
}

#[test]
fn the_first_generation_reads_all_of_it() {
    let program = ["docker-compose"];
    if !version(&program).is_some_and(|version| version.starts_with("1.")) {
        println!("no docker-compose of the first generation: not compared");
        return;
    }
    let plain = printed(&program, &["config"]).unwrap();
    // It prints the services of all profiles, and starts those of one.
    assert_eq!(
        printed(&program, &["--profile", "scale", "config"]).unwrap(),
        plain
    );
    insta::assert_snapshot!("config", plain);
}

#[test]
fn the_second_generation_starts_one_profile() {
    let program = ["docker", "compose"];
    if version(&program).is_none() {
        println!("no docker compose: not compared");
        return;
    }
    assert_eq!(services(&program, &[]), ["redis", "web"]);
    let scale = services(&program, &["--profile", "scale"]);
    assert_eq!(
        scale.join(" "),
        "cluster proxy redis-1 redis-2 redis-3 redis-4 redis-5 redis-6 web-1 web-2 web-3"
    );
}
