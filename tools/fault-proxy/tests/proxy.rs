//! A bad wire is bad in the way that it was told, and knows what went over it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use fault_proxy::{Fault, FaultProxy, Record};
use private_redis::{RedisClient, embedded};

const COUNT_5: &[u8] = b"*3\r\n$6\r\nINCRBY\r\n$4\r\nseen\r\n$1\r\n5\r\n";

/// Serves the embedded Redis inside the test and returns its port.
fn serve_embedded() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || embedded::serve(listener));
    port
}

/// Sends `INCRBY seen 5` to a Redis that has counted to 120, over a wire with these odds. Returns what
/// came back, what the wire has noted, and the count.
fn count_over(odds: fn(Fault) -> u64) -> (Vec<u8>, Record, String) {
    let redis = SocketAddr::from(([127, 0, 0, 1], serve_embedded()));
    let url = format!("redis://{redis}");
    let mut direct = RedisClient::connect_url(&url, Duration::from_secs(2)).unwrap();
    direct.command(&["SET", "seen", "120"]).unwrap();
    let proxy = FaultProxy::start(redis, 1, odds).unwrap();
    let mut stream = TcpStream::connect(proxy.url().strip_prefix("redis://").unwrap()).unwrap();
    stream.write_all(COUNT_5).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let count = direct.command(&["GET", "seen"]).unwrap();
    (reply, proxy.finish(), count.as_text().unwrap().to_owned())
}

#[test]
fn a_good_wire_changes_nothing() {
    let before = Instant::now();
    let (reply, record, count) = count_over(|_| 0);
    assert_eq!(
        (reply.as_slice(), count.as_str()),
        (&b":125\r\n"[..], "125")
    );
    assert_eq!((record.commands, record.faults.len()), (1, 0));
    let [counted] = &record.counts[..] else {
        panic!("one command was sent: {record:?}");
    };
    assert_eq!((counted.size, counted.numbers.clone()), (5, Some(121..126)));
    assert!(counted.replied.is_some_and(|at| at > before));
}

#[test]
fn a_reply_that_is_late_or_in_pieces_is_whole() {
    for odds in [
        |fault| 1000 * u64::from(fault == Fault::Late),
        |fault| 1000 * u64::from(fault == Fault::TooLate),
        |fault| 1000 * u64::from(fault == Fault::Pieces),
    ] {
        let (reply, record, _) = count_over(odds);
        assert_eq!(reply, b":125\r\n", "{record:?}");
        assert_eq!(record.faults.values().sum::<u64>(), 1);
        assert!(record.counts[0].replied.is_some());
    }
}

#[test]
fn a_command_that_is_lost_is_not_counted() {
    let (reply, record, count) = count_over(|fault| 1000 * u64::from(fault == Fault::LostCommand));
    assert_eq!((reply.as_slice(), count.as_str()), (&b""[..], "120"));
    assert_eq!(
        (record.counts[0].size, &record.counts[0].numbers),
        (5, &None)
    );
}

#[test]
fn a_reply_that_is_lost_cut_or_replaced_is_counted_and_not_told() {
    for (odds, is_expected) in [
        (
            (|fault| 1000 * u64::from(fault == Fault::LostReply)) as fn(Fault) -> u64,
            (|reply| reply.is_empty()) as fn(&[u8]) -> bool,
        ),
        (
            |fault| 1000 * u64::from(fault == Fault::HalfReply),
            |reply| reply == b":12",
        ),
        (
            |fault| 1000 * u64::from(fault == Fault::Garbage),
            |reply| !reply.is_empty() && !reply.starts_with(b":125"),
        ),
    ] {
        let (reply, record, count) = count_over(odds);
        assert!(is_expected(&reply), "{}", reply.escape_ascii());
        assert_eq!(count, "125");
        assert_eq!(record.counts[0].numbers, Some(121..126));
        assert_eq!(record.counts[0].replied, None);
    }
}

#[test]
fn a_seed_repeats_the_plan() {
    let fates = |seed| {
        let redis = SocketAddr::from(([127, 0, 0, 1], serve_embedded()));
        let odds = |fault| match fault {
            Fault::Pieces => 500,
            _ => 0,
        };
        let proxy = FaultProxy::start(redis, seed, odds).unwrap();
        let mut client = RedisClient::connect_url(&proxy.url(), Duration::from_secs(2)).unwrap();
        [(); 30].map(|()| {
            client.command(&["PING"]).unwrap();
            proxy.faults().get(&Fault::Pieces).copied()
        })
    };
    assert_eq!(fates(1), fates(1));
    assert_ne!(fates(1), fates(2));
}

#[test]
fn a_seed_gives_its_choices_and_every_number_others() {
    let choices = |seed, number| {
        let mut random = fault_proxy::random(seed, number);
        [(); 4].map(|()| random.u64(..1_000_000))
    };
    assert_eq!(choices(7, 1), choices(7, 1));
    let all: std::collections::HashSet<_> = (0..100)
        .flat_map(|number| [choices(number, 0), choices(1000, number)])
        .collect();
    assert_eq!(all.len(), 200);
}

#[test]
fn a_silent_connection_neither_answers_nor_ends_and_a_new_one_leads_elsewhere() {
    let server = |number: &str| {
        let addr = SocketAddr::from(([127, 0, 0, 1], serve_embedded()));
        let url = format!("redis://{addr}");
        let mut client = RedisClient::connect_url(&url, Duration::from_secs(2)).unwrap();
        client.command(&["SET", "seen", number]).unwrap();
        addr
    };
    let proxy = FaultProxy::start(server("1"), 1, |_| 0).unwrap();
    let connect = || TcpStream::connect(proxy.url().strip_prefix("redis://").unwrap()).unwrap();
    let count = |mut stream: &TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        stream.write_all(COUNT_5).unwrap();
        let mut reply = [0; 16];
        let length = stream.read(&mut reply).map_err(|error| error.kind())?;
        Ok::<_, std::io::ErrorKind>(String::from_utf8_lossy(&reply[..length]).into_owned())
    };
    let old = connect();
    assert_eq!(count(&old).unwrap(), ":6\r\n");
    proxy.lead_to(server("1000"));
    assert_eq!(count(&old).unwrap(), ":11\r\n");
    proxy.silence();
    assert_eq!(count(&connect()).unwrap(), ":1005\r\n");
    assert_eq!(count(&old).unwrap_err(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_fault_that_was_ordered_meets_the_next_command_that_counts_and_a_cut_ends_all() {
    let redis = SocketAddr::from(([127, 0, 0, 1], serve_embedded()));
    let proxy = FaultProxy::start(redis, 1, |_| 0).unwrap();
    let connect = || RedisClient::connect_url(&proxy.url(), Duration::from_secs(2)).unwrap();
    proxy.order(Fault::LostReply, 1);
    let (mut first, mut second) = (connect(), connect());
    first.command(&["PING"]).unwrap();
    first.command(&["INCR", "seen"]).unwrap_err();
    let number = second.command(&["INCR", "seen"]).unwrap();
    assert_eq!(number.as_integer(), Some(2), "Redis had counted the first");
    assert_eq!(proxy.faults().get(&Fault::LostReply), Some(&1));

    let delay = Duration::from_millis(50);
    proxy.delay(delay);
    let started = Instant::now();
    second.command(&["PING"]).unwrap();
    assert!(started.elapsed() >= delay);

    proxy.cut();
    let deadline = Instant::now() + Duration::from_secs(10);
    while second.command(&["PING"]).is_ok() {
        assert!(Instant::now() < deadline, "it is not cut");
    }
    connect().command(&["PING"]).unwrap();
}

#[test]
fn only_the_last_commands_are_kept_if_that_is_wanted() {
    let redis = SocketAddr::from(([127, 0, 0, 1], serve_embedded()));
    let proxy = FaultProxy::start(redis, 1, |_| 0).unwrap();
    proxy.keep(4);
    let mut client = RedisClient::connect_url(&proxy.url(), Duration::from_secs(2)).unwrap();
    for size in 1..=99 {
        let size: u64 = size;
        client
            .command(&["INCRBY", "seen", &size.to_string()])
            .unwrap();
    }
    assert_eq!(proxy.last_sizes(3), [97, 98, 99]);
    // And the one that greets.
    assert_eq!(proxy.commands(), 100);
    let record = proxy.finish();
    let kept = record.counts.len();
    assert!((4..=8).contains(&kept), "{kept} are kept");
    let last = record.counts.last().unwrap();
    let all = (1..=99).sum::<u64>();
    assert_eq!(last.numbers, Some(all + 1 - 99..all + 1));
    assert!(last.replied.is_some());
}
