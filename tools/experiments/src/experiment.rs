//! What an experiment is made of.

use std::time::Duration;

use fault_proxy::Fault;
use load::Load;

use crate::stage::Setup;

/// Something that is done to steps while visitors come, a question about it, and what the answer is.
#[derive(Debug)]
pub struct Experiment {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What is asked before.
    pub question: &'static str,
    /// What to look at while it runs.
    pub watch: &'static str,
    /// What it means when all went well.
    pub all_well: &'static str,
    /// The numbers of the steps that it compares, unless others are named.
    pub steps: &'static [u32],
    /// How each of them is set up, side by side. Most experiments know one way.
    pub variants: &'static [Variant],
    /// Who visits.
    pub load: Load,
    /// What the count is kept in.
    pub redis: Redis,
    /// How many copies of the service run.
    pub copies: usize,
    /// What is done, and when after the start, in milliseconds.
    pub script: &'static [(u64, Action)],
    /// How long the visitors come, in milliseconds.
    pub lasts: u64,
}

/// One way to set up a step.
#[derive(Debug)]
pub struct Variant {
    /// What sets it apart; empty where there is only one.
    pub name: &'static str,
    /// The settings of the service that make the difference.
    pub settings: &'static [(&'static str, &'static str)],
    /// Which defects may show. All others may not, but for those that any step may show that lacks honesty.
    pub rules: &'static [Rule],
}

/// A defect that an experiment brings to light, and what mends it.
#[derive(Debug)]
pub struct Rule {
    /// The defect.
    pub defect: Defect,
    /// What a step or a setting needs in order not to have it.
    pub remedy: Remedy,
    /// Whether a step without the remedy certainly shows it in this experiment.
    pub is_certain: bool,
}

/// What mends a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// This capability of the contract.
    Capability(&'static str),
    /// No step, but this.
    Other(&'static str),
}

/// What can be wrong with a step, the worst first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
    /// A number was given twice.
    Repeats,
    /// Redis says less than was acknowledged: visits were swallowed.
    Forgets,
    /// Redis says more than visits can account for: a visit was counted twice.
    CountsTwice,
    /// A visit was answered with 200 and no number.
    NoNumber,
    /// No number came any more, though all was well again.
    StaysDead,
    /// Visits got an error that is no refusal, or no answer.
    Dishonest,
    /// Visits were cut off in the middle.
    Cuts,
    /// Visitors found no room in the queue of new connections.
    ShutsOut,
    /// Clients that do nothing kept their connections.
    HoldsClients,
    /// Nobody was refused, however many waited.
    NeverRefuses,
    /// A visit costs Redis a command or more.
    Talkative,
}

/// What the count is kept in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Redis {
    /// Whether it replies before it has written: `appendfsync everysec`.
    pub replies_early: bool,
    /// How long its disk takes, in milliseconds, if not as long as it takes.
    pub disk_delay: Option<u64>,
    /// Whether there is a second one that follows the first.
    pub has_replica: bool,
}

/// Something that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// SIGKILL for Redis.
    KillRedis,
    /// Redis starts again on the same files.
    StartRedis,
    /// Redis keeps its connections and answers nobody.
    FreezeRedis,
    /// It goes on.
    ThawRedis,
    /// Redis waits for its disk before it replies, or does not.
    AwaitDisk(bool),
    /// Redis becomes the replica of one that is not there, and takes no writes.
    ReadOnlyRedis,
    /// It takes writes again.
    WritableRedis,
    /// Redis forgets everything.
    EmptyRedis,
    /// The replica hears no more of its primary.
    UnlinkReplica,
    /// The replica becomes the primary, and the name of Redis leads to it.
    PromoteReplica,
    /// The Redis that was the primary before starts again, and follows the new one.
    ReturnAsReplica,
    /// This happens to the next commands that count.
    Wire(Fault, usize),
    /// Every command is late, by milliseconds.
    DelayWire(u64),
    /// All connections to Redis end.
    CutWire,
    /// SIGTERM for a copy of the service.
    StopService(usize),
    /// SIGKILL for it.
    KillService(usize),
    /// It starts again. A copy that there is not yet is added.
    StartService(usize),
    /// The service is halted, as on a machine that is busy with something else.
    FreezeService,
    /// It goes on.
    ThawService,
    /// So many visitors arrive in the same moment.
    Burst(usize),
    /// So many clients send half a request and wait.
    SlowClients(usize),
    /// They leave.
    SlowClientsLeave,
    /// So many clients ask and never read an answer.
    SlowReaders(usize),
}

/// What something is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Those who visit.
    Visitors,
    /// The step.
    Service,
    /// What is between the step and Redis.
    Wire,
    /// Where the count is.
    Redis,
}

impl Action {
    /// What it is done to.
    pub fn lane(self) -> Lane {
        self.described().0
    }

    /// Whether what it is done to is well afterwards, or is not; nothing if it makes no difference.
    pub fn makes_well(self) -> Option<bool> {
        self.described().1
    }

    /// What it is, in a few words.
    pub fn words(self) -> String {
        self.described().2
    }

    #[rustfmt::skip]
    fn described(self) -> (Lane, Option<bool>, String) {
        use Lane::{Redis, Service, Visitors};
        let (well, ill) = (Some(true), Some(false));
        match self {
            Self::KillRedis => (Redis, ill, "kill Redis".into()),
            Self::StartRedis => (Redis, well, "start Redis".into()),
            Self::FreezeRedis => (Redis, ill, "freeze Redis".into()),
            Self::ThawRedis => (Redis, well, "thaw Redis".into()),
            Self::AwaitDisk(true) => (Redis, ill, "slow disk".into()),
            Self::AwaitDisk(false) => (Redis, well, "fast disk".into()),
            Self::ReadOnlyRedis => (Redis, ill, "Redis read-only".into()),
            Self::WritableRedis => (Redis, well, "Redis writable".into()),
            Self::EmptyRedis => (Redis, None, "empty Redis".into()),
            Self::UnlinkReplica => (Redis, None, "unlink replica".into()),
            Self::PromoteReplica => (Redis, well, "replica takes over".into()),
            Self::ReturnAsReplica => (Redis, None, "old one is replica".into()),
            Self::Wire(Fault::LostCommand, times) => (Lane::Wire, None, format!("lose {}", plural(times, "command"))),
            Self::Wire(Fault::LostReply, times) => (Lane::Wire, None, format!("lose {}", plural(times, "reply"))),
            Self::Wire(Fault::Garbage, times) => (Lane::Wire, None, format!("garble {}", plural(times, "reply"))),
            Self::Wire(fault, times) => (Lane::Wire, None, format!("{fault:?}, {times} times")),
            Self::DelayWire(ms) => (Lane::Wire, None, format!("delay {ms} ms")),
            Self::CutWire => (Lane::Wire, None, "cut the wire".into()),
            Self::StopService(copy) => (Service, ill, format!("SIGTERM{}", which(copy))),
            Self::KillService(copy) => (Service, ill, format!("kill -9{}", which(copy))),
            Self::StartService(copy) => (Service, well, format!("start{}", which(copy))),
            Self::FreezeService => (Service, ill, "service halts".into()),
            Self::ThawService => (Service, well, "service goes on".into()),
            Self::Burst(visitors) => (Visitors, None, plural(visitors, "visitor")),
            Self::SlowClients(clients) => (Visitors, None, plural(clients, "slow client")),
            Self::SlowClientsLeave => (Visitors, None, "slow clients leave".into()),
            Self::SlowReaders(clients) => (Visitors, None, plural(clients, "slow reader")),
        }
    }
}

/// Which copy: the second one and later ones are named.
fn which(copy: usize) -> String {
    match copy {
        0 => String::new(),
        copy => format!(" copy {}", copy + 1),
    }
}

pub(crate) fn plural(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => match what.strip_suffix('y') {
            Some(stem) => format!("{count} {stem}ies"),
            None => format!("{count} {what}s"),
        },
    }
}

impl Experiment {
    /// What a step has on its stage that is set up in this way.
    pub fn setup(&self, variant: &Variant) -> Setup {
        Setup {
            settings: variant.settings,
            redis: self.redis,
            waits_for_the_disk_later: self.waits_for_the_disk_later(),
            has_wire: self.needs_wire(),
            copies: self.copies,
        }
    }

    /// The names of its columns on these steps: each of them, in each way that it is set up.
    pub fn columns<'a>(&self, steps: impl Iterator<Item = &'a str>) -> Vec<String> {
        let named = steps.flat_map(|step| {
            let names = self.variants.iter().map(|variant| variant.name);
            names.map(move |name| format!("{step} {name}").trim_end().to_owned())
        });
        named.collect()
    }

    /// Whether its script does something to the wire, or lets the name of Redis lead elsewhere.
    pub fn needs_wire(&self) -> bool {
        self.does(|action| action.lane() == Lane::Wire || action == Action::PromoteReplica)
    }

    /// Whether only a real Redis will do: the embedded one keeps no files, follows no other and never
    /// waits for a disk.
    pub fn needs_real_redis(&self) -> bool {
        self.redis.has_replica
            || self.redis.disk_delay.is_some()
            || self.does(|action| matches!(action, Action::KillRedis | Action::ReadOnlyRedis))
    }

    /// Whether Redis begins without waiting for its disk, and is told to wait for it later.
    pub fn waits_for_the_disk_later(&self) -> bool {
        self.does(|action| matches!(action, Action::AwaitDisk(_)))
    }

    /// How long the visitors come.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.lasts)
    }

    /// When the last action happens, after the start.
    pub fn last_action(&self) -> Duration {
        Duration::from_millis(self.script.last().map_or(0, |(at, _)| *at))
    }

    fn does(&self, is_it: impl Fn(Action) -> bool) -> bool {
        self.script.iter().any(|(_, action)| is_it(*action))
    }
}
