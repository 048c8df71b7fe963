//! How it stops: by itself, in good order, with the visits under way answered.

use std::{thread, time::Duration};

use crate::stage::{Stage, answer, docker, inspect, request, with_each_compose};

/// Whoever ignores SIGTERM is killed, and ends with 137. Docker gives web the ten seconds that it gives everybody.
/// Redis writes what it has to a disk that others may keep busy, so that its time says nothing about it.
#[test]
fn both_end_by_themselves_and_without_an_error() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        stage.visit();
        stage.compose(&["stop", "web"]);
        stage.compose(&["stop", "--timeout", "120", "redis"]);
        let status = ["web", "redis"].map(|service| {
            let container = stage.container(service);
            inspect(&container, "{{.State.Status}} {{.State.ExitCode}}")
        });
        assert_eq!(status, ["exited 0", "exited 0"], "web and redis");
    });
}

/// Goal: a request that was sent before the stop gets an answer.
/// Method: redis is frozen, so that visits are under way for as long as we like. web is told to
/// stop while they wait, and then redis goes on. Now they get their numbers, or at the worst the
/// honest 503 of a visit that has waited too long.
#[test]
fn visits_under_way_are_answered() {
    with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        stage.visit();
        let (web, redis) = (stage.container("web"), stage.container("redis"));

        docker(&["pause", &redis]);
        let visits: Vec<_> = (0..20).map(|_| request(stage.pages[0]).unwrap()).collect();
        // Long enough for the requests to be read, short enough for none to be answered yet.
        thread::sleep(Duration::from_millis(200));
        docker(&["kill", "--signal=TERM", &web]);
        docker(&["unpause", &redis]);
        for (number, mut visit) in visits.into_iter().enumerate() {
            let page = answer(&mut visit);
            assert!(
                page.as_ref()
                    .is_ok_and(|page| page.seen().is_some() || page.turns_away()),
                "visit {number} of 20 was under way and has this answer: {page:?}"
            );
        }
        // To stop it now would be a second signal, which ends it at once.
        let status = docker(&["wait", &web]);
        assert_eq!(status.trim(), "0", "the exit status of web after SIGTERM");
    });
}
