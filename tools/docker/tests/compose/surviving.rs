//! What the count survives, and the one thing that it does not.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{
    http::{answer, number, request, visit},
    stage::{Stage, docker, with_each_compose},
};

#[test]
fn the_count_survives_everything_but_down_v() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        let port = stage.ports[0];
        assert_eq!(visit(port), 1, "the first visit");

        let mut seen = 1;
        let mut goes_on_after = |what: &str, commands: &[&[&str]]| {
            for command in commands {
                stage.compose(command);
            }
            stage.wait_until_healthy();
            seen += 1;
            assert_eq!(visit(port), seen, "the visit after: {what}");
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
        assert_eq!(visit(port), 1, "the first visit after: down --volumes");
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

/// Goal: a number that a visitor was shown is never given to another.
/// Method: visitors come without pause; the service is killed in the middle and started again.
fn no_number_is_forgotten_after_a_kill_of(service: &str) {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        let port = stage.ports[0];
        let closed = AtomicBool::new(false);
        let visitor = || {
            let mut numbers = Vec::new();
            while !closed.load(Ordering::Relaxed) {
                numbers.extend(
                    request(port)
                        .and_then(answer)
                        .ok()
                        .and_then(|page| number(&page)),
                );
            }
            numbers
        };
        let mut shown: Vec<u64> = thread::scope(|scope| {
            let visitors: Vec<_> = (0..8).map(|_| scope.spawn(visitor)).collect();
            for _ in 0..KILLS {
                thread::sleep(Duration::from_secs(1));
                docker(&["kill", "--signal=KILL", &stage.container(service)]);
                stage.compose(&["start", service]);
                stage.wait_until_healthy();
            }
            closed.store(true, Ordering::Relaxed);
            visitors
                .into_iter()
                .flat_map(|visitor| visitor.join().unwrap())
                .collect()
        });

        let visits = shown.len();
        println!("{compose}: {visits} visits around {KILLS} kills of {service}");
        shown.sort_unstable();
        shown.dedup();
        assert_eq!(shown.len(), visits, "a number was shown twice");
        let (last, next) = (shown.last().copied().unwrap_or_default(), visit(port));
        assert!(
            next > last,
            "{last} was shown before the kill, and now {next}"
        );
    });
}
