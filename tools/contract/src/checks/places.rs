//! The check in which one client holds more connections than the service can have.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use load::{Connection, HALF_A_REQUEST};

use super::prelude::*;
use crate::hostile::Client;

/// How many files a service may open that is to run out of them, and how many connections one client
/// holds, or tries to.
const FILES_SCRIPT: &str = "ulimit -n 256; exec \"$0\" \"$@\"";
const HOSTILE_CONNECTIONS: usize = 300;
const A_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: hostile\r\n\r\n";

/// How often each of them asks, well before an idle connection is closed.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// How long it rests when it has seen to each of them.
const TICK: Duration = Duration::from_millis(5);

/// How long they have the service to themselves, and how long others come after that.
const SETTLE: Duration = Duration::from_millis(1500);
const WATCH: Duration = Duration::from_secs(4);

/// How long one of the others waits for an answer, and how long between two of them.
const PLACE_TIMEOUT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// The lack is exactly that none of the others is answered, be it that all connections are taken or that the
/// process has run out of files. One client tries both ways to hold a connection: with a whole request now
/// and then, and with half of one.
pub fn shares_places(testbed: &Testbed) -> Checked {
    let testbed = Testbed {
        script: Some(FILES_SCRIPT),
        ..*testbed
    };
    let mut seen = Vec::new();
    for (what, request) in [("requests", A_REQUEST), ("half requests", HALF_A_REQUEST)] {
        let (_redis, service) = testbed.own(&[])?;
        service.visit()?;
        let others = others(&service, request)?;
        let came = others.len();
        let late = others.iter().filter(|is_answered| !**is_answered).count();
        let flaw = format!(
            "beside {HOSTILE_CONNECTIONS} connections of one client that sends {what}, {late} of \
             {came} others were not answered within {PLACE_TIMEOUT:?}"
        );
        match late {
            0 => {}
            _ if late == came => return lacks(flaw),
            _ => seen.push(unless_busy(broken(flaw))),
        }
    }
    all(seen)
}

/// Whether each of the others was answered while one client holds as many connections as it can.
fn others(service: &Service, request: &[u8]) -> Checked<Vec<bool>> {
    let (attack, answers) = load::until(
        1,
        |_, over| attack(service, request, over),
        |_| {
            thread::sleep(SETTLE);
            let started = Instant::now();
            let mut answers = Vec::new();
            while started.elapsed() < WATCH {
                for path in ["/", "/livez"] {
                    answers.push(is_answered(service, path)?);
                    thread::sleep(PAUSE);
                }
            }
            Ok(answers)
        },
    );
    attack.into_iter().collect::<Checked>()?;
    answers
}

/// One client that holds as many connections as it can, and opens anew what is closed.
fn attack(service: &Service, request: &[u8], over: &AtomicBool) -> Checked {
    let mut clients = Vec::with_capacity(HOSTILE_CONNECTIONS);
    for number in 0..HOSTILE_CONNECTIONS {
        let client = Client::open(service.addr)?;
        // Not all of them ask in the same moment.
        let pause = KEEP_ALIVE.mul_f64(number as f64 / HOSTILE_CONNECTIONS as f64);
        clients.push((client, Instant::now() + pause));
    }
    while !over.load(Relaxed) {
        for (client, next) in &mut clients {
            client.receive();
            if client.is_closed() {
                let Ok(anew) = Client::open(service.addr) else {
                    continue;
                };
                (*client, *next) = (anew, Instant::now());
            }
            let is_due = Instant::now() >= *next && !(request == HALF_A_REQUEST && client.sent > 0);
            if is_due && client.send(request) > 0 {
                *next = Instant::now() + KEEP_ALIVE;
            }
        }
        thread::sleep(TICK);
    }
    Ok(())
}

/// Whether a newcomer gets the page in time. Any other answer is an error.
fn is_answered(service: &Service, path: &str) -> Checked<bool> {
    let asked = Instant::now();
    let connection = Connection::open_within(service.addr, PLACE_TIMEOUT);
    let answer =
        connection.and_then(|mut connection| connection.ask_within("GET", path, PLACE_TIMEOUT));
    match answer {
        // Not every service has the second page. That is for another check.
        Ok(answer) if answer.status == 200 || (path != "/" && answer.status == 404) => {
            Ok(asked.elapsed() <= PLACE_TIMEOUT)
        }
        Ok(answer) => unless_busy(broken(format!(
            "beside one client with {HOSTILE_CONNECTIONS} connections, GET {path} answered\n{answer}\
             \nexpected: 200"
        ))),
        Err(_) => Ok(false),
    }
}
