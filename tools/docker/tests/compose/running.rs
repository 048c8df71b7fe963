//! What runs: the page, and how little the container that serves it may do.

use std::process::Command;

use crate::{
    http::visit,
    stage::{Stage, docker, skip, with_each_compose},
};

#[test]
fn the_page_counts_visits_and_the_health_check_does_not() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        assert_eq!(
            visit(stage.ports[0]),
            1,
            "the first visit, after at least one health check"
        );
        assert_eq!(visit(stage.ports[0]), 2, "the second visit");

        // With redis frozen, web still runs, and its health check says that it is not well.
        stage.compose(&["pause", "redis"]);
        let check = &["exec", "-T", "web", "/web", "healthcheck", "127.0.0.1:5000"];
        let found = stage.project.run(check);
        stage.compose(&["unpause", "redis"]);
        let found = found
            .expect_err("the health check must fail while redis is frozen")
            .to_string();
        assert!(found.contains("unhealthy: 127.0.0.1:5000"), "{found}");
        stage.wait_until_healthy();
        assert_eq!(
            visit(stage.ports[0]),
            3,
            "the third visit, after more health checks"
        );
    });
}

#[test]
fn the_containers_may_do_nothing_but_their_work() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        for service in ["web", "redis"] {
            let expect = |template: &str, expected: &str| {
                let value = stage.inspect(service, template);
                assert_eq!(
                    value, expected,
                    "{service}: docker inspect --format '{template}'"
                );
            };
            expect("{{.HostConfig.ReadonlyRootfs}}", "true");
            expect("{{.HostConfig.CapDrop}}", "[ALL]");
            expect("{{.HostConfig.SecurityOpt}}", "[no-new-privileges:true]");
            expect("{{.HostConfig.RestartPolicy.Name}}", "unless-stopped");
            expect("{{.HostConfig.Memory}}", "268435456");
            expect(
                "{{.HostConfig.LogConfig}}",
                "{json-file map[max-file:3 max-size:10m]}",
            );
            inside(&stage, service);
        }
        let published =
            "{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}}:{{.HostPort}} {{end}}{{end}}";
        assert_eq!(
            stage.inspect("redis", published),
            "",
            "redis can be reached from the host here"
        );
        let redis_cli = ["exec", "-T", "redis", "redis-cli"];
        let setting = |name| stage.compose(&[&redis_cli[..], &["config", "get", name]].concat());
        let policy = setting("maxmemory-policy");
        assert!(
            policy.contains("noeviction"),
            "a counter must not be evicted: {policy}"
        );
        let (file, sync) = (setting("appendonly"), setting("appendfsync"));
        assert!(
            file.contains("yes") && sync.contains("always"),
            "what was replied must be on the disk: {file} {sync}"
        );
    });
}

/// What the kernel says of the first process in the container. Somebody else has to look, because
/// the image of web has nothing to look with: a container that shares its list of processes.
fn inside(stage: &Stage, service: &str) {
    let pid = format!("container:{}", stage.container(service));
    let cat = ["run", "--rm", "--network=none", "--entrypoint=cat", "--pid"];
    let redis = stage.inspect("redis", "{{.Config.Image}}");
    let read = |file: &str| docker(&[&cat[..], &[&pid, &redis, file]].concat());

    let status = read("/proc/1/status");
    let field = |name: &str| {
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value
            .unwrap_or_else(|| panic!("no {name} in:\n{status}"))
            .trim()
    };
    for capabilities in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(
            field(capabilities),
            "0000000000000000",
            "{service}: {capabilities}"
        );
    }
    assert_eq!(field("NoNewPrivs"), "1", "{service}");
    let user = field("Uid").split_whitespace().next();
    match service {
        "web" => assert_eq!(user, Some("65532"), "{service}"),
        _ => assert_ne!(user, Some("0"), "{service} runs as root"),
    }

    // mountinfo(5): the fifth word is the mount point, the sixth its options.
    let mounts = read("/proc/1/mountinfo");
    let root = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .find(|mount| mount[4] == "/");
    let root = root.unwrap_or_else(|| panic!("no root in:\n{mounts}"));
    assert!(
        root[5].split(',').any(|option| option == "ro"),
        "{service}: / can be written to: {root:?}"
    );
}

#[test]
fn two_webs_share_one_count_under_load() {
    with_each_compose(|compose| {
        let stage = Stage::with_ports(compose, None, 2);
        stage.compose(&["up", "--detach", "--build", "--scale", "web=2"]);
        stage.wait_until_healthy();
        let numbers: Vec<u64> = (0..4)
            .map(|visits| visit(stage.ports[visits % 2]))
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4], "visits to one and the other in turn");

        let Ok(wrk) = Command::new("wrk")
            .args(WRK)
            .arg(format!("http://127.0.0.1:{}/", stage.ports[0]))
            .output()
        else {
            return skip("wrk is missing, so nothing was measured under load");
        };
        let report = String::from_utf8_lossy(&wrk.stdout).into_owned();
        let answers = report
            .lines()
            .find_map(|line| line.split_once(" requests in")?.0.trim().parse().ok());
        let answers: u64 =
            answers.unwrap_or_else(|| panic!("wrk does not say how many answers came:\n{report}"));
        let wrong = ["Socket errors", "Non-2xx"]
            .iter()
            .any(|wrong| report.contains(wrong));
        assert!(!wrong, "wrk saw failures:\n{report}");

        let counted = visit(stage.ports[1]) - 5;
        println!("{compose}: wrk had {answers} answers, {counted} visits were counted");
        let in_flight = counted.checked_sub(answers);
        assert!(
            in_flight.is_some_and(|visits| visits <= CONNECTIONS),
            "wrk had {answers} answers, but {counted} visits were counted"
        );
    });
}

/// How many visits may have been counted and not answered when wrk hung up: one a connection.
const CONNECTIONS: u64 = 64;

const WRK: [&str; 3] = ["--threads=2", "--connections=64", "--duration=3s"];
