//! Servers that lie, each in one way. The suite must find every one of them out.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use contract::{CAPABILITIES, Source, Subject, Verdict};

/// How a server lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    HtmlAsText,
    WrongWords,
    ServerError,
    MalformedHeader,
    NumberTwice,
    NumberSkipped,
    CountsTheIcon,
    CountsThePost,
    HeadIsFree,
    NoAllow,
    HangsUp,
    ReadsThenWrites,
}

/// Starts a server that tells this lie, and returns its URL.
fn server(lie: Lie) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicU64::new(0));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, count) = (stream.unwrap(), count.clone());
            thread::spawn(move || serve(&stream, lie, &count));
        }
    });
    url
}

fn serve(stream: &TcpStream, lie: Lie, count: &AtomicU64) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut lines = BufReader::new(stream).lines();
    loop {
        let request = lines.next()?.ok()?;
        while !lines.next()?.ok()?.is_empty() {}
        let words: Vec<&str> = request.split(' ').collect();
        let answer = answer(words[0], words[1], lie, count)?;
        (&*stream).write_all(answer.as_bytes()).ok()?;
    }
}

fn answer(method: &str, path: &str, lie: Lie, count: &AtomicU64) -> Option<String> {
    let visit = || match next(lie, count) {
        number @ 10.. if lie == Lie::NumberTwice => number - 1,
        number @ 10.. if lie == Lie::NumberSkipped => number + 1,
        number => number,
    };
    let not_found = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned();
    match (method, path) {
        ("GET", "/") => {
            let number = visit();
            if lie == Lie::HangsUp && number == 15 {
                return None;
            }
            let words = if lie == Lie::WrongWords {
                "Hello world"
            } else {
                "Hello World"
            };
            let body = format!("{words}! I have been seen {number} times.\n");
            let kind = if lie == Lie::HtmlAsText {
                "text/html"
            } else {
                "text/plain; charset=utf-8"
            };
            let status = if lie == Lie::ServerError {
                "500 Oops"
            } else {
                "200 OK"
            };
            let header = if lie == Lie::MalformedHeader {
                "bad header: 1\r\n"
            } else {
                ""
            };
            let length = body.len();
            Some(format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{header}content-length: {length}\r\n\r\n{body}"
            ))
        }
        ("HEAD", "/") => {
            if lie != Lie::HeadIsFree {
                visit();
            }
            Some("HTTP/1.1 200 OK\r\ncontent-length: 39\r\n\r\n".to_owned())
        }
        ("GET", "/favicon.ico") => {
            if lie == Lie::CountsTheIcon {
                visit();
            }
            Some(not_found)
        }
        ("POST", "/") => {
            if lie == Lie::CountsThePost {
                visit();
            }
            let allow = if lie == Lie::NoAllow {
                ""
            } else {
                "allow: GET,HEAD\r\n"
            };
            Some(format!(
                "HTTP/1.1 405 Method Not Allowed\r\n{allow}content-length: 0\r\n\r\n"
            ))
        }
        _ => Some(not_found),
    }
}

/// The next number. Between reading the count and writing it, another visitor may read it, too.
fn next(lie: Lie, count: &AtomicU64) -> u64 {
    if lie != Lie::ReadsThenWrites {
        return count.fetch_add(1, Ordering::Relaxed) + 1;
    }
    let number = count.load(Ordering::Relaxed) + 1;
    thread::sleep(Duration::from_millis(1));
    count.store(number, Ordering::Relaxed);
    number
}

/// What the suite says of a server, as a line for each capability that it checked.
fn verdicts(lie: Lie) -> String {
    let url = server(lie);
    let subject = Subject::url(&url).unwrap();
    let report = contract::run(&subject, &Source::Running(String::new()), &[], |_| {});
    assert_eq!(report.cells.len(), CAPABILITIES.len());
    let cells = report.cells.iter();
    let checked = cells.filter(|cell| cell.finding.verdict != Verdict::LeftOut);
    let lines = checked.map(|cell| {
        let evidence = cell.finding.evidence.lines().next().unwrap_or_default();
        let sign = if cell.as_expected { "ok " } else { "BAD" };
        format!("{sign} {} {} {evidence}", cell.id, cell.finding.verdict)
            .trim_end()
            .to_owned()
            + "\n"
    });
    lines.collect()
}

#[test]
fn an_honest_stranger_is_believed() {
    insta::assert_snapshot!(verdicts(Lie::None), @r"
    ok  greets has
    ok  counts has
    ok  unique has
    ok  ignores-strangers has
    ");
}

#[test]
fn every_liar_is_found_out() {
    for (lie, capability) in [
        (Lie::HtmlAsText, "greets"),
        (Lie::WrongWords, "greets"),
        (Lie::ServerError, "greets"),
        (Lie::MalformedHeader, "greets"),
        (Lie::NumberTwice, "counts"),
        (Lie::NumberSkipped, "counts"),
        (Lie::HangsUp, "counts"),
        (Lie::CountsTheIcon, "ignores-strangers"),
        (Lie::CountsThePost, "ignores-strangers"),
        (Lie::NoAllow, "ignores-strangers"),
    ] {
        let verdicts = verdicts(lie);
        let line = verdicts
            .lines()
            .find(|line| line.contains(&format!(" {capability} ")));
        assert!(
            line.is_some_and(|line| line.starts_with("BAD")),
            "{lie:?} went unnoticed:\n{verdicts}"
        );
    }
    assert!(verdicts(Lie::HeadIsFree).contains("counts has, but HEAD / does not count"));
}

#[test]
fn a_number_given_twice_under_load_is_named() {
    let verdicts = verdicts(Lie::ReadsThenWrites);
    let line = |id: &str| {
        let mut lines = verdicts.lines();
        lines
            .find(|line| line.contains(&format!(" {id} ")))
            .unwrap()
    };
    // One after the other, the visitors see nothing of it.
    assert!(line("counts").starts_with("ok "), "{verdicts}");
    assert!(
        line("unique").starts_with("BAD") && line("unique").contains("given twice"),
        "{verdicts}"
    );
}

#[test]
fn a_malformed_url_is_explained() {
    for url in [
        "localhost:8000",
        "https://localhost",
        "http://",
        "http://localhost/path",
        "http://no.such.host.invalid",
    ] {
        let error = Subject::url(url).err().unwrap();
        assert!(
            error.contains(url) && error.contains("such as http://localhost:8000"),
            "{error}"
        );
    }
}
