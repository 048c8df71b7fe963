//! `cargo xtask drill`.

use std::{net::SocketAddr, path::Path, process::ExitCode};

use anyhow::{Result, bail, ensure};
use clap::Parser;
use contract::{Finding, proxy};
use experiments::Subject;
use output::terminal::{self, BOLD, DIM, GREEN, RED, RESET};
use processes::{
    free_port, interrupt,
    programs::{Platform, Tool},
};
use steps::Profile;

use crate::{
    Containers, DRILLS, Deployment, Drill, HaProxy, Processes, catalog, drill::Action,
    haproxy::retry_unanswered, local::ONE_NETWORK,
};

/// Kills, cuts off and restarts parts of the scale profile while visitors come, and says what that cost
#[derive(Parser)]
#[command(
    name = "cargo xtask drill",
    bin_name = "cargo xtask drill",
    max_term_width = 100
)]
pub struct DrillOptions {
    /// Drills such as rolling or kill-master, one after the other; list prints all of them
    #[arg(default_value = "list")]
    drills: Vec<String>,
    /// Use processes, even while the profile runs
    #[arg(long)]
    processes: bool,
    /// The Compose project, where the profile runs several times
    #[arg(long, value_name = "NAME", conflicts_with = "processes")]
    project: Option<String>,
}

/// Carries drills out, and fails if one cost what it must not.
///
/// # Errors
///
/// For wrong use, or when something is missing, does not start or does not become well again.
pub fn run(root: &Path, options: &DrillOptions) -> Result<ExitCode> {
    if options.drills.iter().any(|name| name == "list") {
        for drill in DRILLS {
            let Drill { name, what, .. } = drill;
            let needs = match drill.needs_containers() {
                true => "; needs containers",
                false => "",
            };
            anstream::println!("{BOLD}{name}{RESET}\n  {what}{needs}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let drills = chosen(&options.drills)?;
    interrupt::exit_on_interrupt()?;
    let mut is_well = true;
    let (of_proxy, others): (Vec<&Drill>, Vec<&Drill>) = drills
        .iter()
        .partition(|drill| drill.action == Action::RetryUnanswered);
    for drill in of_proxy {
        title(drill);
        is_well &= proxy_retry(root)?;
    }
    if !others.is_empty() {
        let Some(mut deployment) = deployment(root, options, &others)? else {
            return Ok(ExitCode::FAILURE);
        };
        terminal::progress(&deployment.description());
        for drill in others {
            title(drill);
            is_well &= one(drill, deployment.as_mut())?;
        }
    }
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn chosen(names: &[String]) -> Result<Vec<&'static Drill>> {
    let known: Vec<&str> = DRILLS.iter().map(|drill| drill.name).collect();
    let one = |name: &String| match catalog::find(name) {
        Some(drill) => Ok(drill),
        None => bail!(output::unknown("drill", name, &known)),
    };
    names.iter().map(one).collect()
}

fn title(drill: &Drill) {
    anstream::println!("\n{BOLD}{}{RESET}: {}", drill.name, drill.what);
}

/// The running profile, or else processes. `None` when the step does not compile: cargo has said why.
fn deployment(
    root: &Path,
    options: &DrillOptions,
    drills: &[&Drill],
) -> Result<Option<Box<dyn Deployment>>> {
    let waits = drills
        .iter()
        .any(|drill| drill.action == Action::PartitionWaiting);
    let running = match options.processes {
        true => None,
        false => Containers::find(root, options.project.as_deref())?,
    };
    if let (None, Some(project)) = (&running, &options.project) {
        bail!(
            "the profile does not run as project {project:?}; leave out --project, or see: docker ps"
        );
    }
    if let Some(containers) = running {
        ensure!(
            !waits || containers.replicas()? > 0,
            "the service waits for no replica; run: REPLICAS=1 docker-compose --profile scale up --detach"
        );
        return Ok(Some(Box::new(containers)));
    }
    if let Some(drill) = drills.iter().find(|drill| drill.needs_containers()) {
        let replicas = if waits { "REPLICAS=1 " } else { "" };
        let next = match docker::engine_version() {
            _ if options.processes => "leave out --processes".to_owned(),
            Ok(_) => format!("run: {replicas}docker-compose --profile scale up --detach"),
            Err(error) => format!("there is no Docker Engine here: {error}"),
        };
        bail!("{} needs containers: {ONE_NETWORK}; {next}", drill.name);
    }
    let step = steps::one(root, None)?;
    let steps = std::slice::from_ref(&step);
    let Some(mut programs) = steps::programs(root, steps, Profile::Debug)? else {
        return Ok(None);
    };
    let subject = Subject {
        name: step.name.clone(),
        program: programs.remove(0),
        needs_redis: true,
    };
    Ok(Some(Box::new(Processes::start(root, &subject)?)))
}

/// One drill, and its verdict.
fn one(drill: &'static Drill, deployment: &mut dyn Deployment) -> Result<bool> {
    let outcome = drill.run(deployment)?;
    anstream::print!("{outcome}");
    if outcome.may_fail() && outcome.failed() + outcome.ledger.refused > 0 {
        anstream::println!("  {DIM}a proxy would keep visits from a copy that restarts{RESET}");
    }
    let surprises = outcome.surprises();
    verdict(&surprises);
    Ok(surprises.is_empty())
}

fn verdict(surprises: &[String]) {
    match surprises {
        [] => anstream::println!("  {GREEN}as it should be{RESET}"),
        _ => anstream::println!(
            "  {RED}not as it should be: {}{RESET}",
            surprises.join(", ")
        ),
    }
}

/// Tries the proxy with its own setting, and with the one that its configuration warns of.
fn proxy_retry(root: &Path) -> Result<bool> {
    ensure!(
        HaProxy::is_here(),
        "haproxy is not on PATH; install it with: {}",
        Tool::HAPROXY.install(Platform::here())
    );
    let ours = counts_once(root, str::to_owned)?;
    let other = counts_once(root, retry_unanswered)?;
    for (setting, finding) in [
        ("retry-on conn-failure", &ours),
        (
            "retry-on conn-failure empty-response response-timeout",
            &other,
        ),
    ] {
        anstream::println!(
            "  {DIM}{setting}{RESET}\n  {}: {}",
            finding.verdict,
            finding.evidence
        );
    }
    let mut surprises = Vec::new();
    if !ours.is_had() {
        surprises.push("our setting does not pass".to_owned());
    }
    if other.is_had() {
        surprises.push("the other setting passes".to_owned());
    }
    verdict(&surprises);
    Ok(surprises.is_empty())
}

/// What the contract finds of HAProxy with this configuration.
///
/// # Errors
///
/// When it does not start.
pub fn counts_once(root: &Path, edit: impl FnOnce(&str) -> String) -> Result<Finding> {
    let mut webs = [SocketAddr::from(([127, 0, 0, 1], 0)); 3];
    for web in &mut webs {
        web.set_port(free_port()?);
    }
    let haproxy = HaProxy::start(root, webs, edit)?;
    Ok(proxy::check(haproxy.page(), &webs))
}
