//! What is simulated: who visits, how the service counts, what lies between it and Redis, and what work costs.

/// A time, or a length of time, in nanoseconds.
pub type Nanos = u64;

/// A millisecond.
pub const MS: Nanos = 1_000_000;

/// A service, its Redis and those who visit it.
#[derive(Clone, Debug)]
pub struct World {
    /// Repeats everything that is random.
    pub seed: u64,
    /// How long visits come. Each that has come is followed to its end.
    pub lasts: Nanos,
    /// Who visits.
    pub visitors: Visitors,
    /// How the service counts.
    pub counting: Counting,
    /// How long a command needs to Redis, and its reply back, while nobody works on them.
    pub round_trip: Nanos,
    /// What all programs share.
    pub machine: Machine,
    /// What work costs.
    pub costs: Costs,
    /// What goes wrong.
    pub faults: Faults,
}

/// Who visits, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Visitors {
    /// An open loop: so many a second, each at a moment of their own.
    Random {
        /// How many come in a second.
        per_second: f64,
    },
    /// An open loop with a plan: so many a second, evenly.
    Planned {
        /// How many come in a second.
        per_second: f64,
    },
    /// All in the first moment.
    Together {
        /// How many come.
        visits: usize,
    },
    /// A closed loop: each connection asks again when it has been answered.
    Closed {
        /// How many connections there are.
        connections: usize,
    },
}

/// How the service counts its visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// A command for each visit, sent at once over the one connection.
    Pipe,
    /// A command for each visit, over a connection that is lent to nobody else meanwhile.
    Pool {
        /// How many connections there are.
        connections: usize,
        /// Whether a connection is tried before it is lent, which takes a round trip.
        asks_first: bool,
    },
    /// A command for all visits that wait, one command at a time.
    Batch {
        /// How long a batch waits for more visits after its first one.
        wait: Nanos,
    },
}

/// The machine on which the service, Redis and the load generator run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// How many cores it has. The service has a thread for each.
    pub cores: usize,
    /// How long a thread may work while others wait for a core.
    pub slice: Nanos,
    /// How many threads the load generator has; none where it runs elsewhere.
    pub load_threads: usize,
}

/// What a visit costs in time of a core.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Costs {
    /// For the load generator; nothing where the visitors are on machines of their own.
    pub load: Nanos,
    /// For the service.
    pub server: Nanos,
    /// For Redis: of a packet of commands, however many visits it counts.
    pub redis_packet: Nanos,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Somebody more comes at this moment.
    pub drop_in: Option<Nanos>,
    /// The first reply that Redis sends from this moment on is lost.
    pub lost_reply: Option<Nanos>,
    /// How long the service waits for a reply. What was counted without one is refused, and never sent again.
    pub timeout: Nanos,
    /// Redis does nothing from the first moment to the second.
    pub freeze: Option<(Nanos, Nanos)>,
    /// Redis dies, and its replica goes on.
    pub replica: Option<Replica>,
}

/// A Redis that knows what another one counts, a moment later, and takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    /// How long after the primary it knows a number.
    pub lag: Nanos,
    /// Whether the primary replies only when a replica knows the number. The replica has another one then, so that
    /// this goes on after it has taken over.
    pub is_waited_for: bool,
    /// When the primary dies.
    pub primary_dies: Nanos,
    /// When the replica takes its place. Until then nobody counts.
    pub takes_over: Nanos,
}

/// Random numbers that are the same everywhere (splitmix64).
pub struct Random(u64);

impl Random {
    /// Repeats the numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(limit)) >> 64) as u64
    }
}
