//! The parts of the profile as processes.

use std::{array, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use experiments::{Service, Subject};
use load::Connection;
use private_redis::{RedisCluster, RedisProgram};
use processes::{
    Signal, poll,
    programs::{Platform, Tool},
};

use crate::{
    Deployment, NODES, WEBS,
    haproxy::{self, HaProxy},
};

/// The settings of the service in docker-compose.yml.
const SETTINGS: [(&str, &str); 2] = [("LAME_DUCK_MS", "1000"), ("HEADER_TIMEOUT_MS", "60000")];

/// The settings of scale/node.conf that a node takes while it runs.
const NODE_SETTINGS: [(&str, &str); 4] = [
    ("cluster-node-timeout", "1000"),
    ("cluster-require-full-coverage", "no"),
    ("appendfsync", "always"),
    ("appendonly", "yes"),
];

/// Why no process can be cut off. To freeze one would be something else: it would count nobody meanwhile.
pub(crate) const ONE_NETWORK: &str =
    "processes of one machine share one network, so that none can be cut off";

/// How long a copy may take until it can count.
const READY_TIMEOUT: Duration = Duration::from_secs(15);

/// How often it is asked.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Three copies of a step, a cluster, and HAProxy, if it is on `PATH`.
pub struct Processes {
    // Fields are dropped in this order: who asks ends before who answers.
    proxy: Option<HaProxy>,
    webs: [Service; WEBS],
    cluster: RedisCluster,
}

impl Processes {
    /// Starts all of it.
    ///
    /// # Errors
    ///
    /// When there is no Redis server, or something does not start.
    pub fn start(root: &Path, step: &Subject) -> Result<Self> {
        let Some(RedisProgram::Server(program)) = RedisProgram::find() else {
            let install = Tool::REDIS.install(Platform::here());
            bail!("a cluster takes a real Redis server; install it with: {install}");
        };
        let cluster = RedisCluster::start(&program)?;
        for node in 0..NODES {
            set(&cluster, node)?;
        }
        let start = || Service::start(step, &cluster.url(), &SETTINGS);
        let webs = [start()?, start()?, start()?];
        let addrs = array::from_fn(|web| webs[web].addr());
        let proxy = HaProxy::is_here().then(|| HaProxy::start(root, addrs, str::to_owned));
        let processes = Self {
            proxy: proxy.transpose()?,
            webs,
            cluster,
        };
        for web in 0..WEBS {
            processes.wait_until_ready(web)?;
        }
        Ok(processes)
    }

    fn wait_until_ready(&self, web: usize) -> Result<()> {
        let addr = self.webs[web].addr();
        let ready = poll(READY_TIMEOUT, POLL_INTERVAL, || {
            let mut connection = Connection::open(addr).ok()?;
            let answer = connection.ask("GET", "/readyz").ok()?;
            (answer.status == 200).then_some(())
        });
        ready.with_context(|| format!("web-{} cannot count after {READY_TIMEOUT:?}", web + 1))?;
        match &self.proxy {
            Some(proxy) => haproxy::wait_until_up(proxy.statistics(), web),
            None => Ok(()),
        }
    }
}

impl Deployment for Processes {
    fn description(&self) -> String {
        let parts = format!("{WEBS} copies of the service on a cluster of {NODES} nodes");
        match &self.proxy {
            Some(_) => format!("processes: HAProxy before {parts}"),
            None => {
                let install = Tool::HAPROXY.install(Platform::here());
                format!(
                    "processes: {parts}, without a proxy; haproxy is not on PATH; install it with: {install}"
                )
            }
        }
    }

    fn pages(&self) -> Vec<SocketAddr> {
        match &self.proxy {
            Some(proxy) => vec![proxy.page()],
            None => self.webs.iter().map(Service::addr).collect(),
        }
    }

    fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    fn ask(&self, node: usize, command: &[&str]) -> Result<String> {
        let node = self.cluster.node(node);
        ensure!(node.id().is_some(), "the node does not run");
        let reply = node.client()?.command(command)?;
        let text = reply.as_text().map(str::to_owned);
        let number = reply.as_integer().map(|number| number.to_string());
        Ok(text.or(number).unwrap_or_default())
    }

    fn kill(&mut self, node: usize) -> Result<()> {
        Ok(self.cluster.node_mut(node).kill()?)
    }

    fn start(&mut self, node: usize) -> Result<()> {
        self.cluster.node_mut(node).start_again()?;
        set(&self.cluster, node)
    }

    fn restart(&mut self, web: usize) -> Result<()> {
        self.webs[web].signal(Signal::Terminate)?;
        self.webs[web].start_again()?;
        self.wait_until_ready(web)
    }

    fn cut(&mut self, _node: usize) -> Result<()> {
        bail!(ONE_NETWORK)
    }

    fn mend(&mut self, _node: usize) -> Result<()> {
        bail!("no node was cut off")
    }
}

fn set(cluster: &RedisCluster, node: usize) -> Result<()> {
    let mut client = cluster.node(node).client()?;
    for (name, value) in NODE_SETTINGS {
        client.command(&["CONFIG", "SET", name, value])?;
    }
    Ok(())
}
