//! A private Redis Cluster does what it is told, and what a cluster is for.

mod common;

use std::net::TcpStream;
use std::time::Duration;

use private_redis::{RedisCluster, RedisProgram};

/// How long a replica may take to take over: some 3 s, on a busy machine more.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(30);

fn cluster() -> Option<RedisCluster> {
    let Some(RedisProgram::Server(program)) = common::real_program() else {
        return None;
    };
    Some(RedisCluster::start(&program).unwrap())
}

#[test]
fn the_replica_takes_over_when_its_master_is_killed() {
    let Some(mut cluster) = cluster() else { return };
    let owner = cluster.owner("visits").unwrap();
    assert!(owner < 3, "node {owner} is a replica");
    let mut client = cluster.node(owner).client().unwrap();
    client.command(&["INCR", "visits"]).unwrap();
    let heard = client.command(&["WAIT", "1", "10000"]).unwrap();
    assert_eq!(heard.as_integer(), Some(1));

    cluster.node_mut(owner).kill().unwrap();
    assert_eq!(cluster.last_word(owner, "visits").unwrap(), 1);
    let next = cluster
        .wait_for_another_owner("visits", owner, FAILOVER_TIMEOUT)
        .unwrap();
    assert_eq!(next, cluster.partner(owner));
    let mut client = cluster.node(next).client().unwrap();
    let number = client.command(&["INCR", "visits"]).unwrap();
    assert_eq!(number.as_integer(), Some(2));
    assert_eq!(cluster.number(next, "visits").unwrap(), 2);

    // The old master comes back as a replica of the new one.
    cluster.node_mut(owner).start_again().unwrap();
    let heard = client.command(&["WAIT", "1", "30000"]).unwrap();
    assert_eq!(heard.as_integer(), Some(1));
    assert_eq!(cluster.owner("visits"), Some(next));
}

#[test]
fn every_key_has_one_owner_and_nothing_is_left_in_the_end() {
    let Some(cluster) = cluster() else { return };
    let urls: Vec<String> = (0..6).map(|index| cluster.node(index).url()).collect();
    assert_eq!(cluster.url(), urls.join(","));
    let mut owners: Vec<usize> = (0..20)
        .map(|number| cluster.owner(&format!("key {number}")).unwrap())
        .collect();
    owners.sort_unstable();
    owners.dedup();
    assert_eq!(owners, [0, 1, 2]);
    let addrs: Vec<_> = (0..6).map(|index| cluster.node(index).addr()).collect();
    let folder = cluster.node(5).folder().path().to_owned();
    let owner = cluster.owner("visits").unwrap();
    let error = cluster.wait_for_another_owner("visits", owner, Duration::ZERO);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("new owner of the key") && error.contains("master"),
        "{error}"
    );
    drop(cluster);
    assert!(addrs.iter().all(|addr| TcpStream::connect(addr).is_err()));
    assert!(!folder.exists());
}
