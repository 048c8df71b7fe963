//! The check in which one client holds more connections than the service can have.

use std::{
    thread,
    time::{Duration, Instant},
};

use load::{
    Connection, HALF_A_REQUEST,
    hostile::{self, Client},
};

use super::retry;
use crate::{
    finding::{Checked, Finding, broken},
    service::Service,
    testbed::Testbed,
};

/// How many files a service may open that is to run out of them, and how many connections one client
/// holds, or tries to.
const FILES_SCRIPT: &str = "ulimit -n 256; exec \"$0\" \"$@\"";
const HOSTILE_CONNECTIONS: usize = 300;
const A_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: hostile\r\n\r\n";

/// How often each of them asks, well before an idle connection is closed.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// How long they have the service to themselves, and how long others come after that.
const SETTLE: Duration = Duration::from_millis(1500);
const WATCH: Duration = Duration::from_secs(4);

/// How long one of the others waits for an answer, and how long between two of them.
const PLACE_TIMEOUT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// How often all this is tried: on a busy machine somebody may wait for longer.
const TRIES: usize = 3;

/// The lack is exactly that none of the others is answered, be it that all connections are taken or that the
/// process has run out of files. One client tries both ways to hold a connection: with a whole request now
/// and then, and with half of one.
pub fn shares_places(testbed: &Testbed) -> Checked {
    let testbed = Testbed {
        script: Some(FILES_SCRIPT),
        ..*testbed
    };
    let mut is_first = true;
    retry(TRIES, || {
        let mut flaws = Vec::new();
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
            if late == came && is_first {
                return Ok(Ok(Finding::lacks(flaw)));
            }
            if late > 0 {
                flaws.push(flaw);
            }
        }
        is_first = false;
        if flaws.is_empty() {
            return Ok(Ok(Finding::has()));
        }
        Ok(Err(flaws.join("\n")))
    })
}

/// Whether each of the others was answered while one client holds as many connections as it can.
fn others(service: &Service, request: &[u8]) -> Checked<Vec<bool>> {
    let mut clients = Vec::with_capacity(HOSTILE_CONNECTIONS);
    for number in 0..HOSTILE_CONNECTIONS {
        let client = Client::open(service.addr)?;
        // Not all of them ask in the same moment.
        let pause = KEEP_ALIVE.mul_f64(number as f64 / HOSTILE_CONNECTIONS as f64);
        clients.push((client, Instant::now() + pause));
    }
    let attack = || {
        for (client, next) in &mut clients {
            client.receive();
            if client.is_closed() {
                let Ok(anew) = Client::open(service.addr) else {
                    continue;
                };
                (*client, *next) = (anew, Instant::now());
            }
            let is_half = request == HALF_A_REQUEST;
            if Instant::now() >= *next && !(is_half && client.sent > 0) && client.send(request) > 0
            {
                *next = Instant::now() + KEEP_ALIVE;
            }
        }
    };
    hostile::beside(attack, || {
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
    })
}

/// Whether a newcomer gets the page in time. Any other answer is an error.
fn is_answered(service: &Service, path: &str) -> Checked<bool> {
    let asked = Instant::now();
    let answer = Connection::open_within(service.addr, PLACE_TIMEOUT).and_then(|mut connection| {
        connection.send("GET", path)?;
        connection.receive("GET", PLACE_TIMEOUT)
    });
    match answer {
        // Not every service has the second page. That is for another check.
        Ok(answer) if answer.status == 200 || (path != "/" && answer.status == 404) => {
            Ok(asked.elapsed() <= PLACE_TIMEOUT)
        }
        Ok(answer) => broken(format!(
            "beside one client with {HOSTILE_CONNECTIONS} connections, GET {path} answered\n{answer}\
             \nexpected: 200"
        )),
        Err(_) => Ok(false),
    }
}
