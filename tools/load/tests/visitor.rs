//! Every way in which a visit can end has its name.

use std::{
    collections::HashSet,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
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

/// When the first visits were due, in order.
fn due(arrivals: Arrivals, seed: u64, visits: usize) -> Vec<Duration> {
    let load = Load {
        visitors: 4,
        arrivals,
    };
    let schedule = Schedule::new(load, vec![nowhere()], seed, Duration::from_secs(5));
    let (over, due) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let visit = |_: &mut Visitor, moment| {
        let mut due = due.lock().unwrap();
        due.push(moment);
        over.fetch_or(due.len() == visits, Relaxed);
        Outcome::Number(1)
    };
    thread::scope(|scope| schedule.send(scope, &over, &visit).unwrap());
    let mut due = due.into_inner().unwrap();
    due.sort();
    due.truncate(visits);
    due.iter().map(|moment| *moment - due[0]).collect()
}

#[test]
fn an_open_loop_follows_its_plan_and_a_closed_one_ends_when_it_is_over() {
    let open = |seed| due(Arrivals::PerSecond(200), seed, 100);
    assert_eq!(open(7), open(7));
    assert_ne!(open(7), open(8));
    let half_a_second = open(7)[99].as_millis();
    assert!((250..1000).contains(&half_a_second), "{half_a_second} ms");
    assert_eq!(due(Arrivals::After(1), 7, 20).len(), 20);
}

#[test]
fn the_load_and_the_addresses_change_while_visitors_come() {
    let load = |visitors, arrivals| Load { visitors, arrivals };
    let at_first = load(2, Arrivals::After(1));
    let schedule = Schedule::new(at_first, vec![nowhere()], 7, Duration::from_secs(5));
    let (over, has_answered) = (AtomicBool::new(false), AtomicBool::new(false));
    let seen = Mutex::new(HashSet::new());
    let visit = |visitor: &mut Visitor, _| {
        let outcome = visitor.visit().outcome;
        has_answered.fetch_or(outcome == Outcome::Number(5), Relaxed);
        seen.lock().unwrap().insert(thread::current().id());
        outcome
    };
    // Whether that is so of those who come, at some time.
    let becomes = |is_so: &dyn Fn(usize) -> bool| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            seen.lock().unwrap().clear();
            thread::sleep(Duration::from_millis(200));
            if is_so(seen.lock().unwrap().len()) {
                return true;
            }
        }
        false
    };
    let loads = [
        load(5, Arrivals::After(1)),
        load(1, Arrivals::After(1)),
        load(0, Arrivals::PerSecond(500)),
        load(3, Arrivals::PerSecond(500)),
        load(4, Arrivals::After(1)),
    ];
    let found = thread::scope(|scope| {
        let mut found = loads.map(|load| {
            schedule.change(load);
            let sent = schedule.send(scope, &over, &visit);
            sent.is_ok() && becomes(&|visitors| visitors == load.visitors)
        });
        schedule.lead_to(vec![server(&[PAGE])]);
        found[0] &= becomes(&|_| has_answered.load(Relaxed));
        over.store(true, Relaxed);
        found
    });
    assert_eq!(found, [true; 5]);
}
