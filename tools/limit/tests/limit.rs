//! The probe from outside: it must do all of the work that it is the limit of.

use std::{
    env,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use contract::{Program, Source, Subject, Verdict};
use private_redis::{RedisProgram, TestRedis};
use processes::{Output, Process};

const LIMIT: &str = env!("CARGO_BIN_EXE_limit");

/// Longer than anything here takes on the slowest machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A probe with a Redis of its own.
struct Probe {
    port: u16,
    process: Process,
    _redis: TestRedis,
}

impl Probe {
    fn start() -> Self {
        let redis = TestRedis::start().unwrap();
        let port = processes::free_port().unwrap();
        let mut command = Command::new(LIMIT);
        command
            .env("ADDR", format!("127.0.0.1:{port}"))
            .env("REDIS_URL", redis.url());
        let mut process = Process::spawn("limit", command, Output::Capture).unwrap();
        process
            .wait_for_line(TIMEOUT, |line| line.contains("http://"))
            .unwrap();
        Self {
            port,
            process,
            _redis: redis,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// All that it answers to these pieces, which arrive one by one, until it closes the connection.
    fn ask(&self, pieces: &[&str]) -> String {
        let mut stream = self.connect();
        for piece in pieces {
            stream.write_all(piece.as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();
        answers
    }
}

/// The first line of each answer, and the numbers of the visits.
fn outline(answers: &str) -> Vec<&str> {
    let is_outline = |line: &&str| line.starts_with("HTTP/") || line.starts_with("Hello");
    answers.lines().filter(is_outline).collect()
}

#[test]
fn the_contract_finds_all_but_overload_protection() {
    let Some(redis) = RedisProgram::find() else {
        let is_strict = env::var_os("SEEN_STRICT").is_some();
        assert!(!is_strict, "redis-server is not on PATH; install it");
        eprintln!("skipped: the contract for the limit: redis-server is not on PATH");
        return;
    };
    let subject = Subject::Step {
        name: "limit".to_owned(),
        number: 5,
        program: Program {
            path: PathBuf::from(LIMIT),
            arguments: Vec::new(),
        },
    };
    let only = [
        "greets",
        "counts",
        "unique",
        "ignores-strangers",
        "survives-restart",
        "shared",
        // Elsewhere the system does not say how many may wait.
        #[cfg(target_os = "linux")]
        "queues-a-burst",
        "few-round-trips",
    ]
    .map(str::to_owned);
    let report = contract::run(&subject, &Source::Private(redis), &only, |_| {});
    assert_eq!(report.cells.len(), only.len());
    for cell in report.cells {
        assert_eq!(cell.finding.verdict, Verdict::Has, "{cell:?}");
    }
}

/// The bytes are those of step 5. A shorter answer would be cheaper to make and to read.
#[test]
fn an_answer_has_the_same_headers_as_that_of_a_step() {
    let probe = Probe::start();
    let answer = probe.ask(&["GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]);
    let (before, date) = answer.split_once("date: ").unwrap();
    assert_eq!(
        before,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 39\r\n\
         connection: close\r\n"
    );
    let (date, body) = date.split_once("\r\n\r\n").unwrap();
    assert!(
        date.len() == 29 && date.ends_with(" GMT"),
        "a date such as Sun, 06 Nov 1994 08:49:37 GMT: {date}"
    );
    assert_eq!(body, "Hello World! I have been seen 1 times.\n");
}

#[test]
fn requests_in_one_piece_are_answered_in_their_order() {
    let probe = Probe::start();
    let answers = probe.ask(&["GET / HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n\r\n\
        HEAD / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n\r\n"]);
    assert_eq!(
        outline(&answers),
        [
            "HTTP/1.1 200 OK",
            "Hello World! I have been seen 1 times.",
            "HTTP/1.1 404 Not Found",
            "HTTP/1.1 200 OK",
            "HTTP/1.1 405 Method Not Allowed",
            "HTTP/1.1 200 OK",
            "Hello World! I have been seen 3 times.",
        ],
        "after HTTP/1.0 the connection ends"
    );
}

/// Where the end of a request is, this probe and whatever stands before it must agree. So what may be
/// read in two ways is refused (RFC 9112, 2.2 and 5.1), and the connection ends.
#[test]
fn a_malformed_head_is_refused_and_nothing_after_it_is_read() {
    let probe = Probe::start();
    for header in [
        "Content-Length : 29",
        "Content-Length\t: 29",
        " Content-Length: 29",
        ": 29",
        "Content-Length",
        "X: a\nContent-Length: 29",
        "X: a\rContent-Length: 29",
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n");
        let answers = probe.ask(&[&request, "GET /hidden HTTP/1.1\r\nA: b\r\n\r\n"]);
        assert_eq!(
            outline(&answers),
            ["HTTP/1.1 400 Bad Request"],
            "{header:?}"
        );
        assert!(answers.contains("connection: close\r\n"), "{answers}");
    }
    let number = probe.ask(&["GET / HTTP/1.0\r\n\r\n"]);
    assert!(number.ends_with("seen 1 times.\n"), "{number}");
}

#[test]
fn close_wins_wherever_it_stands_in_the_list() {
    let probe = Probe::start();
    for connection in ["keep-alive, close", "Close , keep-alive", "x,close,y"] {
        let request = format!("GET /x HTTP/1.1\r\nConnection: {connection}\r\n\r\n");
        let answers = probe.ask(&[&request.repeat(2)]);
        assert_eq!(outline(&answers).len(), 1, "{connection}: {answers}");
    }
    let request = "GET /x HTTP/1.1\r\nConnection: keep-alive, closed\r\n\r\n";
    let answers = probe.ask(&[request, "GET /x HTTP/1.0\r\n\r\n"]);
    assert_eq!(
        outline(&answers).len(),
        2,
        "it was not asked to close: {answers}"
    );
}

#[test]
fn a_request_in_many_pieces_is_one_visit() {
    let probe = Probe::start();
    let answers = probe.ask(&[
        "G",
        "ET / HT",
        "TP/1.1\r",
        "\nHost: x\r\n\r",
        "\nGET / ",
        "HTTP/1.0\r\n",
        "\r\n",
    ]);
    assert_eq!(
        outline(&answers),
        [
            "HTTP/1.1 200 OK",
            "Hello World! I have been seen 1 times.",
            "HTTP/1.1 200 OK",
            "Hello World! I have been seen 2 times.",
        ]
    );
}

/// More answers than the sockets hold, for a client that asks and asks and reads nothing meanwhile.
#[test]
fn who_reads_late_misses_nothing() {
    const VISITS: usize = 1_000;
    const UNKNOWN_PATHS: usize = 200;
    let probe = Probe::start();
    let mut reader = probe.connect();
    let mut writer = reader.try_clone().unwrap();
    let asking = thread::spawn(move || {
        let mut requests = "GET /x HTTP/1.1\r\n\r\n".repeat(UNKNOWN_PATHS);
        requests += "GET / HTTP/1.1\r\n\r\n";
        writer
            .write_all(requests.repeat(VISITS).as_bytes())
            .unwrap();
        writer.write_all(b"GET /x HTTP/1.0\r\n\r\n").unwrap();
    });
    thread::sleep(Duration::from_millis(500));
    // Nobody else has to wait for that.
    let other = probe.ask(&["GET / HTTP/1.0\r\n\r\n"]);
    assert!(other.ends_with(" times.\n"), "{other}");
    let mut answers = String::new();
    reader.read_to_string(&mut answers).unwrap();
    asking.join().unwrap();
    let outline = outline(&answers);
    let strangers = outline
        .iter()
        .filter(|line| line.ends_with("404 Not Found"))
        .count();
    assert_eq!(strangers, UNKNOWN_PATHS * VISITS + 1);
    let numbers: Vec<u64> = outline.iter().filter_map(|line| number(line)).collect();
    assert_eq!(numbers.len(), VISITS);
    assert!(numbers.is_sorted_by(|a, b| a < b), "not in their order");
}

fn number(line: &str) -> Option<u64> {
    let number = line.strip_prefix("Hello World! I have been seen ")?;
    number.strip_suffix(" times.")?.parse().ok()
}

#[test]
fn a_head_without_an_end_is_not_kept() {
    let probe = Probe::start();
    let mut stream = probe.connect();
    // It may close before all is written.
    let _ = stream.write_all("GET / HTTP/1.1\r\nx: ".repeat(10_000).as_bytes());
    let mut answers = Vec::new();
    let end = stream
        .read_to_end(&mut answers)
        .map_err(|error| error.kind());
    assert!(
        matches!(end, Ok(0) | Err(ErrorKind::ConnectionReset)),
        "{end:?} {answers:?}"
    );
    assert!(probe.ask(&["GET / HTTP/1.0\r\n\r\n"]).contains("200 OK"));
}

#[test]
fn what_goes_wrong_is_said_in_one_line() {
    let run = |name: &str, value: &str| {
        let redis = TestRedis::start().unwrap();
        let output = Command::new(LIMIT)
            .env("REDIS_URL", redis.url())
            .env("ADDR", "127.0.0.1:0")
            .env(name, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(name) && text.contains(value), "{text}");
    };
    run("ADDR", "fish");
    run("ADDR", "192.0.2.1:80");
    run("REDIS_URL", "fish");
    run("REDIS_URL", "redis://127.0.0.1:1");
}

#[test]
fn a_password_is_not_shown() {
    for url in [
        "redis://me:secret@127.0.0.1:1",
        "redis://secret@127.0.0.1:1",
        "redis:secret@127.0.0.1:1",
        "redis://:sec@ret@127.0.0.1:1",
    ] {
        let output = Command::new(LIMIT).env("REDIS_URL", url).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("***@127.0.0.1:1"), "{url}: {text}");
        assert!(
            !text.contains("sec") && !text.contains("ret"),
            "{url}: {text}"
        );
    }
}

/// The number of a visit that failed may have been given or not. The probe does not try to tell.
#[test]
fn without_redis_it_ends() {
    let Probe {
        port,
        mut process,
        _redis: redis,
    } = Probe::start();
    redis
        .client()
        .unwrap()
        .command(&["SET", "seen", "fish"])
        .unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let status = process.wait_timeout(TIMEOUT).unwrap().expect("it ends");
    assert_eq!(status.code(), Some(1));
    let text = process.output_tail(1);
    assert!(
        text.contains("Redis says") && text.contains("not an integer"),
        "{text}"
    );
}
