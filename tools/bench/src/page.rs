//! The page under test: where it is, what it says, and whether it counts.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hyper::Uri;
use processes::interrupt::Interrupted;

/// How long one check of the page may take. A server that digs through a queue of a thousand others
/// is slow, not broken.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// How long visits that were under way may go on counting after a load has ended.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a counter must stand still. A server with several processes may answer us at once from
/// one of them while another still works on what the load left behind.
const SETTLE_INTERVAL: Duration = Duration::from_millis(300);

/// The longest page that is read. The right one has less than a hundred bytes.
const PAGE_BYTES_MAX: u64 = 64 * 1024;

/// Where a page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Host and port, such as `127.0.0.1:8000`.
    pub authority: String,
    /// The path, such as `/`.
    pub path: String,
}

/// A counter that stands still, and the visits that it took to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// The number of the last check.
    pub number: u64,
    /// How many checks it took: each counts as a visit.
    pub checks: u64,
}

impl Page {
    /// Reads a URL such as `http://127.0.0.1:8000/`.
    ///
    /// # Errors
    ///
    /// When it is not a URL, or not one that starts with `http://`.
    pub fn parse(url: &str) -> Result<Page> {
        let expected = "expected one such as http://127.0.0.1:8000/";
        let uri: Uri = url
            .parse()
            .with_context(|| format!("{url} is not a URL; {expected}"))?;
        ensure!(
            uri.scheme_str() == Some("http"),
            "{url} does not start with http://; {expected}"
        );
        let host = uri
            .host()
            .with_context(|| format!("{url} has no host; {expected}"))?;
        Ok(Page {
            authority: format!("{host}:{}", uri.port_u16().unwrap_or(80)),
            path: uri.path().to_owned(),
        })
    }

    /// The URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.authority, self.path)
    }

    /// Visits the page once and returns the number on it.
    ///
    /// # Errors
    ///
    /// When there is no answer within 20 s, or it is not a page with status 200 and a number.
    fn check(&self) -> Result<u64> {
        let answer = self
            .get()
            .with_context(|| format!("{} does not answer", self.url()))?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.lines().next().unwrap_or_default();
        ensure!(
            status.split(' ').nth(1) == Some("200"),
            "{} answers \"{status}\" instead of 200",
            self.url()
        );
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        match number(body) {
            Some(number) => Ok(number),
            None => bail!(
                "{} is not the page \"Hello World! I have been seen N times.\" but \"{}\"",
                self.url(),
                body.trim().chars().take(60).collect::<String>()
            ),
        }
    }

    /// Checks the page twice: it must be the right one, and the number must grow.
    ///
    /// # Errors
    ///
    /// When the page is wrong, or stands still.
    pub(crate) fn check_that_it_counts(&self) -> Result<()> {
        let (first, second) = (self.check()?, self.check()?);
        must_grow(first, second)
    }

    /// Checks the page until nobody else is seen to count: two checks, some time and one number
    /// apart.
    ///
    /// # Errors
    ///
    /// When the page is wrong, stands still, or still moves after 30 s.
    pub(crate) fn settle(&self, interrupted: &Interrupted) -> Result<Settled> {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        let mut number = self.check()?;
        let mut checks = 1;
        loop {
            sleep(SETTLE_INTERVAL);
            let next = self.check()?;
            checks += 1;
            must_grow(number, next)?;
            if next == number + 1 {
                return Ok(Settled {
                    number: next,
                    checks,
                });
            }
            ensure!(
                Instant::now() < deadline && !interrupted.yet(),
                "the counter still moves by itself {SETTLE_TIMEOUT:?} after the load ended"
            );
            number = next;
        }
    }

    fn get(&self) -> Result<Vec<u8>> {
        let address = self
            .authority
            .to_socket_addrs()?
            .next()
            .context("the name has no address")?;
        let mut stream = TcpStream::connect_timeout(&address, CHECK_TIMEOUT)?;
        stream.set_read_timeout(Some(CHECK_TIMEOUT))?;
        let Page { authority, path } = self;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(PAGE_BYTES_MAX).read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn must_grow(number: u64, next: u64) -> Result<()> {
    ensure!(
        next > number,
        "two visits in a row got the numbers {number} and {next}: the page does not count"
    );
    Ok(())
}

/// The number on a page that says `I have been seen N times.`
pub(crate) fn number(body: &str) -> Option<u64> {
    let (_, rest) = body.split_once("I have been seen ")?;
    let (number, _) = rest.split_once(" times.")?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let page = Page::parse("http://localhost:8000").unwrap();
        assert_eq!(page.url(), "http://localhost:8000/");
        assert_eq!(
            Page::parse("http://[::1]/a").unwrap().url(),
            "http://[::1]:80/a"
        );
        for url in ["https://localhost/", "localhost:8000", "http://", "fish"] {
            let error = Page::parse(url).unwrap_err().to_string();
            assert!(error.contains("http://127.0.0.1:8000/"), "{url}: {error}");
        }
    }

    #[test]
    fn only_the_right_sentence_has_a_number() {
        assert_eq!(
            number("Hello World! I have been seen 42 times.\n"),
            Some(42)
        );
        for body in [
            "",
            "I have been seen",
            "I have been seen -1 times.",
            "I have been seen many times.",
        ] {
            assert_eq!(number(body), None, "{body}");
        }
    }
}
