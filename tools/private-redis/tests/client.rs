//! The client tells its callers apart what can go wrong, and in words that help.

mod common;

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use private_redis::resp::read_request;
use private_redis::{Durability, Error, RedisClient, RedisServer, without_password};
use processes::free_port;

/// Longer than any answer takes, on however busy a machine.
const LONG: Duration = Duration::from_secs(60);

/// Listens, reads something from each client, and does as it is told with it.
fn listen(then: impl Fn(&mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let _ = client.read(&mut [0; 1024]).unwrap();
            then(&mut client);
        }
    });
    address
}

/// Answers whatever is asked with these bytes.
fn answer(bytes: &'static [u8]) -> String {
    listen(move |client| client.write_all(bytes).unwrap())
}

/// Asserts that a connection fails with this message, in which `ADDRESS` stands for the address.
fn assert_refused(address: &str, timeout: Duration, expected: &str) {
    let error = RedisClient::connect_url(&format!("redis://{address}"), timeout).unwrap_err();
    let (message, expected) = (error.to_string(), expected.replace("ADDRESS", address));
    assert!(message.starts_with(&expected), "{message}");
}

#[test]
fn what_is_not_a_url_is_explained_with_what_is() {
    let error = RedisClient::connect_url("http://localhost", LONG).unwrap_err();
    let expected =
        "it does not begin with redis://; expected redis://[user:password@]host[:port][/database]";
    assert_eq!(error.to_string(), expected);
}

/// Answers each request as a Redis would that has every password and database. Returns where it is, and
/// what it is asked.
fn recorder() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = BufReader::new(client.unwrap());
            while let Ok(request) = read_request(&mut client) {
                let words: Vec<_> = request.iter().map(|word| word.escape_ascii()).collect();
                let words: Vec<String> = words.iter().map(ToString::to_string).collect();
                let is_ping = words[0] == "PING";
                let answer = if is_ping { "+PONG\r\n" } else { "+OK\r\n" };
                sender.send(words.join(" ")).unwrap();
                client.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    (address, receiver)
}

#[test]
fn every_part_of_a_url_but_the_host_may_be_left_out() {
    let (address, asked) = recorder();
    for (url, expected) in [
        (format!("redis://{address}"), &["PING"][..]),
        (format!("redis://{address}/"), &["PING"]),
        (format!("redis://{address}?protocol=resp3"), &["PING"]),
        (
            format!("redis://{address}/3?protocol=resp3"),
            &["SELECT 3", "PING"],
        ),
        (format!("redis://:p%40ss@{address}"), &["AUTH p@ss", "PING"]),
        (
            format!("redis://me:a:b@{address}/1"),
            &["AUTH me a:b", "SELECT 1", "PING"],
        ),
    ] {
        RedisClient::connect_url(&url, LONG).unwrap();
        assert_eq!(asked.try_iter().collect::<Vec<_>>(), expected, "{url}");
    }
    let short = Duration::from_millis(1);
    for (url, address) in [
        ("redis://127.255.255.254", "127.255.255.254:6379"),
        ("redis://[::1]:9", "[::1]:9"),
    ] {
        let error = RedisClient::connect_url(url, short).unwrap_err();
        assert!(error.to_string().contains(address), "{error}");
    }
}

#[test]
fn what_is_wrong_with_a_url_is_said() {
    for (url, reason) in [
        ("", "does not begin with redis://"),
        ("localhost:6379", "does not begin with redis://"),
        ("rediss://localhost", "TLS"),
        ("redis://", "names no host"),
        ("redis://:6379", "names no host"),
        ("redis://h:", "the port"),
        ("redis://h:0", "the port \"0\""),
        ("redis://h:65536", "the port \"65536\""),
        ("redis://h:port", "the port \"port\""),
        ("redis://[::1", "bracket"),
        ("redis://[::1]7", "the port"),
        ("redis://h/x", "the database \"x\""),
        ("redis://:%4@h", "percent sign"),
        ("redis://:%zz@h", "percent sign"),
        ("redis://:%+1@h", "percent sign"),
        ("redis://:%€@h", "percent sign"),
    ] {
        let error = RedisClient::connect_url(url, LONG).expect_err(url);
        let error = error.to_string();
        assert!(
            error.contains(reason) && error.contains("; expected redis://"),
            "{url}: {error}"
        );
    }
}

#[test]
fn a_url_is_shown_without_its_password() {
    for (url, shown) in [
        ("redis://host:1", "redis://host:1"),
        ("nonsense", "nonsense"),
        ("redis://:secret@host", "redis://***@host"),
        ("redis://me:secret@host:1/2", "redis://***@host:1/2"),
        // The password without its colon, or with characters that ought to be percent-encoded.
        ("redis://secret@host", "redis://***@host"),
        ("redis://:sec@ret@host", "redis://***@host"),
        ("rediss://:sec/ret?x@host", "rediss://***@host"),
        // Several nodes of a cluster.
        ("redis://:secret@a,redis://:secret@b", "redis://***@b"),
        // What was meant to be a URL.
        ("redis:secret@host", "***@host"),
        ("secret//secret@host", "***@host"),
    ] {
        assert_eq!(without_password(url), shown);
    }
}

#[test]
fn an_error_does_not_give_the_password_away() {
    // Not percent-encoded, so that a piece of it is taken for another part of the URL.
    for url in [
        "redis://me:secret@h:x",
        "redis://me:secret/x@h",
        "redis://me/secret@h",
        "redis://me:secret?x@h",
        "redis://127.0.0.1:1/secret@h",
        "redis://me:1?secret@h",
        "redis://me:secret#x@h:y",
    ] {
        let error = RedisClient::connect_url(url, LONG).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("; expected redis://"), "{url}: {error}");
        assert!(!error.contains("secret"), "{url}: {error}");
    }
    // What listens there repeats what it is told, or the beginning of it.
    for (password, answer) in [
        ("secret", b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n".as_slice()),
        ("secret", b"AUTH secret?\r\n"),
        ("secret", b"+secret\r\n"),
        ("secret", b"-ERR what is AUTH secret\r\n"),
        (
            "secret-number-7",
            b"-ERR unknown command 'AUTH', with args beginning with: 'secret-n' \r\n",
        ),
        (
            "secret-number-7",
            b"-ERR unknown command `AUTH`, with args beginning with: `secret-n`, \r\n",
        ),
    ] {
        let url = format!("redis://:{password}@{}", self::answer(answer));
        let error = RedisClient::connect_url(&url, LONG).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("secret"),
            "{}: {shown}",
            answer.escape_ascii()
        );
    }
}

#[test]
fn an_address_where_nobody_listens_is_unreachable() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    assert_refused(&address, LONG, "no Redis can be reached at ADDRESS: ");
}

#[test]
fn a_web_server_is_not_a_redis() {
    let address = answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let expected = "what listens on ADDRESS is not a Redis; \
                    it answered \"HTTP/1.1 400 Bad Request\\r\\nContent-Length…\"";
    assert_refused(&address, LONG, expected);
}

#[test]
fn something_else_that_speaks_resp_is_not_a_redis() {
    assert_refused(
        &answer(b":42\r\n"),
        LONG,
        "what listens on ADDRESS is not a Redis",
    );
}

const SILENT: &str = "ADDRESS takes connections but did not answer within ";

#[test]
fn a_listener_that_says_nothing_is_silent() {
    let address = listen(|_| thread::sleep(LONG));
    assert_refused(&address, Duration::from_millis(100), SILENT);
}

#[test]
fn a_listener_that_does_not_come_to_an_end_is_silent() {
    let address = listen(|client| {
        for _ in 0..1000 {
            let _ = client.write_all(b"+");
            thread::sleep(Duration::from_millis(10));
        }
    });
    assert_refused(&address, Duration::from_millis(200), SILENT);
}

#[test]
fn a_listener_that_hangs_up_has_closed_the_connection() {
    assert_refused(
        &listen(|_| {}),
        LONG,
        "ADDRESS closed the connection before it answered: ",
    );
}

#[test]
fn a_server_that_still_loads_is_quoted() {
    let address = answer(b"-LOADING Redis is loading the dataset in memory\r\n");
    let error = RedisClient::connect_url(&format!("redis://{address}"), LONG).unwrap_err();
    assert!(
        matches!(&error, Error::Refused { message, .. } if message.starts_with("LOADING")),
        "{error:?}"
    );
}

#[test]
fn a_password_is_asked_for_checked_and_accepted() {
    let Some(program) = common::real_program() else {
        return;
    };
    let server = RedisServer::start(&program, Durability::None).unwrap();
    server
        .client()
        .unwrap()
        .command(&["CONFIG", "SET", "requirepass", "p@ss"])
        .unwrap();
    let address = format!("127.0.0.1:{}", server.port());

    let expected = "the Redis at ADDRESS asks for a password; \
                    put it in the URL: redis://:PASSWORD@ADDRESS";
    assert_refused(&address, LONG, expected);

    let connect =
        |credentials| RedisClient::connect_url(&format!("redis://{credentials}@{address}/0"), LONG);
    let error = connect(":wrong").unwrap_err();
    let expected =
        format!("the Redis at {address} does not accept the user and password of the URL");
    assert_eq!(error.to_string(), expected);
    connect(":p%40ss").expect("the password alone");
    connect("default:p%40ss").expect("user and password");
}
