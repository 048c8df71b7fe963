//! The profile `scale`: a proxy, three webs, and a Redis Cluster of six nodes.

use std::{sync::Once, thread, time::Duration};

use drills::{Containers, NODES};
use load::{Connection, beside, ledger};
use processes::poll;

use crate::stage::{
    SCALED, Stage, alone_with_each_compose, answer, docker, inspect, request, root,
};

/// Drills are not about Compose: with the first one is enough.
static DRILLED: Once = Once::new();
static WAITED: Once = Once::new();

/// How many clients visit at a time.
const CLIENTS: usize = 32;

/// How long they visit.
const LOAD_DURATION: Duration = Duration::from_secs(1);

/// How long it may take until there is a number again, and how often it is asked for.
const HEAL_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Where the proxy shows its statistics, among the pages of a [`Stage`].
const STATISTICS: usize = 1;

/// One project for all of it: ten containers take a while to get healthy.
#[test]
fn a_cluster_behind_a_proxy_counts_and_comes_back() {
    alone_with_each_compose(|compose| {
        let stage = Stage::scaled(compose);
        stage.up();
        let started = running(&stage);
        assert_eq!(started, SCALED, "the services that run");
        assert_eq!([stage.visit(), stage.visit()], [1, 2]);
        may_do_nothing_but_its_work(&stage);
        every_volume_has_a_name(&stage);
        the_statistics_are_there(&stage);

        let (answers, ()) = beside(stage.pages[0], CLIENTS, || thread::sleep(LOAD_DURATION));
        let answers = answers.unwrap_or_else(|error| panic!("{error}"));
        let (numbers, refused) = load::numbers(&answers);
        println!("{compose}: {} visits through the proxy", numbers.len());
        // 32 clients are not too many; but on a machine that is busy elsewhere a visit may take too long.
        assert!(refused < numbers.len(), "{refused} visits are refused");
        assert_eq!(ledger::flaw(&numbers, 3, refused), None);

        let mut seen = cluster_says(&stage);
        let counts = ledger::acceptable_counts(2, numbers.len() as u64, refused as u64);
        assert!(
            counts.contains(&seen),
            "redis-cli -c get seen: {seen}, not {counts:?}"
        );
        let mut goes_on_after = |what: &str| {
            stage.wait_until_healthy();
            seen = next_number(&stage, seen, what);
        };

        kill(&stage, &SCALED[..NODES]);
        let nodes: Vec<String> = SCALED[..NODES]
            .iter()
            .map(|node| stage.container(node))
            .collect();
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        docker(&[&["start"], &nodes[..]].concat());
        goes_on_after("all nodes were killed at once");

        kill(&stage, &SCALED);
        stage.compose(&["up", "--detach"]);
        goes_on_after("all containers were killed at once, up");

        DRILLED.call_once(|| drill(&stage, &["rolling", "partition"]));
        seen = cluster_says(&stage);
        stage.compose(&["down"]);
        // What the last drill needs, so that nothing has to be made anew for it.
        let mut up = stage.project.command(&["up", "--detach"]);
        up.env("REPLICAS", "1");
        ::docker::run(up).unwrap();
        stage.wait_until_healthy();
        next_number(&stage, seen, "down, up");
        let said = stage.compose(&["logs", "cluster"]);
        assert!(
            said.contains("a cluster of 6 nodes") && !said.contains("Performing hash slots"),
            "it was a cluster already:\n{said}"
        );
        WAITED.call_once(|| drill(&stage, &["wait"]));
    });
}

/// Kills the containers of these services, all at once.
fn kill(stage: &Stage, services: &[&str]) {
    let containers: Vec<String> = services.iter().map(|name| stage.container(name)).collect();
    let containers: Vec<&str> = containers.iter().map(String::as_str).collect();
    docker(&[&["kill", "--signal=KILL"], &containers[..]].concat());
}

/// Visits until there is a number, which must be the one after `seen`; but a visit that was refused may
/// have been counted.
fn next_number(stage: &Stage, seen: u64, after: &str) -> u64 {
    let mut refused = 0;
    let number = poll(HEAL_TIMEOUT, POLL_INTERVAL, || {
        let page = request(stage.pages[0]).and_then(|mut visit| answer(&mut visit));
        let number = page.ok().and_then(|page| page.seen());
        refused += u64::from(number.is_none());
        number
    });
    let number = number.unwrap_or_else(|| panic!("no number after: {after}"));
    let acceptable = seen + 1..=seen + 1 + refused;
    assert!(
        acceptable.contains(&number),
        "{number} after: {after}; {acceptable:?} is right"
    );
    assert_eq!(
        cluster_says(stage),
        number,
        "redis-cli -c get seen, after: {after}"
    );
    number
}

/// Carries out drills that take containers: their network, or names that lead to another address. The others are
/// carried out on processes.
fn drill(stage: &Stage, names: &[&str]) {
    let containers = Containers::find(root(), Some(stage.project.name())).unwrap();
    let mut containers = containers.expect("the profile runs");
    for name in names {
        let outcome = drills::find(name).unwrap().run(&mut containers).unwrap();
        println!("{name}\n{outcome}");
        let surprises = outcome.surprises();
        assert!(surprises.is_empty(), "{name}: {surprises:?}\n{outcome}");
    }
}

/// The services of which a container runs, in the order of [`SCALED`]; others come last.
fn running(stage: &Stage) -> Vec<String> {
    let services = stage.compose(&["ps", "--services", "--filter", "status=running"]);
    let mut services: Vec<String> = services.lines().map(str::to_owned).collect();
    let place = |name: &String| SCALED.iter().position(|known| known == name);
    services.sort_by_key(|name| place(name).unwrap_or(SCALED.len()));
    services
}

/// What the cluster says that the count is.
fn cluster_says(stage: &Stage) -> u64 {
    let node = stage.container("redis-6");
    let count = docker(&["exec", &node, "redis-cli", "-c", "get", "seen"]);
    count.trim().parse().unwrap()
}

/// Docker makes a volume without a name where an image asks for one, and `down` leaves it behind.
fn every_volume_has_a_name(stage: &Stage) {
    let mounts = inspect(
        &stage.container("cluster"),
        "{{range .Mounts}}{{.Type}} {{end}}",
    );
    assert_eq!(
        mounts.trim(),
        "bind",
        "what the initialiser has of this machine"
    );
}

/// The same as of the plain services. What the kernel thinks of that is shown there.
fn may_do_nothing_but_its_work(stage: &Stage) {
    for service in SCALED {
        let container = stage.container(service);
        for (template, expected) in [
            ("{{.HostConfig.ReadonlyRootfs}}", "true"),
            ("{{.HostConfig.CapDrop}}", "[ALL]"),
            ("{{.HostConfig.SecurityOpt}}", "[no-new-privileges:true]"),
            ("{{.HostConfig.RestartPolicy.Name}}", "unless-stopped"),
            ("{{.HostConfig.Memory}}", "268435456"),
        ] {
            let value = inspect(&container, template);
            assert_eq!(value, expected, "{service}: {template}");
        }
        let user = inspect(&container, "{{.Config.User}}");
        assert!(
            !matches!(user.as_str(), "" | "0" | "root"),
            "{service} is {user:?}"
        );
        let published = "{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}";
        let expected = if service == "proxy" {
            "127.0.0.1 127.0.0.1"
        } else {
            ""
        };
        assert_eq!(inspect(&container, published), expected, "{service}: ports");
    }
}

fn the_statistics_are_there(stage: &Stage) {
    let mut connection = Connection::open(stage.pages[STATISTICS]).unwrap();
    let table = connection.ask("GET", "/;csv").unwrap().text();
    for web in ["web-1", "web-2", "web-3"] {
        let row = table
            .lines()
            .find(|row| row.starts_with(&format!("web,{web},")));
        assert!(
            row.is_some_and(|row| row.contains(",UP,")),
            "{web} in:\n{table}"
        );
    }
}
