//! What a live step shows is what happens to it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use experiments::{Action, Arrivals, Live, Load, Redis, RedisState, Setup, Subject, View};
use fault_proxy::Fault;
use private_redis::{RedisClient, RedisProgram};
use steps::{Profile, Program};

/// How long anything may take. What is compiled on the way may have to wait for another cargo.
const TIMEOUT: Duration = Duration::from_secs(300);

const VISITORS: Load = Load {
    visitors: 8,
    arrivals: Arrivals::After(20),
};
const NOBODY: Load = Load {
    visitors: 0,
    ..VISITORS
};

/// The program of a step that lies, and a real Redis.
fn programs() -> Option<(Program, RedisProgram)> {
    let Some(redis) = RedisProgram::find() else {
        assert!(std::env::var_os("SEEN_STRICT").is_none(), "install Redis");
        eprintln!("skipped: redis-server is not on PATH");
        return None;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let liar = steps::tool(root.unwrap(), "contract", "lying-step", Profile::Debug);
    let program = Program {
        path: liar.unwrap().expect("it compiles"),
        arguments: Vec::new(),
    };
    Some((program, redis))
}

fn live(program: &Program, redis: &RedisProgram, lie: &str) -> Live {
    let subject = Subject {
        name: lie.to_owned(),
        program: Program {
            arguments: vec![lie.into()],
            ..program.clone()
        },
        needs_redis: true,
    };
    let setup = Setup {
        settings: &[],
        redis: Redis::default(),
        waits_for_the_disk_later: false,
        has_wire: true,
        copies: 1,
    };
    Live::start(subject, setup, redis.clone(), VISITORS, Instant::now())
}

/// Waits until it is so.
fn wait(live: &Live, what: &str, is_so: impl Fn(&View) -> bool) -> View {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let view = live.view();
        if is_so(&view) {
            return view;
        }
        assert!(Instant::now() < deadline, "never {what}: {view:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The second in which that is shown, and the one after it, are over.
fn later(live: &Live) -> u64 {
    live.view().seconds.back().map_or(0, |second| second.at) + 1500
}

#[test]
fn every_lie_shows_and_an_honest_step_stays_within_its_range() {
    let Some((program, redis)) = programs() else {
        return;
    };
    let [honest, twice, swallows] = [
        "is honest",
        "gives every tenth number twice",
        "swallows every tenth visit",
    ]
    .map(|lie| live(&program, &redis, lie));
    wait(&twice, "a duplicate", |view| view.tally.duplicates > 0);
    wait(&swallows, "too small a count", |view| {
        let tally = &view.tally;
        let range = tally.count.zip(tally.acceptable);
        range.is_some_and(|(count, (low, _))| count < low)
    });
    let answered = |view: &View| view.tally.answered > 100;
    wait(&honest, "a hundred answers", answered);

    honest.act(Action::Wire(Fault::LostReply, 1)).unwrap();
    let view = wait(&honest, "a gap", |view| view.tally.gaps > 0);
    assert!(view.events.iter().any(|event| event.is_loss), "{view:?}");
    honest.change(NOBODY);
    // All that were under way have ended, and a whole second brought nothing.
    let view = wait(&honest, "silence", |view| {
        let last = view.seconds.back();
        last.is_some_and(|last| last.ends == [0; 4] && last.in_flight == 0)
    });
    let tally = &view.tally;
    // On a busy machine other visits than that one may take too long, and end without their number.
    assert_eq!(tally.duplicates, 0, "{tally:?}");
    assert!((1..=tally.unknown).contains(&tally.gaps), "{tally:?}");
    let (low, high) = tally.acceptable.unwrap();
    let mut client = RedisClient::connect_url(&view.redis, Duration::from_secs(2)).unwrap();
    let answer = client.command(&["GET", "seen"]).unwrap();
    let count: u64 = answer.as_text().unwrap().parse().unwrap();
    assert_eq!(tally.count, Some(count));
    assert!((low..=high).contains(&count) && high - low == tally.unknown);
    assert!(view.sizes.iter().all(|size| *size > 0) && !view.sizes.is_empty());
}

#[test]
fn what_is_done_is_seen_and_what_fails_is_said() {
    let Some((program, redis)) = programs() else {
        return;
    };
    let live = live(&program, &redis, "is honest");
    let answers = |view: &View| view.sentence.starts_with("Hello World!");
    let view = wait(&live, "an answer", answers);
    assert_eq!(view.condition.unwrap().copies, [true]);
    assert!(live.allows(Action::KillRedis) && !live.allows(Action::StartRedis));

    live.act(Action::KillRedis).unwrap();
    let ended = |view: &View| view.condition.as_ref().unwrap().redis == RedisState::Ended;
    wait(&live, "a dead Redis", ended);
    wait(&live, "another sentence", |view| !answers(view));
    live.act(Action::StartRedis).unwrap();
    wait(&live, "a Redis that runs", |view| !ended(view));

    live.act(Action::KillService(0)).unwrap();
    let copies = |view: &View| view.condition.as_ref().unwrap().copies.clone();
    wait(&live, "a dead service", |view| copies(view) == [false]);
    wait(&live, "nobody there", |view| {
        view.sentence == "nobody takes the connection"
    });
    live.act(Action::StartService(0)).unwrap();
    live.act(Action::StartService(1)).unwrap();
    let view = wait(&live, "two copies", |view| copies(view) == [true, true]);
    assert_eq!(view.pages.len(), 2);
    wait(&live, "an answer", answers);

    // And with a Redis that is frozen, the end comes as soon.
    live.act(Action::FreezeRedis).unwrap();
    let frozen = later(&live);
    let view = wait(&live, "that nothing comes", |view| {
        let last = view.seconds.back().unwrap();
        last.at > frozen && last.ends[0] == 0 && last.in_flight > 0
    });
    assert_eq!(view.condition.unwrap().redis, RedisState::Frozen);
    let before_the_end = Instant::now();
    let redis = view.redis;
    drop(live);
    let took = before_the_end.elapsed();
    assert!(took < Duration::from_secs(5), "the end took {took:?}");
    RedisClient::connect_url(&redis, Duration::from_secs(2)).unwrap_err();
}
