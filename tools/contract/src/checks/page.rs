//! Checks that only visit.

use std::time::Duration;

use load::Response;

use crate::{
    Checked, Finding,
    bench::{Bench, commands},
    checks::broken,
    expectations::but,
    service::Service,
};

/// Visits made one after the other.
const SEQUENCE: u64 = 20;

/// Visitors at once, and how often each comes.
const CLIENTS: usize = 64;
const VISITS_EACH: usize = 200;

/// How often they come until none of them is turned away, and how long the service may take in between
/// to come to itself.
const LOADS: usize = 5;
const CALM: Duration = Duration::from_secs(2);

/// Redis commands a visit that are still few.
const COMMANDS_PER_VISIT_MAX: f64 = 0.1;

/// A finding that shows the question, the answer, and what it should have been.
fn lacks(question: &str, answer: &Response, expected: &str) -> Checked {
    Ok(Finding::lacks(format!(
        "{question} answered\n{answer}\nexpected: {expected}"
    )))
}

pub fn greets(bench: &Bench) -> Checked {
    let (service, _redis) = bench.service()?;
    greets_at(&service)
}

/// The same, of a service that runs.
pub fn greets_at(service: &Service) -> Checked {
    let page = service.ask("GET", "/")?;
    if page.seen().is_none() {
        return lacks(
            "GET /",
            &page,
            "200 and `Hello World! I have been seen N times.`",
        );
    }
    match page.header("content-type") {
        Some("text/plain; charset=utf-8") => Ok(Finding::has()),
        Some("text/html; charset=utf-8") => Ok(Finding::has_but(but::HTML)),
        _ => lacks("GET /", &page, "content-type: text/plain; charset=utf-8"),
    }
}

pub fn counts(bench: &Bench) -> Checked {
    let (service, redis) = bench.service()?;
    counts_at(&service, redis.is_some())
}

/// The same, of a service that runs. On a store that was empty, the first visit has number 1.
pub fn counts_at(service: &Service, was_empty: bool) -> Checked {
    let first = service.visit()?;
    if was_empty && first != 1 {
        return Ok(Finding::lacks(format!(
            "the first visit on an empty store has number {first}"
        )));
    }
    for number in first + 1..first + SEQUENCE {
        let seen = service.visit()?;
        if seen != number {
            return Ok(Finding::lacks(format!(
                "after number {} comes number {seen}",
                number - 1
            )));
        }
    }
    let head = service.ask("HEAD", "/")?;
    if head.status != 200 {
        return lacks("HEAD /", &head, "200, as for GET");
    }
    let last = first + SEQUENCE - 1;
    match service.visit()? {
        number if number == last + 2 => Ok(Finding::has()),
        number if number == last + 1 => Ok(Finding::has_but(but::HEAD_IS_NO_VISIT)),
        number => Ok(Finding::lacks(format!(
            "after number {last}, a HEAD / and a GET / comes number {number}"
        ))),
    }
}

pub fn unique(bench: &Bench) -> Checked {
    let (service, _redis) = bench.service()?;
    unique_at(&service)
}

/// The same, of a service that runs.
pub fn unique_at(service: &Service) -> Checked {
    for _ in 0..LOADS {
        let before = service.visit()?;
        if let Some(numbers) = visits(service)? {
            return Ok(match load::ledger::flaw(&numbers, before + 1) {
                None => Finding::has(),
                Some(flaw) => Finding::lacks(flaw),
            });
        }
        service.visit_within(CALM)?;
    }
    turned_away()
}

/// The numbers of many visitors at once, or `None` if somebody was turned away.
fn visits(service: &Service) -> Checked<Option<Vec<u64>>> {
    let numbers = load::visits(service.addr, CLIENTS, VISITS_EACH);
    numbers.map_err(|error| Finding::broken(format!("{error}{}", service.log())))
}

fn turned_away() -> Checked {
    broken(format!(
        "{CLIENTS} visitors at once came {LOADS} times, and each time somebody was turned away"
    ))
}

pub fn ignores_strangers(bench: &Bench) -> Checked {
    let (service, _redis) = bench.service()?;
    let before = service.visit()?;
    let icon = service.ask("GET", "/favicon.ico")?;
    let post = service.ask("POST", "/")?;
    let after = service.visit()?;
    if icon.status != 404 {
        return lacks("GET /favicon.ico", &icon, "404");
    }
    if after != before + 1 {
        return Ok(Finding::lacks(format!(
            "number {before}, then GET /favicon.ico and POST /, then number {after}: they count"
        )));
    }
    match (post.status, post.header("allow")) {
        (405, Some(_)) => Ok(Finding::has()),
        (404, _) => Ok(Finding::has_but(but::NOT_FOUND)),
        _ => lacks("POST /", &post, "405 with an Allow header"),
    }
}

/// The visits must be counted right all the same. The lack is that they cost more commands.
pub fn few_round_trips(bench: &Bench) -> Checked {
    let redis = bench.redis()?;
    let service = bench.start(&redis.url(), &[])?;
    let mut client = redis.client()?;
    for _ in 0..LOADS {
        let first = service.visit()? + 1;
        let before = commands(&mut client)?;
        if let Some(numbers) = visits(&service)? {
            let commands = commands(&mut client)? - before;
            return match load::ledger::flaw(&numbers, first) {
                None => Ok(cost(commands as f64 / numbers.len() as f64)),
                Some(flaw) => broken(flaw),
            };
        }
        service.visit_within(CALM)?;
    }
    turned_away()
}

/// What it means that a visit costs so many commands.
fn cost(per_visit: f64) -> Finding {
    if per_visit == 0.0 {
        Finding::has_but(but::NO_REDIS)
    } else if per_visit <= COMMANDS_PER_VISIT_MAX {
        Finding::has()
    } else {
        Finding::lacks(format!(
            "{per_visit:.2} Redis commands a visit at {CLIENTS} connections"
        ))
    }
}
