//! Checks that only visit.

use load::{Response, ledger};

use super::prelude::*;
use crate::testbed::commands;

/// Visits made one after the other.
const SEQUENCE: u64 = 20;

/// Clients at once, and how often each visits.
const CLIENTS: usize = 64;
const VISITS_EACH: usize = 200;

/// How often they come until few enough are refused, and how long the service may take in between to come
/// to itself.
const LOADS: usize = 5;
const CALM: Duration = Duration::from_secs(2);

/// Redis commands a visit that are still few.
const COMMANDS_PER_VISIT_MAX: f64 = 0.1;

/// What shows the question, the answer, and what it should have been.
fn lacks_answer(question: &str, answer: &Response, expected: &str) -> Checked {
    lacks(format!(
        "{question} answered\n{answer}\nexpected: {expected}"
    ))
}

pub fn greets(testbed: &Testbed) -> Checked {
    greets_at(&testbed.service()?.1)
}

/// The same, of a service that runs.
pub fn greets_at(service: &Service) -> Checked {
    let page = service.ask("GET", "/")?;
    let expected = "200 and `Hello World! I have been seen N times.`";
    match (page.seen(), page.header("content-type")) {
        (Some(_), Some("text/plain; charset=utf-8")) => Ok(()),
        (Some(_), Some("text/html; charset=utf-8")) => has_but(but::HTML),
        (Some(_), _) => lacks_answer("GET /", &page, "content-type: text/plain; charset=utf-8"),
        (None, _) if page.turns_away() => unless_busy(lacks_answer("GET /", &page, expected)),
        (None, _) => lacks_answer("GET /", &page, expected),
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
        return lacks(format!(
            "the first visit on an empty store has number {first}"
        ));
    }
    let last = first + SEQUENCE - 1;
    for number in first + 1..=last {
        let seen = service.visit()?;
        if seen != number {
            return lacks(format!("after number {} comes number {seen}", number - 1));
        }
    }
    let head = service.ask("HEAD", "/")?;
    if head.status != 200 {
        return lacks_answer("HEAD /", &head, "200, as for GET");
    }
    match service.visit()? {
        number if number == last + 2 => Ok(()),
        number if number == last + 1 => has_but(but::HEAD_IS_NO_VISIT),
        number => lacks(format!(
            "after number {last}, a HEAD / and a GET / comes number {number}"
        )),
    }
}

pub fn unique(testbed: &Testbed) -> Checked {
    unique_at(&testbed.service()?.1)
}

/// The same, of a service that runs.
pub fn unique_at(service: &Service) -> Checked {
    let ((), flaw) = visits(service, || Ok(()))?;
    flaw.map_or(Ok(()), lacks)
}

/// The visits must be counted right all the same. The lack is that they cost more commands.
pub fn few_round_trips(testbed: &Testbed) -> Checked {
    let (redis, service) = testbed.own(&[])?;
    let mut client = redis.client()?;
    let (before, flaw) = visits(&service, || commands(&mut client))?;
    let commands = commands(&mut client)? - before;
    flaw.map_or(Ok(()), broken)?;
    are_few(commands as f64 / (CLIENTS * VISITS_EACH) as f64)
}

fn are_few(commands_per_visit: f64) -> Checked {
    match commands_per_visit {
        0.0 => has_but(but::NO_REDIS),
        ..=COMMANDS_PER_VISIT_MAX => Ok(()),
        per_visit => {
            let lack = lacks(format!(
                "{} Redis commands a visit at {CLIENTS} connections",
                as_too_many(per_visit)
            ));
            // Where visits do share commands, a busy machine lets fewer of them come at the same time.
            match per_visit < 0.5 {
                true => unless_busy(lack),
                false => lack,
            }
        }
    }
}

/// Commands a visit that are too many, with as many decimals as show that; two at least.
fn as_too_many(per_visit: f64) -> String {
    let mut texts = (2..).map(|decimals| format!("{per_visit:.decimals$}"));
    let shows = |text: &String| {
        let shown = text.parse::<f64>();
        shown.is_ok_and(|shown| shown > COMMANDS_PER_VISIT_MAX)
    };
    texts.find(shows).expect("they are more than the limit")
}

/// Visits by many clients at once, of which a busy machine may make the service refuse some. Returns what
/// `before` said in the moment before they came, and what is wrong with their numbers.
fn visits<T>(
    service: &Service,
    mut before: impl FnMut() -> Checked<T>,
) -> Checked<(T, Option<String>)> {
    retry(LOADS, || {
        let first = service.serves_within(CALM, "before the visits")? + 1;
        let before = before()?;
        let (numbers, refused) = service.visits(CLIENTS, VISITS_EACH)?;
        Ok((before, ledger::flaw(&numbers, first, refused)))
    })
}

pub fn ignores_strangers(testbed: &Testbed) -> Checked {
    let (_redis, service) = testbed.service()?;
    let before = service.visit()?;
    let icon = service.ask("GET", "/favicon.ico")?;
    let post = service.ask("POST", "/")?;
    let after = service.visit()?;
    if icon.status != 404 {
        return lacks_answer("GET /favicon.ico", &icon, "404");
    }
    if after != before + 1 {
        return lacks(format!(
            "number {before}, then GET /favicon.ico and POST /, then number {after}: they count"
        ));
    }
    match (post.status, post.header("allow")) {
        (405, Some(_)) => Ok(()),
        (404, _) => has_but(but::NOT_FOUND),
        _ => lacks_answer("POST /", &post, "405 with an Allow header"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_shown_as_more_than_the_limit() {
        let one_command_too_many = 1281.0 / (CLIENTS * VISITS_EACH) as f64;
        for (per_visit, shown) in [
            (3.0, "3.00"),
            (1.002, "1.00"),
            (0.1049, "0.105"),
            (0.101, "0.101"),
            (one_command_too_many, "0.1001"),
        ] {
            assert_eq!(as_too_many(per_visit), shown);
        }
    }

    #[test]
    fn a_busy_machine_is_a_reason_only_where_visits_share_commands() {
        assert!(are_few(COMMANDS_PER_VISIT_MAX).is_ok());
        for (per_visit, may_be_busy) in [(0.11, true), (0.49, true), (0.5, false), (1.0, false)] {
            let finding = are_few(per_visit).unwrap_err();
            assert_eq!(finding.unless_busy, may_be_busy, "{per_visit}");
        }
    }
}
