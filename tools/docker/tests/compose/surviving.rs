//! What the count survives, and the one thing that it does not.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use load::{in_parallel, ledger};

use crate::stage::{Stage, answer, docker, request, with_each_compose};

#[test]
fn the_count_survives_everything_but_down_v() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        assert_eq!(stage.visit(), 1, "the first visit");

        let mut seen = 1;
        let mut goes_on_after = |what: &str, commands: &[&[&str]]| {
            for command in commands {
                stage.compose(command);
            }
            stage.wait_until_healthy();
            seen += 1;
            assert_eq!(stage.visit(), seen, "the visit after: {what}");
        };
        goes_on_after("restart web", &[&["restart", "web"]]);
        goes_on_after("restart redis", &[&["restart", "redis"]]);
        goes_on_after(
            "kill redis",
            &[&["kill", "-s", "KILL", "redis"], &["start", "redis"]],
        );
        goes_on_after(
            "kill web",
            &[&["kill", "-s", "KILL", "web"], &["start", "web"]],
        );
        goes_on_after("down, up", &[&["down"], &["up", "--detach"]]);

        stage.compose(&["down", "--volumes"]);
        stage.compose(&["up", "--detach"]);
        stage.wait_until_healthy();
        assert_eq!(stage.visit(), 1, "the first visit after: down --volumes");
    });
}

#[test]
fn a_killed_web_forgets_no_number_that_it_has_shown() {
    no_number_is_forgotten_after_a_kill_of("web");
}

#[test]
fn a_killed_redis_forgets_no_number_that_was_shown() {
    no_number_is_forgotten_after_a_kill_of("redis");
}

/// How often each is killed.
const KILLS: usize = 3;

/// How many clients visit without a pause.
const CLIENTS: usize = 8;

/// How long they visit before each kill.
const LOAD_BEFORE_KILL: Duration = Duration::from_secs(1);

/// Goal: a number that was shown is never given again.
/// Method: clients visit without a pause; the service is killed in the middle and started again.
fn no_number_is_forgotten_after_a_kill_of(service: &str) {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        let is_over = AtomicBool::new(false);
        let client = |_| {
            let mut numbers = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let page = request(stage.pages[0]).and_then(|mut visit| answer(&mut visit));
                numbers.extend(page.ok().and_then(|page| page.seen()));
            }
            numbers
        };
        let shown: Vec<u64> = thread::scope(|scope| {
            let clients = scope.spawn(|| in_parallel(CLIENTS, client));
            for _ in 0..KILLS {
                thread::sleep(LOAD_BEFORE_KILL);
                docker(&["kill", "--signal=KILL", &stage.container(service)]);
                stage.compose(&["start", service]);
                stage.wait_until_healthy();
            }
            is_over.store(true, Ordering::Relaxed);
            clients.join().unwrap().concat()
        });

        let visits = shown.len();
        println!("{compose}: {visits} visits around {KILLS} kills of {service}");
        let again = ledger::duplicates(&shown);
        assert!(
            again.is_empty(),
            "these numbers were shown again: {again:?}"
        );
        let (last, next) = (shown.into_iter().max().unwrap_or_default(), stage.visit());
        assert!(
            next > last,
            "{last} was shown before the kill, and now {next}"
        );
    });
}
