//! The check in which many clients send as much as they can, and that measures what it costs.

use super::prelude::*;
use crate::hostile::Client;

/// Clients that send a large head.
const LARGE_HEADS: usize = 128;

/// How much memory one connection may cost. 4096 of them, which is our steps' limit, then fit into the
/// 256 MiB of the compose file.
const BYTES_PER_CONNECTION: u64 = 64 * 1024;

/// The header lines of the heads: as many and as long as most servers let pass, and just below the
/// limit of our steps, which is 16 KiB.
const HUGE_LINES: (usize, usize) = (4, 60_000);
const LAWFUL_LINES: (usize, usize) = (2, 7_000);

/// How long the heads may take to be read and refused, and lawful ones to be read; and the answer to one
/// of these.
const HEADS_TIMEOUT: Duration = Duration::from_secs(20);
const LAWFUL_TIME: Duration = Duration::from_millis(500);
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// The lack is exactly that the memory of the process grows by more than that for each connection.
pub fn bounded_memory(testbed: &Testbed) -> Checked {
    let (_redis, service) = testbed.own(&[LONG_HEADER_TIMEOUT])?;
    service.visit_at_once(32)?;
    let mut largest = 0;
    for (lines, is_lawful) in [(LAWFUL_LINES, true), (HUGE_LINES, false)] {
        let head = head(lines);
        let clients = (0..LARGE_HEADS).map(|_| Client::open(service.addr));
        let mut clients = clients.collect::<Result<Vec<_>, _>>()?;
        let grown = grown(&service, &mut clients, &head, is_lawful)?;
        largest = largest.max(grown / LARGE_HEADS as u64);
        if largest > BYTES_PER_CONNECTION {
            return lacks(format!(
                "{LARGE_HEADS} clients send {} KB of a head each, and the memory grows by {} KiB a connection \
                 and more",
                head.len() / 1000,
                largest / 1024,
            ));
        }
        let beside = format!("beside {LARGE_HEADS} clients with a large head");
        service.serves_within(OTHERS_TIMEOUT, beside)?;
        if is_lawful {
            finish(&service, &mut clients[0])?;
        }
    }
    has(format!("{} KiB a connection", largest / 1024))
}

/// A head that lacks nothing but its end.
fn head((lines, length): (usize, usize)) -> Vec<u8> {
    let line = format!("x-large: {}\r\n", "x".repeat(length));
    format!("GET / HTTP/1.1\r\nhost: large\r\n{}", line.repeat(lines)).into_bytes()
}

/// Sends the head on all the connections, which stay open, and says by how much the memory grows while
/// the service reads it: until it is too much; or else a moment longer than it takes to send a lawful
/// head, and until everybody with another is refused or closed.
fn grown(service: &Service, clients: &mut [Client], head: &[u8], is_lawful: bool) -> Checked<u64> {
    let before = service.resident_bytes()?;
    let deadline = Instant::now() + HEADS_TIMEOUT;
    let mut unsent_at = Instant::now();
    let mut grown = 0;
    loop {
        let mut waiting = 0;
        for client in &mut *clients {
            let rest = &head[client.sent.min(head.len())..];
            if !rest.is_empty() && !client.is_closed() {
                client.send(rest);
                unsent_at = Instant::now();
            }
            client.receive();
            let is_refused = client.is_closed() || client.received.starts_with(b"HTTP/1.1 4");
            waiting += usize::from(!is_refused);
        }
        grown = grown.max(service.resident_bytes()?.saturating_sub(before));
        let is_over = if is_lawful {
            unsent_at.elapsed() > LAWFUL_TIME
        } else {
            waiting == 0
        };
        if is_over || grown / LARGE_HEADS as u64 > BYTES_PER_CONNECTION {
            return Ok(grown);
        }
        if Instant::now() > deadline {
            return broken(format!(
                "of {LARGE_HEADS} clients that send {} KB of a head, {waiting} are neither refused nor \
                 closed after {HEADS_TIMEOUT:?}",
                head.len() / 1000
            ));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Whoever sent no more than the limit is answered, when the end of the head comes.
fn finish(service: &Service, client: &mut Client) -> Checked {
    client.send(b"\r\n");
    let deadline = Instant::now() + FINISH_TIMEOUT;
    while !client.received.starts_with(b"HTTP/1.1 200 ") {
        client.receive();
        if client.is_closed() || Instant::now() > deadline {
            let seen = String::from_utf8_lossy(&client.received);
            return unless_busy(service.broken(format!(
                "a head of 14 KB was answered with {seen:?}; expected: 200"
            )));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
