//! What runs: the page, and how little the container that serves it may do.

use std::{thread, time::Duration};

use load::{beside, ledger};

use crate::stage::{Stage, docker, inspect, visit, with_each_compose};

#[test]
fn the_page_counts_visits_and_the_health_check_does_not() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        assert_eq!(
            stage.visit(),
            1,
            "the first visit, after at least one health check"
        );
        assert_eq!(stage.visit(), 2, "the second visit");

        // With redis frozen, web still runs, and its health check says that it is not well.
        stage.compose(&["pause", "redis"]);
        let check = &["exec", "-T", "web", "/healthcheck", "127.0.0.1:5000"];
        let found = stage.project.run(check);
        stage.compose(&["unpause", "redis"]);
        let found = found
            .expect_err("the health check must fail while redis is frozen")
            .to_string();
        assert!(found.contains("unhealthy: 127.0.0.1:5000"), "{found}");
        stage.wait_until_healthy();
        assert_eq!(
            stage.visit(),
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
        let redis = stage.container("redis");
        let redis_image = inspect(&redis, "{{.Config.Image}}");
        for service in ["web", "redis"] {
            let container = stage.container(service);
            let expect = |template: &str, expected: &str| {
                let value = inspect(&container, template);
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
            inside(service, &container, &redis_image);
        }
        let published =
            "{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}}:{{.HostPort}} {{end}}{{end}}";
        assert_eq!(
            inspect(&redis, published),
            "",
            "redis can be reached from the host here"
        );
        let setting = |name| docker(&["exec", &redis, "redis-cli", "config", "get", name]);
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
fn inside(service: &str, container: &str, image_with_cat: &str) {
    let pid = format!("container:{container}");
    let cat = ["run", "--rm", "--network=none", "--entrypoint=cat", "--pid"];
    let read = |file: &str| docker(&[&cat[..], &[&pid, image_with_cat, file]].concat());

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

/// How many clients visit each copy of web at a time.
const CLIENTS: usize = 32;

/// How long they visit.
const LOAD_DURATION: Duration = Duration::from_secs(3);

#[test]
fn two_webs_share_one_count_under_load() {
    with_each_compose(|compose| {
        let stage = Stage::with_copies(compose, None, 2);
        stage.build();
        stage.compose(&["up", "--detach", "--scale", "web=2"]);
        stage.wait_until_healthy();
        let numbers: Vec<u64> = (0..4)
            .map(|visits| visit(stage.pages[visits % 2]))
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4], "visits to one and the other in turn");

        let (one, (other, ())) = beside(stage.pages[0], CLIENTS, || {
            beside(stage.pages[1], CLIENTS, || thread::sleep(LOAD_DURATION))
        });
        let answers = [one, other].map(|answers| answers.unwrap_or_else(|error| panic!("{error}")));
        let (numbers, refused) = load::numbers(answers.iter().flatten());
        // 64 clients are not too many; but on a machine that is busy elsewhere a visit may take too long.
        println!("{compose}: {} visits to two webs", numbers.len());
        assert!(refused < numbers.len(), "{refused} visits are refused");
        assert_eq!(ledger::flaw(&numbers, 5, refused), None);
        let next = visit(stage.pages[1]);
        let nexts = ledger::acceptable_counts(5, numbers.len() as u64, refused as u64);
        assert!(nexts.contains(&next), "{next} after all those: {nexts:?}");
    });
}
