//! What a step promises about its numbers, checked on a bad wire between the step and Redis.
//!
//! A [`FaultProxy`] delays, cuts and garbles what goes over the wire. Visitors keep every
//! number; some of them leave before they are answered. Afterwards, what the visitors saw is compared
//! with what went over the wire:
//!
//! 1. No number is given twice.
//! 2. Each visitor sees the numbers rise.
//! 3. A number is given only after the step has Redis's reply to the command that counted it.
//! 4. Numbers are skipped only for visits that were refused or whose visitor left. That is so exactly if
//!    a visit is counted at most once, and a command whose fate is unknown is not sent again.
//!
//! This is no capability and has no row in the table: a step either keeps its promises or is broken. It
//! needs seconds to see something, and sees more in minutes.

mod promises;
#[cfg(test)]
mod tests;

use std::{
    env,
    str::FromStr,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use fault_proxy::{Fault, FaultProxy, random};
use load::ANSWER_TIMEOUT;
use processes::poll;
use steps::Source;

use crate::{
    finding::{Checked, Finding, Verdict, broken},
    service::Service,
    subject::Subject,
    testbed::Testbed,
};
use promises::{Outcome, Visit, broken_promise};

/// Visitors at once.
const CLIENTS: usize = 32;

/// Of how many visits in a thousand the visitor leaves early, and how early, in milliseconds.
const LEAVES_PER_THOUSAND: u64 = 30;
const LEAVES_AFTER_MS_MAX: u64 = 30;

/// How long somebody waits who was refused.
const REFUSED_PAUSE: Duration = Duration::from_millis(5);

/// How often it is asked whether a run may end.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Numbers that must have been given before a run says anything.
const NUMBERS_MIN: u64 = 100;

/// How much longer than it was told a run may take until it says something.
const EXTRA_TIME: Duration = Duration::from_secs(30);

/// A run: which faults, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct FaultRun {
    /// What is thrown like dice, is thrown in the same way for the same seed.
    pub seed: u64,
    /// How long visitors come, at least.
    pub duration: Duration,
}

impl FaultRun {
    /// The first step that promises something for the case that the wire to Redis is bad.
    pub const PROMISED_FROM: u32 = 4;

    /// `SEEN_SEED`, or else any; and `SEEN_FAULT_SECONDS`, or else 3.
    ///
    /// # Errors
    ///
    /// When a value does not parse: the line says which.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self {
            // Short enough to be typed again.
            seed: setting("SEEN_SEED")?.unwrap_or_else(|| fastrand::u64(..1_000_000)),
            duration: Duration::from_secs(setting("SEEN_FAULT_SECONDS")?.unwrap_or(3)),
        })
    }

    /// Starts the subject on a Redis behind a bad wire and holds it to its promises. Returns what was
    /// seen, in a line.
    ///
    /// # Errors
    ///
    /// [`Verdict::Broken`] when a promise was broken or the run could not be carried out: it names the seed.
    /// [`Verdict::LeftOut`] when there is no Redis that the wire can be made bad for.
    pub fn check(self, subject: &Subject, redis: &Source) -> Result<String, Finding> {
        self.try_check(&Testbed::new(subject, redis))
            .map_err(|mut end| {
                if end.verdict == Verdict::Broken {
                    let seed = self.seed;
                    end.evidence +=
                        &format!("\nto repeat the plan of the faults, set SEEN_SEED={seed}");
                }
                end
            })
    }

    fn try_check(self, testbed: &Testbed) -> Checked<String> {
        let server = testbed.redis()?;
        let proxy = FaultProxy::start(server.addr(), self.seed, Fault::per_thousand)?;
        let service = testbed.start(&proxy.url(), &[])?;
        let started = Instant::now();
        let visitors = self.load(&service, &proxy)?;
        let seconds = started.elapsed().as_secs_f32();
        // Whatever it still has to tell Redis, it has told when it is gone.
        let log = service.log();
        service.stop()?;
        let record = proxy.finish();
        let count = server.client()?.command(&["GET", "seen"])?;
        let count = count.as_text().and_then(|text| text.parse().ok());
        if let Some(promise) = broken_promise(&visitors, &record, count.unwrap_or(0)) {
            return broken(promise + &log);
        }
        let (mut numbers, mut refused, mut left) = (0, 0, 0);
        for visit in visitors.iter().flatten() {
            *match visit.outcome {
                Outcome::Number(..) => &mut numbers,
                Outcome::Refused => &mut refused,
                Outcome::Left => &mut left,
            } += 1;
        }
        let faults = record.faults.iter();
        let faults = faults.map(|(fault, times)| format!(", {times} {fault:?}"));
        Ok(format!(
            "SEEN_SEED={}: {numbers} numbers in {seconds:.0} s, {refused} visits refused, {left} left; {} \
             commands{}",
            self.seed,
            record.commands,
            faults.collect::<String>()
        ))
    }

    /// Lets the visitors come until the time is over and every fault has happened. Returns the visits of each
    /// visitor in order.
    fn load(self, service: &Service, proxy: &FaultProxy) -> Checked<Vec<Vec<Visit>>> {
        let numbers = AtomicU64::new(0);
        let one = |client: usize, over: &AtomicBool| {
            let random = random(!self.seed, client as u64);
            visitor(service, random, over, &numbers).inspect_err(|_| over.store(true, Relaxed))
        };
        let started = Instant::now();
        let (visitors, _) = load::until(CLIENTS, one, |over| {
            poll(self.duration + EXTRA_TIME, POLL_INTERVAL, || {
                let says_something = started.elapsed() >= self.duration
                    && proxy.faults().len() == Fault::ALL.len()
                    && numbers.load(Relaxed) >= NUMBERS_MIN;
                (over.load(Relaxed) || says_something).then_some(())
            })
        });
        let visitors = visitors.into_iter().collect::<Checked<_>>()?;
        match numbers.load(Relaxed) {
            NUMBERS_MIN.. => Ok(visitors),
            few => service.broken(format!(
                "only {few} numbers were given within {:?}",
                started.elapsed()
            )),
        }
    }
}

/// One visitor, who comes again and again, and now and then leaves early. Returns the visits; an answer that
/// is neither a number nor a refusal ends it.
fn visitor(
    service: &Service,
    mut random: Rng,
    over: &AtomicBool,
    numbers: &AtomicU64,
) -> Checked<Vec<Visit>> {
    let mut visits = Vec::new();
    let mut connection = service.connect()?;
    while !over.load(Relaxed) {
        let leaves = random.u64(..1000) < LEAVES_PER_THOUSAND;
        let timeout = match leaves {
            // A read must be given some time.
            true => Duration::from_millis(1 + random.u64(..LEAVES_AFTER_MS_MAX)),
            false => ANSWER_TIMEOUT,
        };
        let asked = Instant::now();
        let answer = connection.ask_within("GET", "/", timeout);
        let ended = Instant::now();
        let outcome = match answer {
            Err(_) if leaves => {
                connection = service.connect()?;
                Outcome::Left
            }
            Ok(response) if response.turns_away() => {
                thread::sleep(REFUSED_PAUSE);
                Outcome::Refused
            }
            answer => {
                let number = service.number(service.logged(answer, "GET /")?)?;
                numbers.fetch_add(1, Relaxed);
                Outcome::Number(number)
            }
        };
        visits.push(Visit {
            asked,
            ended,
            outcome,
        });
    }
    Ok(visits)
}

/// The value of an environment variable, if it is set.
fn setting<T: FromStr>(name: &str) -> Result<Option<T>, String> {
    let Some(value) = env::var_os(name) else {
        return Ok(None);
    };
    let value = value.to_string_lossy();
    let error = |_| format!("{name} is {value:?}, but must be a whole number");
    value.parse().map(Some).map_err(error)
}
