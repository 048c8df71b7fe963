//! Each drill that needs no Docker, once, on one deployment of processes.

use std::{env, net::SocketAddr, path::Path, process::Command};

use contract::{Verdict, proxy};
use drills::{DRILLS, HaProxy, Processes, command_line::counts_once, haproxy::retry_unanswered};
use experiments::Subject;
use private_redis::RedisProgram;
use processes::free_port;
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
fn our_proxy_asks_another_server_when_one_is_not_there() {
    if is_missing("haproxy", HaProxy::is_here()) {
        return;
    }
    let webs = [(); 3].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port().unwrap())));
    // As in the moment before a check has found out that one is gone: here there are no checks.
    let unchecked = |text: &str| {
        let edited = text.replace(" check inter 200ms fall 2 rise 1", "");
        assert_ne!(edited, text, "scale/haproxy.cfg has changed");
        edited
    };
    let haproxy = HaProxy::start(root(), webs, unchecked).unwrap();
    // Nobody listens at the third address.
    let found = proxy::check(haproxy.page(), &webs[..2]);
    assert_eq!(found.verdict, Verdict::Has, "{}", found.evidence);
}

#[test]
fn what_takes_containers_says_so_at_once() {
    for name in ["partition", "wait"] {
        let (code, _, complained) = drills_without_docker(&["--processes", name]);
        let expected = format!(
            "error: {name} needs containers: processes of one machine share one network, so that none can be cut \
             off; leave out --processes\n"
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

#[test]
fn what_takes_containers_says_so_where_there_is_no_docker() {
    let (code, _, said) = drills_without_docker(&["partition"]);
    assert_eq!(code, Some(2), "{said}");
    let expected = "there is no Docker Engine here: cannot start `docker`: ";
    assert!(
        said.contains(expected) && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn a_project_that_does_not_run_is_not_replaced_by_processes() {
    let mut drills = Command::new(env!("CARGO_BIN_EXE_drills"));
    let output = drills.args(["--project", "seen-nowhere", "rolling"]);
    let output = output.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("the profile does not run as project \"seen-nowhere\""),
        "{said}"
    );
}
