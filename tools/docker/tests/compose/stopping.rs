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
            let since = SystemTime::now();
            stage.compose(&["stop"]);
            let status = containers
                .each_ref()
                .map(|container| inspect(container, "{{.State.Status}} {{.State.ExitCode}}"));
            assert_eq!(status, ["exited 0", "exited 0"], "web and redis");
            let both = stop_times(&containers, since);
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

/// How long after the first signal to stop each container ended, by what Docker recorded after
/// `since`. So the time that Compose itself needs to start and to end does not count.
fn stop_times(containers: &[String; 2], since: SystemTime) -> [Duration; 2] {
    let seconds = |time: SystemTime| {
        let time = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        format!("{}.{:09}", time.as_secs(), time.subsec_nanos())
    };
    let (since, until) = (seconds(since), seconds(SystemTime::now()));
    let format = "{{.Action}} {{.Actor.ID}} {{.TimeNano}}";
    let events = docker(&[
        "events", "--since", &since, "--until", &until, "--format", format,
    ]);
    let at = |action: &str, containers: &[String]| {
        let times = events.lines().filter_map(|event| {
            let event: Vec<&str> = event.split(' ').collect();
            let is_wanted = event[0] == action && containers.iter().any(|id| id == event[1]);
            is_wanted.then(|| Duration::from_nanos(event[2].parse().unwrap()))
        });
        let first = times.min();
        first
            .unwrap_or_else(|| panic!("Docker recorded no {action:?} of {containers:?}:\n{events}"))
    };
    let signalled = at("kill", containers);
    containers
        .each_ref()
        .map(|container| at("die", std::slice::from_ref(container)) - signalled)
}
