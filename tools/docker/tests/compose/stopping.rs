//! How it stops: soon, in good order, with the visits under way answered.

use std::{
    thread,
    time::{Duration, SystemTime},
};

use crate::stage::{
    Stage, alone_with_each_compose, answer, docker, inspect, request, with_each_compose,
};

/// How long `stop` may take until both have ended. A process that ignores SIGTERM takes ten seconds.
const STOP_MAX: Duration = Duration::from_millis(1500);

/// A busy machine can make any of these slow, and none of them fast: the best one counts.
const ATTEMPTS_MAX: u32 = 5;

#[test]
fn both_stop_soon_and_without_an_error() {
    alone_with_each_compose(|compose| {
        let stage = Stage::new(compose, None);
        stage.up();
        let containers = ["web", "redis"].map(|service| stage.container(service));
        let mut times = Vec::new();
        for _ in 0..ATTEMPTS_MAX {
            stage.visit();
            let started = SystemTime::now();
            stage.compose(&["stop"]);
            let status = containers
                .each_ref()
                .map(|container| inspect(container, "{{.State.Status}} {{.State.ExitCode}}"));
            assert_eq!(status, ["exited 0", "exited 0"], "web and redis");
            let both = containers
                .each_ref()
                .map(|container| stopped_after(container, started));
            times.push(both);
            println!(
                "{compose}: web had stopped after {:?}, redis after {:?}",
                both[0], both[1]
            );
            if both.iter().max() <= Some(&STOP_MAX) {
                return;
            }
            stage.compose(&["start"]);
            stage.wait_until_healthy();
        }
        panic!("web and redis took longer than {STOP_MAX:?} to stop, each time: {times:?}");
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

/// How long after `started` a container ended, by its own account. What Compose
/// itself takes to finish after that is no concern of ours.
fn stopped_after(container: &str, started: SystemTime) -> Duration {
    let finished = inspect(container, "{{.State.FinishedAt}}");
    let started = started
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
        % DAY;
    Duration::from_secs_f64((time_of_day(&finished) - started).rem_euclid(DAY))
}

/// The length of a day, in seconds.
const DAY: f64 = 86_400.0;

/// The seconds since midnight in a time such as `2026-11-23T22:16:32.465146744Z`.
fn time_of_day(time: &str) -> f64 {
    let (_, clock) = time.trim_end_matches('Z').split_once('T').unwrap();
    clock
        .split(':')
        .fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
}
