//! One drill, carried out.

use std::{
    sync::atomic::Ordering::SeqCst,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use experiments::{Arrivals, Ledger, Load, Notes, SAMPLE_MS, Series, VISIT_TIMEOUT};
use load::{Schedule, Visitor};
use processes::poll;

use crate::{
    Deployment, Outcome, WEBS,
    deployment::{KEY, count, owner, wait_until_whole, with_role},
};

/// Visitors who come again a moment after each answer: enough to be there in each moment, and few enough
/// for nobody to be refused who could be counted.
const LOAD: Load = Load {
    visitors: 32,
    arrivals: Arrivals::After(20),
};

/// How long they come before anything is done, and after all is well again.
const CALM: Duration = Duration::from_secs(1);

/// How long it may take until somebody is counted again.
const HEAL_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is asked.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Lets a node that was cut off from the majority say what it has, though it serves nobody any more.
const READS_WHEN_DOWN: &str = "cluster-allow-reads-when-down";

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Each copy of the service is restarted.
    RestartEach,
    /// The proxy is tried without the service, with its own setting and with the other one.
    RetryUnanswered,
    /// The replica of the master that counts is killed.
    KillReplica,
    /// The master that counts is killed.
    KillMaster,
    /// The master that counts and the replicas of the other masters are killed.
    KillHalf,
    /// The master that counts is cut off from the other nodes.
    Partition,
    /// The same, with a service that waits for a replica.
    PartitionWaiting,
}

/// Something that is done while visitors come.
#[derive(Debug)]
pub struct Drill {
    /// Its name on the command line.
    pub name: &'static str,
    /// What is done.
    pub what: &'static str,
    /// The same, for us.
    pub action: Action,
    /// Whether visits may be refused meanwhile.
    pub may_refuse: bool,
    /// Whether the cluster may forget numbers that were given, and give them again.
    pub may_forget: bool,
}

impl Drill {
    /// Whether it cuts a node off, which takes a network of its own for each node: containers have one.
    pub fn needs_containers(&self) -> bool {
        matches!(self.action, Action::Partition | Action::PartitionWaiting)
    }

    /// Carries it out. Afterwards all is as before, but for who is the master.
    ///
    /// # Errors
    ///
    /// When something cannot be done, or does not become well again.
    pub fn run(&'static self, deployment: &mut dyn Deployment) -> Result<Outcome> {
        wait_until_whole(deployment)?;
        let start = count(deployment, &[])?;
        let schedule = Schedule::new(LOAD, deployment.pages(), 0, VISIT_TIMEOUT);
        let notes = Notes::default();
        let visit = |visitor: &mut Visitor, due| notes.visit(visitor, due);
        let (acted, series) = thread::scope(|scope| {
            let sent = schedule.send(scope, &notes.over, &visit);
            let sampler = scope.spawn(|| watch(&notes));
            thread::sleep(CALM);
            let acted = sent
                .context("there is no room for so many visitors")
                .and_then(|()| self.act(deployment, &notes));
            notes.all_is_well_from(Instant::now());
            thread::sleep(CALM);
            notes.over.store(true, SeqCst);
            (acted, sampler.join().expect("the sampler does not panic"))
        });
        let truths = acted?;
        let ledger = Ledger {
            start,
            count: Some(count(deployment, &[])?),
            ..notes.ledger()
        };
        Ok(Outcome {
            drill: self,
            has_proxy: deployment.has_proxy(),
            ledger,
            longest_silence: longest_silence(&series),
            truths,
        })
    }

    /// Does it, and makes it well again. A partition returns what both sides say.
    fn act(&self, deployment: &mut dyn Deployment, notes: &Notes) -> Result<Option<(u64, u64)>> {
        match self.action {
            Action::RetryUnanswered => bail!("no visitor of ours comes to that"),
            Action::RestartEach => {
                for web in 0..WEBS {
                    deployment.restart(web)?;
                }
            }
            Action::KillReplica => {
                let master = owner(deployment, &[])?;
                let replica = replicas(deployment, |of| of == master)?;
                kill_and_start(deployment, &replica, || {
                    thread::sleep(CALM);
                    Ok(())
                })?;
            }
            Action::KillMaster => {
                let master = owner(deployment, &[])?;
                fail_over(deployment, notes, &[master])?;
            }
            Action::KillHalf => {
                let master = owner(deployment, &[])?;
                let mut half = replicas(deployment, |of| of != master)?;
                half.push(master);
                fail_over(deployment, notes, &half)?;
            }
            Action::Partition | Action::PartitionWaiting => {
                let waits = self.action == Action::PartitionWaiting;
                return partition(deployment, notes, waits).map(Some);
            }
        }
        Ok(None)
    }
}

/// The replicas of the masters that are wanted.
fn replicas(deployment: &dyn Deployment, is_wanted: impl Fn(usize) -> bool) -> Result<Vec<usize>> {
    let masters = with_role(deployment, "master");
    let ids = masters
        .iter()
        .map(|&master| deployment.ask(master, &["cluster", "myid"]));
    let ids: Vec<String> = ids.collect::<Result<_>>()?;
    let mut wanted = Vec::new();
    for replica in with_role(deployment, "slave") {
        let nodes = deployment.ask(replica, &["cluster", "nodes"])?;
        let own = nodes.lines().find(|line| line.contains("myself"));
        // Its name, its address, what it is, and whose replica.
        let of = own
            .and_then(|line| line.split(' ').nth(3))
            .unwrap_or_default();
        let of = ids
            .iter()
            .position(|id| id == of)
            .map(|place| masters[place]);
        let of = of.context("a replica has no master")?;
        if is_wanted(of) {
            wanted.push(replica);
        }
    }
    Ok(wanted)
}

/// Kills nodes with the master that counts among them, and starts them when somebody else counts.
fn fail_over(deployment: &mut dyn Deployment, notes: &Notes, nodes: &[usize]) -> Result<()> {
    for &node in nodes {
        deployment.kill(node)?;
    }
    let healed = owner(deployment, nodes).and_then(|_| wait_until_counted(notes));
    for &node in nodes {
        deployment.start(node)?;
    }
    healed?;
    wait_until_whole(deployment)
}

fn kill_and_start(
    deployment: &mut dyn Deployment,
    nodes: &[usize],
    meanwhile: impl FnOnce() -> Result<()>,
) -> Result<()> {
    for &node in nodes {
        deployment.kill(node)?;
    }
    meanwhile()?;
    for &node in nodes {
        deployment.start(node)?;
    }
    wait_until_whole(deployment)
}

/// Cuts the master that counts off until another one serves the key. Returns the count of each.
///
/// A service that waits for a replica gives no number meanwhile: the one has lost its replica, and the
/// other was it.
fn partition(deployment: &mut dyn Deployment, notes: &Notes, waits: bool) -> Result<(u64, u64)> {
    let master = owner(deployment, &[])?;
    deployment.ask(master, &["config", "set", READS_WHEN_DOWN, "yes"])?;
    deployment.cut(master)?;
    let truths = owner(deployment, &[master]).and_then(|_| {
        match waits {
            true => thread::sleep(CALM),
            false => wait_until_counted(notes)?,
        }
        let old = deployment.ask(master, &["get", KEY])?.parse()?;
        Ok((old, count(deployment, &[master])?))
    });
    deployment.mend(master)?;
    wait_until_whole(deployment)?;
    wait_until_counted(notes)?;
    deployment.ask(master, &["config", "set", READS_WHEN_DOWN, "no"])?;
    truths
}

/// Waits until a visit is answered with a number that was not under way before.
fn wait_until_counted(notes: &Notes) -> Result<()> {
    // So many may have been.
    let enough = notes.ledger().answered + LOAD.visitors as u64;
    let counted = poll(HEAL_TIMEOUT, POLL_INTERVAL, || {
        (notes.ledger().answered > enough).then_some(())
    });
    counted.with_context(|| format!("nobody is counted again after {HEAL_TIMEOUT:?}"))
}

/// Takes a sample each tenth of a second.
fn watch(notes: &Notes) -> Series {
    let (start, mut series) = (Instant::now(), Series::default());
    for number in 1.. {
        let due = start + Duration::from_millis(number * SAMPLE_MS);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        series.push(notes.sample());
        if notes.over.load(SeqCst) {
            break;
        }
    }
    series
}

/// The longest time in which nobody was given a number, once somebody was.
fn longest_silence(series: &Series) -> Duration {
    let samples = series
        .answered
        .iter()
        .skip_while(|answered| **answered == 0);
    let (mut longest, mut now) = (0, 0);
    for answered in samples {
        now = if *answered == 0 { now + 1 } else { 0 };
        longest = longest.max(now);
    }
    Duration::from_millis(longest * SAMPLE_MS)
}
