//! One step, its copies, its Redis and the wire between them: everything that something can be done to.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use fault_proxy::{Fault, FaultProxy};
use load::{Connection, HALF_A_REQUEST, Visitor, hostile};
use private_redis::{Durability, RedisClient, RedisProgram, RedisServer};
use processes::{Signal, poll};

use crate::{
    Subject,
    condition::{Condition, RedisState},
    experiment::{Action, Redis},
    service::Service,
};

/// Where no Redis is: what a replica is told that shall hear of nobody.
const NOWHERE: [&str; 3] = ["REPLICAOF", "127.0.0.1", "1"];
const NOBODY: [&str; 3] = ["REPLICAOF", "NO", "ONE"];

/// How long a replica may take to catch up, and how often it is asked.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long the first visit may take.
const WARM_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long Redis may take to say where the count stands.
const COUNT_TIMEOUT: Duration = Duration::from_secs(5);

/// What belongs to a step on its stage.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The settings of the service that are not the usual ones.
    pub settings: &'static [(&'static str, &'static str)],
    /// What the count is kept in.
    pub redis: Redis,
    /// Whether Redis begins without waiting for its disk, and is told to wait for it later.
    pub waits_for_the_disk_later: bool,
    /// Whether there is a wire between the service and Redis to do things to.
    pub has_wire: bool,
    /// How many copies of the service run.
    pub copies: usize,
}

/// A step with all that belongs to it.
pub struct Stage {
    subject: Subject,
    setup: Setup,
    /// What was done to it that lasts.
    condition: Condition,
    // Dropped in this order: whoever uses another goes first.
    services: Vec<Service>,
    probe: Probe,
    redis: RedisServer,
    replica: Option<RedisServer>,
    slow_clients: Vec<Connection>,
    slow_readers: Vec<hostile::Client>,
}

/// What can be asked of a stage while things are done to it.
#[derive(Clone)]
pub struct Probe {
    wire: Option<Arc<FaultProxy>>,
    /// Where the Redis is that counts.
    redis: Arc<Mutex<SocketAddr>>,
}

impl Probe {
    /// Where Redis is.
    pub fn redis_url(&self) -> String {
        format!(
            "redis://{}",
            self.redis.lock().unwrap_or_else(PoisonError::into_inner)
        )
    }

    /// How often each fault has happened on the wire so far.
    pub fn faults(&self) -> BTreeMap<Fault, u64> {
        let wire = self.wire.as_ref();
        wire.map(|wire| wire.faults()).unwrap_or_default()
    }

    /// The wire, if there is one to do things to.
    pub fn wire(&self) -> Option<&FaultProxy> {
        self.wire.as_deref()
    }
}

impl Stage {
    /// Starts everything.
    ///
    /// # Errors
    ///
    /// When something does not start.
    pub fn set(setup: Setup, subject: &Subject, program: &RedisProgram, seed: u64) -> Result<Self> {
        let durability = match setup.redis.replies_early {
            true => Durability::EverySecond,
            false => Durability::AppendOnly,
        };
        let mut redis = RedisServer::reserve(program, durability)?;
        if let Some(delay) = setup.redis.disk_delay {
            redis.slow_disk(Duration::from_millis(delay));
        }
        redis.start_again()?;
        if setup.waits_for_the_disk_later {
            await_disk(&redis, false)?;
        }
        let has_replica = setup.redis.has_replica;
        let replica = has_replica.then(|| replica_of(&redis, program));
        let wire = setup
            .has_wire
            .then(|| FaultProxy::start(redis.addr(), seed, |_| 0));
        let probe = Probe {
            wire: wire.transpose()?.map(Arc::new),
            redis: Arc::new(Mutex::new(redis.addr())),
        };
        let mut stage = Self {
            subject: subject.clone(),
            setup,
            condition: Condition {
                is_real: matches!(program, RedisProgram::Server(_)),
                can_slow_disk: setup.redis.disk_delay.is_some(),
                ..Condition::default()
            },
            services: Vec::new(),
            probe,
            redis,
            replica: replica.transpose()?,
            slow_clients: Vec::new(),
            slow_readers: Vec::new(),
        };
        for copy in 0..setup.copies {
            stage.start_service(copy)?;
        }
        // The first visit takes long, and is nobody's lesson.
        for addr in stage.addrs() {
            Visitor::new(vec![addr], WARM_UP_TIMEOUT).visit();
        }
        Ok(stage)
    }

    /// Where the copies of the service are.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.services.iter().map(Service::addr).collect()
    }

    /// What can be asked of it from another thread.
    pub fn probe(&self) -> Probe {
        self.probe.clone()
    }

    /// Does something, other than to visit.
    ///
    /// # Errors
    ///
    /// When it cannot be done.
    pub fn act(&mut self, action: Action) -> Result<()> {
        match action {
            Action::KillRedis => self.redis.kill()?,
            Action::StartRedis => {
                self.redis.start_again()?;
                self.condition.is_frozen = false;
                self.condition.is_read_only = false;
                // It has read its settings anew.
                if self.setup.waits_for_the_disk_later {
                    await_disk(&self.redis, self.condition.has_slow_disk)?;
                }
            }
            Action::FreezeRedis => {
                self.redis.freeze()?;
                self.condition.is_frozen = true;
            }
            Action::ThawRedis => {
                self.redis.thaw()?;
                self.condition.is_frozen = false;
            }
            Action::AwaitDisk(waits) => {
                await_disk(&self.redis, waits)?;
                self.condition.has_slow_disk = waits;
            }
            Action::ReadOnlyRedis => {
                tell(&self.redis, &NOWHERE)?;
                self.condition.is_read_only = true;
            }
            Action::WritableRedis => {
                tell(&self.redis, &NOBODY)?;
                self.condition.is_read_only = false;
            }
            Action::EmptyRedis => tell(&self.redis, &["FLUSHALL"])?,
            Action::UnlinkReplica => tell(self.replica()?, &NOWHERE)?,
            Action::PromoteReplica => self.promote_replica()?,
            Action::ReturnAsReplica => {
                let old = self.replica.as_mut().context("there is no old one")?;
                old.start_again()?;
                follow(old, &self.redis)?;
            }
            Action::Wire(fault, times) => self.wire()?.order(fault, times),
            Action::DelayWire(delay) => {
                self.wire()?.delay(Duration::from_millis(delay));
                self.condition.delay = delay;
            }
            Action::CutWire => self.wire()?.cut(),
            Action::StopService(copy) => self.service(copy)?.signal(Signal::Terminate)?,
            Action::KillService(copy) => self.service(copy)?.signal(Signal::Kill)?,
            Action::StartService(copy) => self.start_service(copy)?,
            Action::FreezeService => self.signal_all(Signal::Stop)?,
            Action::ThawService => self.signal_all(Signal::Continue)?,
            // The visitors see to that.
            Action::Burst(_) => {}
            Action::SlowClients(clients) => self.add_slow_clients(clients)?,
            Action::SlowClientsLeave => self.slow_clients.clear(),
            Action::SlowReaders(clients) => self.add_slow_readers(clients)?,
        }
        Ok(())
    }

    /// How all parts of it are.
    ///
    /// # Errors
    ///
    /// When the operating system does not say whether a process runs.
    pub fn condition(&mut self) -> Result<Condition> {
        let has_ended = self.redis.id().is_none() || self.redis.has_ended()?.is_some();
        let redis = match self.condition.is_frozen {
            _ if has_ended => RedisState::Ended,
            true => RedisState::Frozen,
            false => RedisState::Running,
        };
        let copies = self.services.iter_mut().map(Service::runs);
        Ok(Condition {
            redis,
            copies: copies.collect::<Result<_>>()?,
            held: self.held(),
            ..self.condition.clone()
        })
    }

    /// The last lines that the copies of the service have printed.
    pub fn log(&self, lines: usize) -> Vec<String> {
        let logs = self.services.iter().map(|service| service.log(lines));
        let lines = logs.map(|log| log.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.flatten().collect()
    }

    /// Ends Redis at once, so that nobody waits for one that is frozen when the rest ends.
    pub fn end(mut self) {
        // What cannot be killed now is killed when we are gone.
        let _ = self.redis.kill();
    }

    /// How many clients that do nothing are still connected.
    pub fn held(&mut self) -> u64 {
        let clients = self.slow_clients.iter_mut().map(is_open);
        let readers = self
            .slow_readers
            .iter_mut()
            .map(|reader| !reader.is_closed());
        clients.chain(readers).filter(|is_open| *is_open).count() as u64
    }

    /// What Redis says, which is where the name of Redis leads now.
    ///
    /// # Errors
    ///
    /// When it does not say in time.
    pub fn count(&self) -> Result<u64> {
        let ask = || self.redis.client().ok()?.command(&["GET", "seen"]).ok();
        let answer = poll(COUNT_TIMEOUT, POLL_INTERVAL, ask);
        let answer = answer.context("Redis does not say where the count stands")?;
        // Before the first visit there is no such key.
        Ok(answer.as_text().map_or(Ok(0), str::parse)?)
    }

    fn start_service(&mut self, copy: usize) -> Result<()> {
        if let Some(service) = self.services.get_mut(copy) {
            return service.start_again();
        }
        let url = match &self.probe.wire {
            Some(wire) => wire.url(),
            None => self.redis.url(),
        };
        self.services
            .push(Service::start(&self.subject, &url, self.setup.settings)?);
        Ok(())
    }

    fn promote_replica(&mut self) -> Result<()> {
        tell(self.replica()?, &NOBODY)?;
        let replica = self.replica.take().context("there is no replica")?;
        self.wire()?.lead_to(replica.addr());
        *self
            .probe
            .redis
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = replica.addr();
        // The old one lives on, as one does that was cut off.
        self.replica = Some(std::mem::replace(&mut self.redis, replica));
        Ok(())
    }

    fn add_slow_clients(&mut self, clients: usize) -> Result<()> {
        self.slow_clients.retain_mut(is_open);
        let addr = self.service(0)?.addr();
        for _ in 0..clients {
            let mut client = Connection::open(addr)?;
            client.send_bytes(HALF_A_REQUEST)?;
            self.slow_clients.push(client);
        }
        Ok(())
    }

    /// Where a connection ends with its first answer, there is no second one that a client could leave
    /// unread: nobody stays.
    fn add_slow_readers(&mut self, clients: usize) -> Result<()> {
        let addr = self.service(0)?.addr();
        let mut first = Connection::open(addr)?;
        first.ask("GET", "/none")?;
        if first.is_open() {
            self.slow_readers = hostile::slow_readers(addr, clients)?;
        }
        Ok(())
    }

    fn signal_all(&self, signal: Signal) -> Result<()> {
        self.services
            .iter()
            .try_for_each(|service| service.signal(signal))
    }

    fn service(&self, copy: usize) -> Result<&Service> {
        let service = self.services.get(copy);
        service.with_context(|| format!("there is no copy {} of the service", copy + 1))
    }

    fn replica(&self) -> Result<&RedisServer> {
        self.replica.as_ref().context("there is no replica")
    }

    fn wire(&self) -> Result<&FaultProxy> {
        let wire = self.probe.wire.as_deref();
        wire.context("this experiment has no wire to do things to")
    }
}

/// Whether a client is still connected.
fn is_open(client: &mut Connection) -> bool {
    !client.is_closed().unwrap_or(true)
}

/// A Redis that follows another one, and has all that it has.
fn replica_of(primary: &RedisServer, program: &RedisProgram) -> Result<RedisServer> {
    let replica = RedisServer::start(program, Durability::AppendOnly)?;
    follow(&replica, primary)?;
    let is_linked = || {
        let info = replica
            .client()
            .ok()?
            .command(&["INFO", "replication"])
            .ok()?;
        info.as_text()?
            .contains("master_link_status:up")
            .then_some(())
    };
    let linked = poll(REPLICA_TIMEOUT, POLL_INTERVAL, is_linked);
    linked.context("the replica of Redis has not caught up")?;
    Ok(replica)
}

fn follow(replica: &RedisServer, primary: &RedisServer) -> Result<()> {
    // Else a primary waits for more replicas to come before it fills the first.
    tell(primary, &["CONFIG", "SET", "repl-diskless-sync-delay", "0"])?;
    tell(
        replica,
        &["REPLICAOF", "127.0.0.1", &primary.port().to_string()],
    )
}

fn await_disk(redis: &RedisServer, waits: bool) -> Result<()> {
    let policy = if waits { "always" } else { "no" };
    tell(redis, &["CONFIG", "SET", "appendfsync", policy])
}

fn tell(redis: &RedisServer, command: &[&str]) -> Result<()> {
    let client: Result<RedisClient, _> = redis.client();
    client?.command(command)?;
    Ok(())
}
