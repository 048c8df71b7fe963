//! Every way in which a visit can end has its name.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use load::{Arrivals, Load, Outcome, Schedule, Visitor};

/// A server that gives each request of its one connection the next of these answers, and then ends it. An
/// empty answer is none, for ever.
fn server(answers: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for answer in answers {
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            while answer.is_empty() {
                thread::park();
            }
        }
    });
    addr
}

/// Nobody listens there.
fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

const PAGE: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 39\r\n\r\nHello World! I have been seen 5 times.\n";
const LIE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nHello\n";
const REFUSAL: &str = "HTTP/1.1 503 -\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
const NO_REFUSAL: &str = "HTTP/1.1 503 -\r\ncontent-length: 0\r\n\r\n";

#[test]
fn every_end_of_a_visit_has_its_name() {
    for (answers, expected) in [
        (&[PAGE][..], Outcome::Number(5)),
        (&[LIE], Outcome::NoNumber),
        (&[REFUSAL], Outcome::Refused),
        (&[NO_REFUSAL], Outcome::Failed(503)),
        (&["HTTP/1.1 200"], Outcome::Cut),
        (&[""], Outcome::Silent),
    ] {
        let mut visitor = Visitor::new(vec![server(answers)], Duration::from_millis(500));
        assert_eq!(visitor.visit().outcome, expected, "{answers:?}");
    }
    let mut visitor = Visitor::new(vec![nowhere()], Duration::from_secs(5));
    assert_eq!(visitor.visit().outcome, Outcome::Unconnected);
    assert!(!Outcome::Unconnected.is_unknown() && Outcome::Refused.is_unknown());
}

#[test]
fn a_visitor_goes_on_over_one_connection_and_then_to_the_next_copy() {
    let copies = vec![server(&[REFUSAL, PAGE]), server(&[PAGE])];
    let mut visitor = Visitor::new(copies, Duration::from_secs(10));
    let mut outcome = || visitor.visit().outcome;
    assert_eq!(
        [outcome(), outcome()],
        [Outcome::Refused, Outcome::Number(5)]
    );
    // The first copy is gone by now, or the visit that finds it out says so.
    let third = outcome();
    assert!(
        matches!(third, Outcome::Number(5) | Outcome::Cut),
        "{third:?}"
    );
}

/// When visits were due, in order, until there were so many.
fn due(arrivals: Arrivals, seed: u64, visits: usize) -> Vec<Duration> {
    let load = Load {
        visitors: 4,
        arrivals,
    };
    let lasts = Duration::from_millis(500);
    let schedule = Schedule::new(load, vec![nowhere()], seed, lasts, Duration::from_secs(5));
    let (over, due) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let visit = |_: &mut Visitor, moment| {
        let mut due = due.lock().unwrap();
        due.push(moment);
        over.fetch_or(due.len() == visits, Relaxed);
        Outcome::Number(1)
    };
    thread::scope(|scope| schedule.send(scope, &over, &visit));
    let mut due = due.into_inner().unwrap();
    due.sort();
    due.iter().map(|moment| *moment - due[0]).collect()
}

#[test]
fn an_open_loop_follows_its_plan_and_a_closed_one_ends_when_it_is_over() {
    let open = |seed| due(Arrivals::PerSecond(200), seed, usize::MAX);
    assert_eq!(open(7), open(7));
    assert_ne!(open(7), open(8));
    assert!(
        (50..150).contains(&open(7).len()),
        "100 were to be expected"
    );
    assert!(due(Arrivals::After(1), 7, 20).len() >= 20);
}
