//! What the terminal shows: help texts, and one clear line for everything that can be got wrong.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
};

use private_redis::TestRedis;
use steps::{Language, Profile};

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(arguments)
        .env_remove("REDIS_URL")
        .env_remove("CLICOLOR_FORCE")
        .env("NO_COLOR", "1")
        // What cargo says while it compiles differs from one time to the next.
        .env("CARGO_TERM_QUIET", "true");
    command
}

/// Runs to the end and writes down what one would see: the exit status, the output, the errors.
fn seen(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    format!(
        "exit status {}\n{stdout}{stderr}",
        status.code().expect("ended by a signal")
    )
}

#[test]
fn every_command_explains_itself() {
    insta::assert_snapshot!("help", seen(&mut xtask(&["--help"])));
    for command in [
        "run", "build", "check", "break", "lab", "drill", "start", "hint", "progress", "bench",
        "profile", "plan", "diff", "book", "test", "doctor",
    ] {
        insta::assert_snapshot!(
            format!("help_{command}"),
            seen(&mut xtask(&[command, "--help"]))
        );
    }
}

#[test]
fn without_a_command_the_help_goes_to_standard_error() {
    let output = xtask(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert_eq!(output.stderr, xtask(&["help"]).output().unwrap().stdout);
}

/// What one sees with a cargo that compiles nothing, and says what it was asked for.
fn asked_of_cargo(arguments: &[&str]) -> String {
    let mut command = xtask(arguments);
    let fake = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fake/cargo");
    command.env_remove("CARGO_TERM_QUIET").env("CARGO", fake);
    // With it, no cargo would be started.
    command.env_remove(steps::COMPILED);
    seen(&mut command)
}

/// A command that compiles for a minute and says nothing looks like one that hangs.
#[test]
fn what_cargo_does_is_shown() {
    for arguments in [&["diff", "2", "2"][..], &["run", "1", "--port", "0"]] {
        let text = asked_of_cargo(arguments);
        assert!(text.starts_with("exit status 1\ncargo build "), "{text}");
    }
}

/// One after the other, cargo would compile what both are built from twice.
#[test]
fn the_lab_and_its_steps_are_compiled_at_once() {
    for (arguments, numbers) in [
        (&["lab"][..], &["2", "4", "6"][..]),
        (&["lab", "3", "--port", "0"], &["3"]),
    ] {
        let name = |number: &&str| steps::one(root(), Some(number)).unwrap().name;
        let names: Vec<String> = numbers.iter().map(name).collect();
        let names = ["lab".to_owned()].into_iter().chain(names);
        let expected: String = names
            .map(|name| format!(" --package {name} --bin {name}"))
            .collect();
        let text = asked_of_cargo(arguments);
        assert!(text.ends_with(&format!("{expected}\n")), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}

#[test]
fn wrong_use_is_one_line_and_status_2() {
    insta::assert_snapshot!("unknown_command", seen(&mut xtask(&["rnu"])));
    insta::assert_snapshot!("unknown_option", seen(&mut xtask(&["run", "--prot", "1"])));
    insta::assert_snapshot!("unknown_step", seen(&mut xtask(&["run", "step-2-reddis"])));
    insta::assert_snapshot!(
        "unknown_redis",
        seen(&mut xtask(&["run", "--redis", "somewhere"]))
    );
    insta::assert_snapshot!(
        "port_out_of_range",
        seen(&mut xtask(&["run", "--port", "70000"]))
    );
    insta::assert_snapshot!(
        "unknown_capability",
        seen(&mut xtask(&["check", "1", "--only", "heels"]))
    );
    for (name, arguments) in [
        ("tool_unknown_option", &["check", "--jsn", "x"][..]),
        ("tool_missing_argument", &["diff", "1"]),
        ("tool_wrong_value", &["check", "--redis", "somewhere"]),
    ] {
        insta::assert_snapshot!(name, seen(&mut xtask(arguments)));
    }
    insta::assert_snapshot!(
        "malformed_url",
        seen(&mut xtask(&["check", "--url", "localhost"]))
    );
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let text = seen(&mut xtask(&["run", "1", "--port", &port]));
    insta::assert_snapshot!(text.replace(&port, "PORT"));
}

#[test]
fn a_port_for_administrators_is_named() {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = xtask(&["run", "1", "--port", "80"]);
    if is_root {
        // Somebody without rights, who may still run programs.
        let program = command.get_program().to_owned();
        command = Command::new("setpriv");
        command
            .args(["--reuid", "65534", "--clear-groups"])
            .arg(program)
            .env("NO_COLOR", "1");
        command.args(["run", "1", "--port", "80"]);
    }
    let start =
        fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    if start.trim().parse::<u16>().is_ok_and(|start| start <= 80) {
        eprintln!("skipped: on this machine port 80 is for everybody");
        return;
    }
    insta::assert_snapshot!(seen(&mut command));
}

#[test]
fn a_build_that_fails_shows_what_cargo_says_and_nothing_else() {
    for command in [
        &["build", "1"][..],
        &["run", "1", "--port", "0"],
        &["check", "1"],
    ] {
        let mut command = xtask(command);
        command.env("RUSTFLAGS", "-C no-such-option");
        // With it, nothing would be built.
        command.env_remove(steps::COMPILED);
        let text = seen(&mut command);
        assert!(text.starts_with("exit status 1\n"), "{text}");
        assert!(text.contains("no-such-option"), "{text}");
        let errors = text
            .lines()
            .filter(|line| line.starts_with("error: "))
            .count();
        assert_eq!(errors, 1, "{text}");
        assert!(!text.contains("page"), "{text}");
    }
}

#[test]
fn a_redis_url_that_leads_nowhere_is_named() {
    let port = processes::free_port().unwrap().to_string();
    let url = format!("redis://127.0.0.1:{port}");
    let text = seen(&mut xtask(&["run", "2", "--port", "0", "--redis", &url]));
    insta::assert_snapshot!(text.replace(&port, "PORT"));
    let nodes = format!("{url},redis://:secret@127.0.0.1:{port}");
    let text = seen(&mut xtask(&["run", "--port", "0", "--redis", &nodes]));
    insta::assert_snapshot!("nodes_that_do_not_answer", text.replace(&port, "PORT"));
    let text = seen(xtask(&["run", "2", "--port", "0"]).env("REDIS_URL", "redis://h:p"));
    insta::assert_snapshot!("malformed_redis_url", text);
}

/// With Docker and without: there it has an engine that does not answer.
#[test]
fn containers_without_an_engine_are_named_with_what_goes_without() {
    for (arguments, instead) in [
        (
            &["run", "1", "--port", "0", "--docker"][..],
            "cargo xtask run step-1-memory",
        ),
        (&["build", "1", "--docker"], "cargo xtask build"),
    ] {
        let mut command = xtask(arguments);
        let text = seen(command.env("DOCKER_HOST", "unix:///nowhere/docker.sock"));
        assert!(
            text.starts_with("exit status 2\n")
                && text.contains("error: no Docker Engine answers (")
                && text.ends_with(&format!("; to go on without one: {instead}\n")),
            "{text}"
        );
    }
}

#[test]
fn a_server_that_is_not_redis_is_found_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let text = seen(&mut xtask(&[
        "run",
        "2",
        "--port",
        "0",
        "--redis",
        &format!("redis://127.0.0.1:{port}"),
    ]));
    insta::assert_snapshot!(text.replace(&port, "PORT"));
}

#[test]
fn a_redis_that_wants_a_password_says_so() {
    let redis = TestRedis::start().unwrap();
    let set = redis
        .client()
        .unwrap()
        .command(&["CONFIG", "SET", "requirepass", "secret"]);
    if set.is_err() {
        eprintln!("skipped: the embedded Redis knows no passwords; install redis-server");
        return;
    }
    let port = redis.url().rsplit(':').next().unwrap().to_owned();
    let text = seen(&mut xtask(&[
        "run",
        "2",
        "--port",
        "0",
        "--redis",
        redis.url(),
    ]));
    insta::assert_snapshot!(text.replace(&port, "PORT"));
    let wrong = redis.url().replace("redis://", "redis://:wrong@");
    let text = seen(&mut xtask(&["run", "2", "--port", "0", "--redis", &wrong]));
    insta::assert_snapshot!("wrong_password", text.replace(&port, "PORT"));
}

#[test]
fn a_diff_leaves_the_names_of_the_steps_out() {
    insta::assert_snapshot!(
        "diff_2_3_stat",
        seen(&mut xtask(&["diff", "2", "3", "--stat"]))
    );
    let text = seen(&mut xtask(&["diff", "2", "3"]));
    for line in text.lines().filter(|line| {
        line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
    }) {
        assert!(
            !line.contains("step-2-redis") && !line.contains("step_3_rocket"),
            "{line}"
        );
    }
    insta::assert_snapshot!(
        "diff_same",
        seen(&mut xtask(&["diff", "2", "step-2-redis"]))
    );
}

#[test]
fn colours_are_for_terminals_and_for_those_who_insist() {
    let plain = xtask(&["diff", "1", "2"])
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    assert!(!plain.stdout.contains(&0x1b), "a pipe got colours");
    let forced = xtask(&["diff", "1", "2"])
        .env_remove("NO_COLOR")
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    assert!(forced.stdout.contains(&0x1b), "CLICOLOR_FORCE is ignored");
}

#[test]
fn the_doctor_names_every_tool_and_never_fails() {
    let text = seen(&mut xtask(&["doctor"]));
    assert!(text.starts_with("exit status 0\n"), "{text}");
    let tools = [
        "Rust",
        "Redis",
        "wrk",
        "ab",
        "siege",
        "redis-cli",
        "Docker Engine",
        "Docker Compose",
        "HAProxy",
        "Python",
        "Python's venv",
        "Chromium",
        "WebAssembly",
        "cargo-deny",
        "strace",
        "debootstrap",
    ];
    for tool in tools {
        assert!(
            text.lines().any(|line| line.contains(tool)),
            "{tool} is not in:\n{text}"
        );
    }
    let nothing = seen(xtask(&["doctor"]).env("PATH", ""));
    assert_eq!(nothing.matches("missing").count(), tools.len(), "{nothing}");
}

#[test]
fn each_step_refuses_a_bad_environment_in_one_line() {
    for step in step_programs() {
        for (name, value) in [
            ("ADDR", "banana"),
            ("RUST_LOG", "a=b=c"),
            ("REDIS_URL", "http://:secret@x"),
            ("REDIS_URL", "redis://:secret@x:port"),
            ("REDIS_URL", "rediss://:secret@x"),
            ("REDIS_URL", "secret"),
        ] {
            let is_first = step.ends_with("step-1-memory");
            let is_secret = name == "REDIS_URL";
            if is_first && is_secret {
                continue;
            }
            let output = Command::new(&step)
                .env("ADDR", "127.0.0.1:0")
                .env(name, value)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{}: {text}", step.display());
            assert_eq!(text.lines().count(), 1, "{}: {text}", step.display());
            assert!(text.contains(name) && text.contains("must be"), "{text}");
            assert_eq!(text.contains(value), !is_secret, "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
}

/// A limit that is out of all proportion is a slip. It must not get as far as a panic.
#[test]
fn each_step_refuses_a_limit_out_of_range_in_one_line() {
    let settings = [
        ("MAX_IN_FLIGHT", "18446744073709551615"),
        ("MAX_CONNECTIONS", "2305843009213693952"),
        ("POOL_SIZE", "0"),
        ("MAX_HEAD_BYTES", "100"),
        ("DRAIN_TIMEOUT_MS", "18446744073709551615"),
    ];
    let steps = step_programs();
    let is_limited = |step: &&PathBuf| {
        let settings = root().join("steps").join(step.file_name().unwrap());
        let settings = fs::read_to_string(settings.join("src/settings.rs"));
        settings.is_ok_and(|text| text.contains("MAX_IN_FLIGHT"))
    };
    assert_ne!(steps.iter().filter(is_limited).count(), 0);
    for step in steps.iter().filter(is_limited) {
        for (name, value) in settings {
            let mut command = Command::new(step);
            let output = command.env("ADDR", "127.0.0.1:0").env(name, value).output();
            let output = output.unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{}: {text}", step.display());
            assert_eq!(text.lines().count(), 1, "{}: {text}", step.display());
            assert!(text.contains(name) && text.contains(value), "{text}");
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The programs of all steps.
fn step_programs() -> Vec<PathBuf> {
    let mut steps = steps::all(root()).unwrap();
    steps.retain(|step| step.language == Language::Rust);
    let programs = steps::programs(root(), &steps, Profile::Debug).unwrap();
    let programs = programs.expect("cargo has said why").into_iter();
    programs.map(|program| program.path).collect()
}
