//! The containers of the running profile.

use std::{net::SocketAddr, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{Deployment, NODES, WEBS, haproxy};

/// The port of the proxy's statistics in its container, and that of the page.
const STATISTICS: u16 = 8404;
const PAGE: u16 = 8000;

/// The containers of a project that runs with `--profile scale`.
pub struct Containers {
    project: String,
    proxy: String,
    webs: Vec<String>,
    nodes: Vec<String>,
    page: SocketAddr,
    statistics: SocketAddr,
    /// The nodes that were cut off: their network, and their address in it.
    cut: Vec<(usize, String, String)>,
}

impl Containers {
    /// Finds the profile that runs from the docker-compose.yml in `root`. `None` when none does, or there is no
    /// Docker. With several of them, a project has to be named.
    ///
    /// # Errors
    ///
    /// When several run and none is named, or one runs in part.
    pub fn find(root: &Path, project: Option<&str>) -> Result<Option<Self>> {
        let label = "{{.Label \"com.docker.compose.project\"}}";
        let folder = format!(
            "label=com.docker.compose.project.working_dir={}",
            root.display()
        );
        let proxies = ["ps", "--filter", &folder, "--filter"];
        let service = ["label=com.docker.compose.service=proxy", "--format", label];
        let Ok(running) = docker(&[&proxies[..], &service].concat()) else {
            return Ok(None);
        };
        let is_wanted = |name: &&str| project.is_none_or(|project| project == *name);
        let running: Vec<&str> = running.lines().filter(is_wanted).collect();
        ensure!(
            running.len() <= 1,
            "the profile runs several times; name one of them with --project: {}",
            running.join(", ")
        );
        running.first().map(|project| Self::of(project)).transpose()
    }

    fn of(project: &str) -> Result<Self> {
        let container = |service: &str| {
            let project = format!("label=com.docker.compose.project={project}");
            let service_label = format!("label=com.docker.compose.service={service}");
            let filters = ["--filter", &project, "--filter", &service_label];
            let ids = docker(&[&["ps", "--all", "--quiet", "--no-trunc"][..], &filters].concat())?;
            let id = ids.lines().next().map(str::to_owned);
            id.with_context(|| {
                format!("{service} has no container; run: docker-compose --profile scale up")
            })
        };
        let several = |name: &str, count: usize| {
            let names = (1..=count).map(|number| container(&format!("{name}-{number}")));
            names.collect::<Result<Vec<String>>>()
        };
        let proxy = container("proxy")?;
        let published = |port: u16| {
            let lines = docker(&["port", &proxy, &format!("{port}/tcp")])?;
            let line = lines.lines().next().context("the proxy has no port")?;
            // All addresses, or one of this machine.
            let addr: SocketAddr = line.trim().parse()?;
            Ok::<_, anyhow::Error>(SocketAddr::from(([127, 0, 0, 1], addr.port())))
        };
        Ok(Self {
            project: project.to_owned(),
            page: published(PAGE)?,
            statistics: published(STATISTICS)?,
            webs: several("web", WEBS)?,
            nodes: several("redis", NODES)?,
            proxy,
            cut: Vec::new(),
        })
    }

    /// For how many replicas the copies of the service wait before they give a number.
    ///
    /// # Errors
    ///
    /// When Docker does not say.
    pub fn replicas(&self) -> Result<u32> {
        let environment = docker(&[
            "inspect",
            "--format",
            "{{range .Config.Env}}{{println .}}{{end}}",
            &self.webs[0],
        ])?;
        let value = environment
            .lines()
            .find_map(|line| line.strip_prefix("REPLICAS="));
        Ok(value.and_then(|value| value.parse().ok()).unwrap_or(0))
    }
}

impl Deployment for Containers {
    fn description(&self) -> String {
        let Self { project, proxy, .. } = self;
        format!("the containers of {project} (docker logs {})", &proxy[..12])
    }

    fn pages(&self) -> Vec<SocketAddr> {
        vec![self.page]
    }

    fn has_proxy(&self) -> bool {
        true
    }

    fn ask(&self, node: usize, command: &[&str]) -> Result<String> {
        let redis = ["exec", &self.nodes[node], "redis-cli", "-e", "--raw"];
        Ok(docker(&[&redis[..], command].concat())?
            .trim()
            .replace('\r', ""))
    }

    fn kill(&mut self, node: usize) -> Result<()> {
        docker(&["kill", "--signal=KILL", &self.nodes[node]]).map(drop)
    }

    fn start(&mut self, node: usize) -> Result<()> {
        docker(&["start", &self.nodes[node]]).map(drop)
    }

    fn restart(&mut self, web: usize) -> Result<()> {
        docker(&["restart", &self.webs[web]])?;
        haproxy::wait_until_up(self.statistics, web)
    }

    fn cut(&mut self, node: usize) -> Result<()> {
        let container = &self.nodes[node];
        let format = "{{range $name, $net := .NetworkSettings.Networks}}{{println $name $net.IPAddress}}{{end}}";
        let networks = docker(&["inspect", "--format", format, container])?;
        let network = format!("{}_cluster", self.project);
        let ours = networks.lines().filter_map(|line| line.split_once(' '));
        let mut ours = ours.filter(|(name, _)| *name == network);
        let (_, addr) = ours
            .next()
            .context("the node is not in the network of the nodes")?;
        docker(&["network", "disconnect", &network, container])?;
        self.cut.push((node, network, addr.trim().to_owned()));
        Ok(())
    }

    fn mend(&mut self, node: usize) -> Result<()> {
        while let Some(place) = self.cut.iter().position(|(cut, ..)| *cut == node) {
            let (_, network, addr) = self.cut.remove(place);
            docker(&[
                "network",
                "connect",
                "--ip",
                &addr,
                &network,
                &self.nodes[node],
            ])?;
        }
        Ok(())
    }
}

/// A drill that ends early leaves nobody cut off.
impl Drop for Containers {
    fn drop(&mut self) {
        for node in 0..NODES {
            // There is nobody left to tell.
            let _ = self.mend(node);
        }
    }
}

fn docker(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("docker");
    command.args(arguments);
    docker::run(command)
}
