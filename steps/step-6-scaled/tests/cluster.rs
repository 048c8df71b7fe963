//! A count in a Redis Cluster: redirections are followed, everything else is not tried again.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use private_redis::{RedisCluster, RedisProgram, TestRedis};
use step_6_scaled::{
    cores::Shared,
    settings::{Limits, Nodes, Settings},
    store::Store,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::sleep,
};

/// Longer than a replica takes to take over on the slowest machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The default limits. But what these tests send may fail, and is to be sent all the same.
fn limits() -> Limits {
    let mut limits = Settings::from_env().unwrap().limits;
    limits.retry_pause = Duration::ZERO;
    limits
}

fn store(urls: &str, limits: Limits) -> Store {
    let shared = Arc::new(Shared::new(&limits));
    Store::new(urls.parse().unwrap(), limits, shared).unwrap()
}

/// The deadline of a batch that begins now.
fn in_time() -> tokio::time::Instant {
    tokio::time::Instant::now() + limits().visit_timeout
}

/// What a node does with an `INCRBY`.
#[derive(Clone)]
enum Node {
    Replies(&'static str),
    HangsUp,
    RedirectsTo(String),
    /// It has the key no longer. Whoever says `ASKING` first may ask the other node once.
    AsksAt(String),
}

/// A node of the test's own. Returns its address and how many `INCRBY` have reached it.
async fn node(listener: TcpListener, node: Node) -> (String, Arc<AtomicUsize>) {
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (node, count) = (node.clone(), count.clone());
            tokio::spawn(async move {
                let mut chunk = [0; 1024];
                while let Ok(read @ 1..) = stream.read(&mut chunk).await {
                    let text = String::from_utf8_lossy(&chunk[..read]).into_owned();
                    let reply = if text.contains("INCRBY") {
                        count.fetch_add(1, Ordering::Relaxed);
                        match &node {
                            Node::Replies(reply) => (*reply).to_owned(),
                            Node::HangsUp => return,
                            Node::RedirectsTo(address) => format!("-MOVED 4229 {address}\r\n"),
                            Node::AsksAt(address) => format!("-ASK 4229 {address}\r\n"),
                        }
                    } else {
                        "+OK\r\n".repeat(text.matches('*').count())
                    };
                    stream.write_all(reply.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (address, asked)
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

#[test]
fn nodes_are_a_list_with_commas() {
    let nodes: Nodes = "redis://a:7001, redis://b:7002".parse().unwrap();
    let addresses: Vec<String> = nodes.0.iter().map(|n| n.addr().to_string()).collect();
    assert_eq!(addresses, ["a:7001", "b:7002"]);
    for wrong in [
        "",
        "redis://a:7001,",
        "redis://a:7001,b:7002",
        "redis://a:7001;redis://b",
    ] {
        assert!(
            wrong.parse::<Nodes>().is_err(),
            "{wrong:?} is taken for a list of nodes"
        );
    }
}

#[tokio::test]
async fn a_redirection_is_followed_and_remembered() {
    let (owner, asked) = node(listener().await, Node::Replies(":7\r\n")).await;
    let (first, asked_first) = node(listener().await, Node::RedirectsTo(owner)).await;
    // No connection is kept from one batch to the next, so it takes the address to get there.
    let mut limits = limits();
    limits.trusted_for = Duration::ZERO;
    let store = store(&format!("redis://{first}"), limits);
    for _ in 0..3 {
        assert_eq!(store.add(1, in_time()).await.ok(), Some(7));
    }
    assert_eq!(asked_first.load(Ordering::Relaxed), 1);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

/// A node that does not know its own name leaves the host out: the one that was asked.
#[tokio::test]
async fn a_redirection_without_a_host_is_followed() {
    let (owner, _) = node(listener().await, Node::Replies(":7\r\n")).await;
    let port = owner.rsplit_once(':').unwrap().1;
    let (first, _) = node(listener().await, Node::RedirectsTo(format!(":{port}"))).await;
    let store = store(&format!("redis://{first}"), limits());
    assert_eq!(store.add(1, in_time()).await.ok(), Some(7));
}

#[tokio::test]
async fn ask_is_for_one_command_only() {
    let (next, asked_next) = node(listener().await, Node::Replies(":7\r\n")).await;
    let (owner, asked_owner) = node(listener().await, Node::AsksAt(next)).await;
    let store = store(&format!("redis://{owner}"), limits());
    for _ in 0..3 {
        assert_eq!(store.add(1, in_time()).await.ok(), Some(7));
    }
    // Each time the owner is asked first. It knows when the key has moved for good.
    assert_eq!(asked_owner.load(Ordering::Relaxed), 3);
    assert_eq!(asked_next.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn an_error_that_another_node_would_not_mend_asks_no_other_node() {
    let (full, asked_full) = node(listener().await, Node::Replies("-OOM used memory\r\n")).await;
    let (other, asked_other) = node(listener().await, Node::Replies(":7\r\n")).await;
    let store = store(&format!("redis://{full},redis://{other}"), limits());
    for _ in 0..3 {
        assert!(store.add(1, in_time()).await.is_err());
    }
    assert_eq!(asked_full.load(Ordering::Relaxed), 3);
    assert_eq!(asked_other.load(Ordering::Relaxed), 0);
}

/// The owner has been named by the seed, and dies. The seed knows who has taken over.
#[tokio::test]
async fn the_owner_is_left_when_it_fails_also_with_one_seed() {
    let (owner, asked_owner) = node(listener().await, Node::HangsUp).await;
    let (seed, asked_seed) = node(listener().await, Node::RedirectsTo(owner)).await;
    let store = store(&format!("redis://{seed}"), limits());
    for _ in 0..2 {
        assert!(store.add(1, in_time()).await.is_err());
    }
    assert_eq!(asked_seed.load(Ordering::Relaxed), 2);
    assert_eq!(asked_owner.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_unanswered_command_is_never_sent_again() {
    let (one, asked_one) = node(listener().await, Node::HangsUp).await;
    let (other, asked_other) = node(listener().await, Node::HangsUp).await;
    let store = store(&format!("redis://{one},redis://{other}"), limits());
    for sent in 1..=4 {
        assert!(store.add(1, in_time()).await.is_err());
        let asked = asked_one.load(Ordering::Relaxed) + asked_other.load(Ordering::Relaxed);
        assert_eq!(asked, sent);
    }
    // After a failure another node is asked.
    assert_eq!(asked_one.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn what_one_core_learns_of_redis_the_others_know() {
    let redis = TestRedis::start().unwrap();
    let limits = limits();
    let shared = Arc::new(Shared::new(&limits));
    let core = || Store::new(redis.url().parse().unwrap(), limits, shared.clone()).unwrap();
    let (one, other) = (core(), core());
    assert_eq!(one.add(1, in_time()).await.ok(), Some(1));
    assert_eq!(other.add(1, in_time()).await.ok(), Some(2));

    // Redis hangs up on everybody. The first core to notice loses a batch, and only that one.
    let hang_up = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
    if redis.client().unwrap().command(&hang_up).is_err() {
        return; // The embedded Redis hangs up on nobody.
    }
    while one.add(1, in_time()).await.is_ok() {}
    assert!(other.add(1, in_time()).await.is_ok());
    assert!(one.add(1, in_time()).await.is_ok());
}

#[tokio::test]
async fn nodes_that_disagree_are_not_followed_for_ever() {
    let (one, other) = (listener().await, listener().await);
    let of_one = Node::RedirectsTo(one.local_addr().unwrap().to_string());
    let of_other = Node::RedirectsTo(other.local_addr().unwrap().to_string());
    let (one, asked_one) = node(one, of_other).await;
    let (_, asked_other) = node(other, of_one).await;
    let store = store(&format!("redis://{one}"), limits());
    assert!(store.add(1, in_time()).await.is_err());
    assert_eq!(asked_one.load(Ordering::Relaxed), 2);
    assert_eq!(asked_other.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_count_that_too_few_replicas_have_is_not_handed_out() {
    let mut limits = limits();
    limits.replicas = 1;
    let replies = |replicas| async move {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut chunk = [0; 1024];
            while let Ok(read @ 1..) = stream.read(&mut chunk).await {
                let text = String::from_utf8_lossy(&chunk[..read]).into_owned();
                let reply = match &text {
                    text if text.contains("WAIT") => format!(":{replicas}\r\n"),
                    text if text.contains("INCRBY") => ":7\r\n".to_owned(),
                    text => "+OK\r\n".repeat(text.matches('*').count()),
                };
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        });
        format!("redis://{address}")
    };
    assert_eq!(
        store(&replies(1).await, limits)
            .add(1, in_time())
            .await
            .ok(),
        Some(7)
    );
    assert_eq!(
        store(&replies(0).await, limits)
            .add(1, in_time())
            .await
            .ok(),
        None
    );
}

#[tokio::test]
async fn the_count_outlives_the_node_that_keeps_it() {
    let Some(RedisProgram::Server(program)) = RedisProgram::find() else {
        assert!(
            std::env::var_os("SEEN_STRICT").is_none(),
            "no redis-server on PATH"
        );
        eprintln!("skipped: no redis-server on PATH to make a cluster of");
        return;
    };
    let mut cluster = RedisCluster::start(&program).unwrap();
    let mut limits = limits();
    limits.replicas = 1;

    // Whichever node comes first in the list, it is the way to the one count.
    let urls: Vec<String> = (0..6).map(|index| cluster.node(index).url()).collect();
    let mut numbers = Vec::new();
    for first in 0..urls.len() {
        let mut urls = urls.clone();
        urls.rotate_left(first);
        numbers.push(
            store(&urls.join(","), limits)
                .add(1, in_time())
                .await
                .ok()
                .unwrap(),
        );
    }
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);

    // Nobody is left to copy the count once the replica has become the master.
    limits.replicas = 0;
    let store = store(&urls.join(","), limits);
    numbers.push(store.add(1, in_time()).await.ok().unwrap());
    let owner = cluster.owner("seen").unwrap();
    cluster.node_mut(owner).kill().unwrap();
    let deadline = Instant::now() + TEST_TIMEOUT;
    while numbers.len() < 20 {
        assert!(Instant::now() < deadline, "nobody took over: {numbers:?}");
        match store.add(1, in_time()).await {
            Ok(number) => numbers.push(number),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
    let different: HashSet<u64> = numbers.iter().copied().collect();
    assert_eq!(different.len(), numbers.len(), "{numbers:?}");
}
