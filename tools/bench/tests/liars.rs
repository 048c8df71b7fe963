//! A contestant that cheats must be found out, by both load generators.
//!
//! Each test starts a small server in this process that is fast because it does not do its work, and
//! measures it as `--against` would. An honest one, measured the same way, must pass.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bench::results::{Entry, Load};
use bench::{Bench, Engine, Executor, Outcome, Setup, Start, Trial};
use load::Url;
use processes::interrupt::Interrupted;

const CONNECTIONS: u32 = 4;

/// Which request of a connection is treated badly: every 20th. Our own checks of the page are the
/// first on theirs, so the server looks right until it is loaded.
const UNLUCKY: usize = 20;

/// What a server does with a request: write an answer, or say that the connection is to be closed.
/// The last argument says whether this request is one of those to be treated badly.
type Behaviour = fn(&AtomicU64, &mut TcpStream, bool) -> bool;

fn count(seen: &AtomicU64) -> u64 {
    seen.fetch_add(1, Ordering::Relaxed) + 1
}

fn answer(stream: &mut TcpStream, status: &str, number: u64) -> bool {
    let body = format!("Hello World! I have been seen {number} times.\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).is_ok()
}

/// Serves on a free port until the test ends.
fn serve(behaviour: Behaviour) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicU64::new(0));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let seen = Arc::clone(&seen);
            thread::spawn(move || converse(stream, &seen, behaviour));
        }
    });
    Url::parse(&url).unwrap()
}

fn converse(mut stream: TcpStream, seen: &AtomicU64, behaviour: Behaviour) {
    stream.set_nodelay(true).unwrap();
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut requests = 0;
    let mut must_close = false;
    for line in lines.map_while(Result::ok) {
        must_close |= line.eq_ignore_ascii_case("connection: close");
        if !line.is_empty() {
            continue;
        }
        requests += 1;
        let is_unlucky = requests % UNLUCKY == 0;
        if !behaviour(seen, &mut stream, is_unlucky) || must_close {
            return;
        }
    }
}

/// The load generators that this machine has. Without wrk, half of the tests is left out.
fn engines() -> Vec<Engine> {
    let wrk = Engine::find_wrk().unwrap();
    if wrk.is_none() {
        eprintln!("wrk is not installed: only the built-in engine is tested");
    }
    wrk.into_iter().chain([builtin()]).collect()
}

fn builtin() -> Engine {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_bench"));
    Engine::Builtin { program }
}

/// Measures a server for a second with one engine.
fn measure(engine: Engine, page: Url, load: Load) -> Outcome {
    let mut bench = Bench::new(Setup {
        starts: HashMap::from([("stub".to_owned(), Start::Running(page))]),
        redis: None,
        closed: engine,
        open: builtin(),
        threads: 1,
        duration: Duration::from_secs(1),
        warm_up: Duration::ZERO,
        other_cpu_max: 1.0,
        interrupted: Interrupted::default(),
    });
    let stub = Entry {
        name: "stub".to_owned(),
        repeats: None,
        failure: None,
    };
    bench.start(&[stub], CONNECTIONS);
    bench.execute(&Trial {
        contestant: "stub".to_owned(),
        connections: CONNECTIONS,
        load,
        round: 1,
    })
}

/// Every engine must discard the server's round, for a reason that contains `expected`.
fn is_found_out(behaviour: Behaviour, expected: &str) {
    for engine in engines() {
        let name = engine.name();
        let outcome = measure(engine, serve(behaviour), Load::Capacity);
        assert!(
            outcome
                .discarded
                .iter()
                .any(|reason| reason.contains(expected)),
            "{name} did not find \"{expected}\": {outcome:#?}"
        );
    }
}

fn honest(seen: &AtomicU64, stream: &mut TcpStream, _is_unlucky: bool) -> bool {
    answer(stream, "200 OK", count(seen))
}

#[test]
fn an_honest_server_passes() {
    for engine in engines() {
        let name = engine.name();
        let outcome = measure(engine, serve(honest), Load::Capacity);
        assert_eq!(outcome.discarded, [""; 0], "{name}: {outcome:#?}");
        let figures = outcome.figures.unwrap();
        assert!(figures.report.responses > 0, "{name}");
        assert!(figures.report.latency_us.max > 0.0, "{name}");
    }
}

#[test]
fn an_open_loop_sends_what_it_was_told_to() {
    let outcome = measure(builtin(), serve(honest), Load::FixedRate(200.0));
    let report = outcome.figures.unwrap().report;
    assert_eq!(report.responses, 200, "not the rate that was asked for");
    assert_eq!(report.errors.values().sum::<u64>(), 0);
}

#[test]
fn a_server_that_answers_without_counting_is_found_out() {
    is_found_out(
        |seen, stream, is_unlucky| {
            let number = match is_unlucky {
                true => seen.load(Ordering::Relaxed),
                false => count(seen),
            };
            answer(stream, "200 OK", number)
        },
        "visits were counted",
    );
}

#[test]
fn a_server_that_never_counts_is_found_out_before_it_is_loaded() {
    is_found_out(
        |_, stream, _| answer(stream, "200 OK", 1),
        "the page does not count",
    );
}

#[test]
fn a_server_that_counts_twice_is_found_out() {
    is_found_out(
        |seen, stream, is_unlucky| {
            if is_unlucky {
                count(seen);
            }
            answer(stream, "200 OK", count(seen))
        },
        "visits were counted",
    );
}

/// It answers one number twice and skips the next, so that the counter adds up. wrk does not read
/// the numbers; the built-in engine does.
#[test]
fn a_server_that_gives_a_number_twice_is_found_out() {
    let page = serve(|seen, stream, is_unlucky| {
        answer(stream, "200 OK", count(seen) - u64::from(is_unlucky))
    });
    let outcome = measure(builtin(), page, Load::Capacity);
    let is_seen = |reason: &String| reason.contains("given before");
    assert!(outcome.discarded.iter().any(is_seen), "{outcome:#?}");
}

#[test]
fn a_server_that_sends_500s_is_found_out() {
    is_found_out(
        |seen, stream, is_unlucky| {
            let status = match is_unlucky {
                true => "500 Internal Server Error",
                false => "200 OK",
            };
            answer(stream, status, count(seen))
        },
        "another status than 200",
    );
}

#[test]
fn a_server_that_closes_connections_is_found_out() {
    is_found_out(
        |seen, stream, is_unlucky| !is_unlucky && answer(stream, "200 OK", count(seen)),
        "connections were lost",
    );
}

#[test]
fn a_server_that_serves_another_page_is_found_out_before_it_is_loaded() {
    is_found_out(
        |_, stream, _| {
            let page = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHi\n";
            stream.write_all(page).is_ok()
        },
        "is not the page",
    );
}

#[test]
fn a_server_that_is_not_there_is_reported() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", gone.local_addr().unwrap());
    drop(gone);
    let outcome = measure(builtin(), Url::parse(&url).unwrap(), Load::Capacity);
    assert!(
        outcome.discarded[0].contains("does not answer"),
        "{outcome:#?}"
    );
}

/// The stall is a quarter of the test. A closed loop would see four slow answers in a thousand; an
/// open loop sees every request that was due meanwhile.
#[test]
fn a_stall_counts_for_every_request_that_was_due_meanwhile() {
    static STALL: Mutex<()> = Mutex::new(());
    let page = serve(|seen, stream, _| {
        let all_wait = STALL.lock().unwrap();
        let number = count(seen);
        if number == 500 {
            thread::sleep(Duration::from_millis(250));
        }
        drop(all_wait);
        answer(stream, "200 OK", number)
    });
    let outcome = measure(builtin(), page, Load::FixedRate(1000.0));
    let latency = outcome.figures.expect("a report").report.latency_us;
    assert!(latency.p90 >= 50_000.0, "the stall is hidden: {latency:?}");
}
