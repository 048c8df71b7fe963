//! The batcher under random visitors and a random Redis.
//!
//! The batcher is one task and two kinds of Tokio channel, so what can differ from run to run is who
//! arrives, leaves and replies when. Tokio's paused clock makes that a plain input: each case is a
//! script, played without a real wait and without a real race, and proptest makes the scripts and
//! shortens the ones that fail. (loom and shuttle explore the orders of memory accesses, of which the
//! batcher has none of its own; turmoil simulates a network, which is not here but behind `add`.)

use std::{
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use step_6_scaled::batcher::{BatchError, Batcher};
use tokio::time::{Instant, sleep, timeout};

/// How long a visit may take, where a test does not say otherwise.
const TIMEOUT: Duration = Duration::from_millis(800);

/// Someone who comes at a time and leaves when it takes too long. In milliseconds.
#[derive(Clone, Debug)]
struct Visitor {
    arrives: u64,
    waits: u64,
}

/// What Redis does with a batch.
#[derive(Clone, Copy, Debug)]
enum Redis {
    /// Counts it and says so.
    Replies,
    /// Counts it, and the reply is lost.
    CountsInSilence,
    /// Never gets to hear of it.
    MissesIt,
}

/// A batch as Redis saw it.
#[derive(Clone, Debug)]
struct Batch {
    /// The numbers, if it was counted.
    numbers: Range<u64>,
    deadline: Instant,
    replied: Option<Instant>,
}

/// What became of a visit.
#[derive(Debug)]
enum Outcome {
    Number {
        visitor: usize,
        number: u64,
        came: Instant,
        at: Instant,
    },
    Failed,
    Left,
}

fn visitor() -> impl Strategy<Value = Visitor> {
    // Few different times, so that many come at once.
    (
        0..20_u64,
        prop_oneof![1 => 0..30_u64, 3 => 1_000..1_001_u64],
    )
        .prop_map(|(arrives, waits)| Visitor {
            arrives: arrives * 5,
            waits,
        })
}

fn redis() -> impl Strategy<Value = (Redis, u64)> {
    let kind = prop_oneof![
        6 => Just(Redis::Replies),
        1 => Just(Redis::CountsInSilence),
        1 => Just(Redis::MissesIt),
    ];
    (kind, 0..25_u64)
}

/// Plays a script and returns what Redis and the visitors saw. Visitors are in the order of arrival.
async fn play(
    visitors: Vec<Visitor>,
    script: Vec<(Redis, u64)>,
    capacity: usize,
) -> (Vec<Batch>, Vec<Outcome>) {
    let batches = Arc::new(Mutex::new(Vec::<Batch>::new()));
    let seen = batches.clone();
    let mut script = script.into_iter().cycle();
    let mut count = 0;
    let batcher = Batcher::start(capacity, TIMEOUT, move |size, deadline| {
        let (redis, delay) = script.next().expect("the script has at least one line");
        let first = count + 1;
        if !matches!(redis, Redis::MissesIt) {
            count += size;
        }
        let (numbers, batches) = (first..count + 1, seen.clone());
        async move {
            sleep(Duration::from_millis(delay)).await;
            let replied = matches!(redis, Redis::Replies).then(Instant::now);
            let last = numbers.end - 1;
            batches.lock().unwrap().push(Batch {
                numbers,
                deadline,
                replied,
            });
            replied.map(|_| last)
        }
    });

    let mut visits = Vec::new();
    for (index, visitor) in visitors.into_iter().enumerate() {
        let batcher = batcher.clone();
        visits.push(tokio::spawn(async move {
            sleep(Duration::from_millis(visitor.arrives)).await;
            let came = Instant::now();
            match timeout(Duration::from_millis(visitor.waits), batcher.visit()).await {
                Ok(Ok(number)) => Outcome::Number {
                    visitor: index,
                    number,
                    came,
                    at: Instant::now(),
                },
                Ok(Err(BatchError::Full | BatchError::Failed)) => Outcome::Failed,
                Err(_) => Outcome::Left,
            }
        }));
    }
    drop(batcher);
    let mut outcomes = Vec::new();
    for visit in visits {
        outcomes.push(visit.await.unwrap());
    }
    // Whoever left may have been in a batch that is still on its way.
    sleep(Duration::from_secs(10)).await;
    let batches = batches.lock().unwrap().clone();
    (batches, outcomes)
}

/// Plays a script on a clock that jumps whenever everybody waits.
fn play_paused(
    visitors: Vec<Visitor>,
    script: Vec<(Redis, u64)>,
    capacity: usize,
) -> (Vec<Batch>, Vec<Outcome>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(play(visitors, script, capacity))
}

proptest! {
    #[test]
    fn no_number_is_given_twice_early_or_out_of_order(
        mut visitors in vec(visitor(), 1..120),
        script in vec(redis(), 1..20),
        capacity in prop_oneof![Just(1_usize), Just(7), Just(1000)],
    ) {
        visitors.sort_by_key(|visitor| visitor.arrives);
        let (batches, outcomes) = play_paused(visitors, script, capacity);

        let mut numbers: Vec<u64> = Vec::new();
        for outcome in &outcomes {
            let Outcome::Number { number, came, at, .. } = outcome else { continue };
            let batch = batches.iter().find(|batch| batch.numbers.contains(number));
            let batch = batch.ok_or_else(|| TestCaseError::fail(format!("{number} is not of any batch")))?;
            let replied = batch.replied.ok_or_else(|| TestCaseError::fail(format!("{number} is of a batch without a reply")))?;
            prop_assert!(*at >= replied, "{number} was given before Redis replied");
            prop_assert!(batch.deadline <= *came + TIMEOUT, "{number} may come later than its visitor may wait");
            numbers.push(*number);
        }
        let given = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        prop_assert_eq!(numbers.len(), given, "a number was given twice");

        for batch in &batches {
            let of_batch = outcomes.iter().filter_map(|outcome| match outcome {
                Outcome::Number { visitor, number, .. } if batch.numbers.contains(number) => Some((*visitor, *number)),
                _ => None,
            });
            let mut of_batch: Vec<(usize, u64)> = of_batch.collect();
            of_batch.sort_unstable();
            prop_assert!(of_batch.is_sorted_by_key(|(_, number)| *number), "{of_batch:?} is not in order of arrival");
        }

        let counted: u64 = batches.iter().map(|batch| batch.numbers.end - batch.numbers.start).sum();
        let unhappy = outcomes.iter().filter(|outcome| !matches!(outcome, Outcome::Number { .. })).count();
        prop_assert!(counted - given as u64 <= unhappy as u64, "{counted} counted, {given} given, {unhappy} unhappy");
    }

    #[test]
    fn nothing_is_skipped_while_nothing_fails(
        arrivals in vec(0..100_u64, 1..120),
        delays in vec(0..25_u64, 1..20),
    ) {
        let visitors: Vec<Visitor> = arrivals.iter().map(|&arrives| Visitor { arrives, waits: 60_000 }).collect();
        let script = delays.iter().map(|&delay| (Redis::Replies, delay)).collect();
        let (_, outcomes) = play_paused(visitors, script, 1000);
        let numbers = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Number { number, .. } => Some(*number),
            _ => None,
        });
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable();
        let expected: Vec<u64> = (1..=arrivals.len() as u64).collect();
        prop_assert_eq!(numbers, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn visits_that_wait_together_share_one_batch() {
    let visitors = vec![
        Visitor {
            arrives: 0,
            waits: 1_000
        };
        100
    ];
    let (batches, _) = play(visitors, vec![(Redis::Replies, 10)], 1000).await;
    let sizes: Vec<u64> = batches
        .iter()
        .map(|batch| batch.numbers.end - batch.numbers.start)
        .collect();
    assert!(
        sizes.len() <= 2,
        "100 visits at once made batches of {sizes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let never = |_, _| std::future::pending::<Option<u64>>();
    let batcher = Batcher::start(2, TIMEOUT, never);
    // One batch of two is on its way for ever, and two more visits fill the queue.
    let stuck: Vec<_> = (0..4)
        .map(|_| {
            let batcher = batcher.clone();
            async move { timeout(Duration::from_secs(1), batcher.visit()).await }
        })
        .map(tokio::spawn)
        .collect();
    sleep(Duration::from_millis(1)).await;
    let mut refused = 0;
    for _ in 0..3 {
        let visit = timeout(Duration::from_millis(1), batcher.visit()).await;
        refused += usize::from(visit == Ok(Err(BatchError::Full)));
    }
    assert!(refused >= 1, "the queue takes more than it may hold");
    drop(stuck);
}

#[tokio::test(start_paused = true)]
async fn a_count_that_somebody_has_set_back_fails_the_batch() {
    let batcher = Batcher::start(10, TIMEOUT, |_, _| async { Some(0) });
    assert_eq!(batcher.visit().await, Err(BatchError::Failed));
}

#[tokio::test(start_paused = true)]
async fn a_visit_that_meets_nobody_has_all_of_its_time() {
    let deadlines = Arc::new(Mutex::new(Vec::new()));
    let seen = deadlines.clone();
    let batcher = Batcher::start(10, TIMEOUT, move |_, deadline| {
        seen.lock().unwrap().push(deadline);
        async { Some(1) }
    });
    for _ in 0..3 {
        sleep(Duration::from_secs(5)).await;
        let came = Instant::now();
        batcher.visit().await.unwrap();
        assert_eq!(deadlines.lock().unwrap().pop(), Some(came + TIMEOUT));
    }
}
