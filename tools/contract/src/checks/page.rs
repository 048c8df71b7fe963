//! Checks that only visit.

use std::time::Duration;

use load::{Response, ledger};

use super::retry;
use crate::{
    finding::{Checked, Finding, broken, but},
    service::Service,
    testbed::{Testbed, commands},
};

/// Visits made one after the other.
const SEQUENCE: u64 = 20;

/// Visitors at once, and how often each comes.
const CLIENTS: usize = 64;
const VISITS_EACH: usize = 200;

/// How often they come until none of them is refused, and how long the service may take in between to
/// come to itself.
const LOADS: usize = 5;
const CALM: Duration = Duration::from_secs(2);

/// Redis commands a visit that are still few.
const COMMANDS_PER_VISIT_MAX: f64 = 0.1;

/// A finding that shows the question, the answer, and what it should have been.
fn lacks(question: &str, answer: &Response, expected: &str) -> Checked {
    let seen = format!("{question} answered\n{answer}\nexpected: {expected}");
    Ok(Finding::lacks(seen))
}

pub fn greets(testbed: &Testbed) -> Checked {
    greets_at(&testbed.service()?.1)
}

/// The same, of a service that runs.
pub fn greets_at(service: &Service) -> Checked {
    let page = service.ask("GET", "/")?;
    if page.seen().is_none() {
        let expected = "200 and `Hello World! I have been seen N times.`";
        return lacks("GET /", &page, expected);
    }
    match page.header("content-type") {
        Some("text/plain; charset=utf-8") => Ok(Finding::has()),
        Some("text/html; charset=utf-8") => Ok(Finding::has_but(but::HTML)),
        _ => lacks("GET /", &page, "content-type: text/plain; charset=utf-8"),
    }
}

pub fn counts(testbed: &Testbed) -> Checked {
    let (redis, service) = testbed.service()?;
    counts_at(&service, redis.is_some())
}

/// The same, of a service that runs. On a store that was empty, the first visit has number 1.
pub fn counts_at(service: &Service, was_empty: bool) -> Checked {
    let first = service.visit()?;
    if was_empty && first != 1 {
        let seen = format!("the first visit on an empty store has number {first}");
        return Ok(Finding::lacks(seen));
    }
    let last = first + SEQUENCE - 1;
    for number in first + 1..=last {
        let seen = service.visit()?;
        if seen != number {
            let seen = format!("after number {} comes number {seen}", number - 1);
            return Ok(Finding::lacks(seen));
        }
    }
    let head = service.ask("HEAD", "/")?;
    if head.status != 200 {
        return lacks("HEAD /", &head, "200, as for GET");
    }
    match service.visit()? {
        number if number == last + 2 => Ok(Finding::has()),
        number if number == last + 1 => Ok(Finding::has_but(but::HEAD_IS_NO_VISIT)),
        number => Ok(Finding::lacks(format!(
            "after number {last}, a HEAD / and a GET / comes number {number}"
        ))),
    }
}

pub fn unique(testbed: &Testbed) -> Checked {
    unique_at(&testbed.service()?.1)
}

/// The same, of a service that runs.
pub fn unique_at(service: &Service) -> Checked {
    let (first, numbers, ()) = visits(service, || Ok(()))?;
    match ledger::flaw(&numbers, first) {
        None => Ok(Finding::has()),
        Some(flaw) => Ok(Finding::lacks(flaw)),
    }
}

/// The visits must be counted right all the same. The lack is that they cost more commands.
pub fn few_round_trips(testbed: &Testbed) -> Checked {
    let (redis, service) = testbed.own(&[])?;
    let mut client = redis.client()?;
    let (first, numbers, before) = visits(&service, || commands(&mut client))?;
    let per_visit = (commands(&mut client)? - before) as f64 / numbers.len() as f64;
    if let Some(flaw) = ledger::flaw(&numbers, first) {
        return broken(flaw);
    }
    Ok(match per_visit {
        0.0 => Finding::has_but(but::NO_REDIS),
        ..=COMMANDS_PER_VISIT_MAX => Finding::has(),
        _ => Finding::lacks(format!(
            "{per_visit:.2} Redis commands a visit at {CLIENTS} connections"
        )),
    })
}

/// The numbers of many visitors at once, none of whom is refused; the lowest number that there should
/// be; and what `before` said in the moment before they came.
fn visits<T>(
    service: &Service,
    mut before: impl FnMut() -> Checked<T>,
) -> Checked<(u64, Vec<u64>, T)> {
    retry(LOADS, || {
        let first = service.visit()? + 1;
        let before = before()?;
        let numbers = load::visits(service.addr, CLIENTS, VISITS_EACH);
        if let Some(numbers) = numbers.or_else(|error| service.broken(error))? {
            return Ok(Ok((first, numbers, before)));
        }
        service.visit_within(CALM)?;
        Ok(Err(format!(
            "{CLIENTS} visitors at once came {LOADS} times, and each time a visit was refused"
        )))
    })
}

pub fn ignores_strangers(testbed: &Testbed) -> Checked {
    let (_redis, service) = testbed.service()?;
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
