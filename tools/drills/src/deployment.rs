//! What is drilled.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, anyhow};
use processes::poll;

/// How many copies of the service there are.
pub const WEBS: usize = 3;

/// How many nodes the cluster has: as many masters as replicas.
pub const NODES: usize = 6;

/// The key of the count.
pub const KEY: &str = "seen";

/// How long the cluster may take until somebody serves the key.
const OWNER_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is asked.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Three copies of the service on a Redis Cluster of six nodes, with a proxy before them where there is one.
/// Copies and nodes are numbered from 0.
pub trait Deployment {
    /// What it is, in a line.
    fn description(&self) -> String;

    /// Where visitors go: the proxy, or the copies where there is none.
    fn pages(&self) -> Vec<SocketAddr>;

    /// Whether visitors go through a proxy.
    fn has_proxy(&self) -> bool;

    /// What a node replies to a command.
    ///
    /// # Errors
    ///
    /// When it does not answer, or replies with an error such as `MOVED`.
    fn ask(&self, node: usize, command: &[&str]) -> Result<String>;

    /// Kills a node.
    ///
    /// # Errors
    ///
    /// When that cannot be done.
    fn kill(&mut self, node: usize) -> Result<()>;

    /// Starts a node that was killed.
    ///
    /// # Errors
    ///
    /// When it does not start.
    fn start(&mut self, node: usize) -> Result<()>;

    /// Stops a copy of the service in order, starts it again, and waits until it is sent visits.
    ///
    /// # Errors
    ///
    /// When it does not stop or start.
    fn restart(&mut self, web: usize) -> Result<()>;

    /// Cuts a node off from the other nodes. The copies of the service still reach it.
    ///
    /// # Errors
    ///
    /// When that cannot be done here.
    fn cut(&mut self, node: usize) -> Result<()>;

    /// Mends that.
    ///
    /// # Errors
    ///
    /// When that cannot be done.
    fn mend(&mut self, node: usize) -> Result<()>;
}

/// The number of the node that serves the key, and is none of `others`.
pub fn owner(deployment: &dyn Deployment, others: &[usize]) -> Result<usize> {
    let serves = |node: &usize| deployment.ask(*node, &["exists", KEY]).is_ok();
    let ask = || {
        (0..NODES)
            .filter(|node| !others.contains(node))
            .find(serves)
    };
    poll(OWNER_TIMEOUT, POLL_INTERVAL, ask)
        .ok_or_else(|| anyhow!("no node of the cluster serves {KEY:?} after {OWNER_TIMEOUT:?}"))
}

/// What the cluster says that the count is, without asking `others`.
pub fn count(deployment: &dyn Deployment, others: &[usize]) -> Result<u64> {
    let count = deployment.ask(owner(deployment, others)?, &["get", KEY])?;
    // Nobody has come yet.
    Ok(count.parse().unwrap_or(0))
}

/// The nodes that are replicas, or those that are masters.
pub fn with_role(deployment: &dyn Deployment, role: &str) -> Vec<usize> {
    let has_role = |node: &usize| {
        let info = deployment.ask(*node, &["info", "replication"]);
        info.is_ok_and(|info| info.contains(&format!("role:{role}")))
    };
    (0..NODES).filter(has_role).collect()
}

/// Waits until all nodes are there, each master has its replica, and nobody thinks that one of them has failed.
pub fn wait_until_whole(deployment: &dyn Deployment) -> Result<()> {
    let says = |node: usize, command: &[&str]| deployment.ask(node, command).unwrap_or_default();
    let is_well = |node: usize| {
        let replication = says(node, &["info", "replication"]);
        let signs = ["state=online", "master_link_status:up"];
        signs.iter().any(|sign| replication.contains(sign))
    };
    let whole = poll(OWNER_TIMEOUT, POLL_INTERVAL, || {
        let is_whole = (0..NODES).all(is_well)
            && says(0, &["cluster", "info"]).contains("cluster_state:ok")
            && !says(0, &["cluster", "nodes"]).contains("fail");
        is_whole.then_some(())
    });
    whole.ok_or_else(|| anyhow!("the cluster is not whole again after {OWNER_TIMEOUT:?}"))
}
