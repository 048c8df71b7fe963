//! Each drill that needs no Docker, once, on one deployment of processes.

use std::{env, path::Path, process::Command};

use contract::Verdict;
use drills::{DRILLS, HaProxy, Processes, command_line::counts_once, haproxy::retry_unanswered};
use experiments::Subject;
use private_redis::RedisProgram;
use steps::{Language, Profile};

fn root() -> &'static Path {
    let ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    ancestors.clone().nth(2).unwrap()
}

/// Whether a program is missing that a test needs. With `SEEN_STRICT=1` that is a failure.
fn is_missing(what: &str, is_here: bool) -> bool {
    if !is_here {
        println!("skipped: {what} is not on PATH");
        let is_strict = env::var_os("SEEN_STRICT").is_some_and(|value| value == "1");
        assert!(
            !is_strict,
            "SEEN_STRICT=1 allows nothing to be skipped: {what} is not on PATH"
        );
    }
    !is_here
}

#[test]
fn each_drill_costs_no_more_than_it_may() {
    let has_redis = matches!(RedisProgram::find(), Some(RedisProgram::Server(_)));
    if is_missing("redis-server", has_redis) || is_missing("haproxy", HaProxy::is_here()) {
        return;
    }
    // All of them, as the contract does: cargo compiles the dependencies of one alone anew.
    let mut steps = steps::all(root()).unwrap();
    steps.retain(|step| step.language == Language::Rust);
    let programs = steps::programs(root(), &steps, Profile::Debug);
    let (step, program) = steps
        .iter()
        .zip(programs.unwrap().unwrap())
        .next_back()
        .unwrap();
    let subject = Subject {
        name: step.name.clone(),
        program,
        needs_redis: true,
    };
    let mut deployment = Processes::start(root(), &subject).unwrap();
    for drill in DRILLS {
        let name = drill.name;
        // The proxy has a test of its own.
        if drill.needs_containers() || name == "proxy-retry" {
            continue;
        }
        let outcome = drill.run(&mut deployment).unwrap();
        println!("{name}\n{outcome}");
        assert!(
            outcome.surprises().is_empty(),
            "{name}: {:?}\n{outcome}",
            outcome.surprises()
        );
    }
}

#[test]
fn our_proxy_sends_a_visit_once_and_the_other_setting_twice() {
    if is_missing("haproxy", HaProxy::is_here()) {
        return;
    }
    let ours = counts_once(root(), str::to_owned).unwrap();
    assert_eq!(ours.verdict, Verdict::Has, "{}", ours.evidence);
    let other = counts_once(root(), retry_unanswered).unwrap();
    assert_eq!(other.verdict, Verdict::Lacks, "{}", other.evidence);
    assert!(
        other.evidence.contains("counted 2 times"),
        "{}",
        other.evidence
    );
}

/// The arguments without a running profile: an empty `PATH` has no Docker.
fn drills_without_docker(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut drills = Command::new(env!("CARGO_BIN_EXE_drills"));
    let output = drills.args(arguments).env("PATH", "").output().unwrap();
    let [said, complained] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), said, complained)
}

#[test]
fn what_takes_containers_says_so_at_once() {
    let scale = "docker-compose --profile scale up --detach";
    for (arguments, next) in [
        (&["--processes", "partition"][..], "leave out --processes"),
        (&["--processes", "wait"], "leave out --processes"),
        (&["partition"], &format!("run: {scale}")),
        (&["wait"], &format!("run: REPLICAS=1 {scale}")),
    ] {
        let (code, _, complained) = drills_without_docker(arguments);
        let name = arguments.last().unwrap();
        let expected = format!(
            "error: {name} needs containers: processes of one machine share one network, so that none can be cut \
             off; {next}\n"
        );
        assert_eq!((code, complained), (Some(2), expected));
    }
}

#[test]
fn the_list_says_which_drills_take_containers() {
    let (code, list, _) = drills_without_docker(&["list"]);
    assert_eq!(code, Some(0));
    let lines: Vec<&str> = list.lines().collect();
    let names = lines
        .chunks(2)
        .filter(|drill| drill[1].ends_with("; needs containers"));
    let names: Vec<&str> = names.map(|drill| drill[0]).collect();
    assert_eq!(names, ["partition", "wait"], "{list}");
}
