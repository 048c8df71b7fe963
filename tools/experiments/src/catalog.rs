//! All experiments.

use anyhow::{Result, anyhow};
use fault_proxy::Fault;
use load::{Arrivals, Load};

use crate::experiment::{
    Action::{self, *},
    Defect, Experiment, Redis,
    Remedy::{self, Capability, Other},
    Rule, Variant,
};

/// A few visitors, each of whom comes again soon after its last visit.
const A_FEW: Load = Load {
    visitors: 16,
    arrivals: Arrivals::After(20),
};

/// A Redis that writes before it replies, as the one in docker-compose.yml does.
const SAFE: Redis = Redis {
    replies_early: false,
    disk_delay: None,
    has_replica: false,
};

const HEALS: Rule = certain(Defect::StaysDead, Capability("heals"));
const REFUSES_HONESTLY: Rule = certain(Defect::Dishonest, Capability("refuses-honestly"));

/// On a busy machine, a step that does not refuse honestly may show it whatever is done to it.
pub const ANYWHERE: Rule = possible(Defect::Dishonest, Capability("refuses-honestly"));

const DRAINS: Rule = possible(Defect::Cuts, Capability("drains"));

/// A wire that breaks in whichever way ends the connection.
const BROKEN_WIRE: &[Variant] = &[with(&[HEALS, REFUSES_HONESTLY])];

/// What Redis forgets, it is likely to give again.
const fn forgets(remedy: Remedy) -> [Rule; 4] {
    [
        certain(Defect::Forgets, remedy),
        possible(Defect::Repeats, remedy),
        HEALS,
        REFUSES_HONESTLY,
    ]
}

const FORGETS_IN_A_CRASH: &[Rule] = &forgets(Other(
    "no step: a Redis that writes before it replies, as in crash-redis-always",
));
const FORGETS_WITHOUT_WAIT: &[Rule] = &forgets(Other(
    "step-6-scaled with REPLICAS=1, which waits for a replica (WAIT)",
));
const FORGETS_UNLESS_IT_WAITS: &[Rule] = &forgets(Capability("cluster"));

/// Three times, as a batch may take the blow for many visits.
const fn three(fault: Fault) -> [(u64, Action); 3] {
    [
        (1500, Wire(fault, 1)),
        (2000, Wire(fault, 1)),
        (2500, Wire(fault, 1)),
    ]
}

const LOSE_REPLY: &[(u64, Action)] = &three(Fault::LostReply);
const LOSE_COMMAND: &[(u64, Action)] = &three(Fault::LostCommand);

/// Redis dies again and again, each time at another moment of the second in which it does its work.
const CRASHES: &[(u64, Action)] = &[
    (1500, KillRedis),
    (1700, StartRedis),
    (3850, KillRedis),
    (4050, StartRedis),
    (6300, KillRedis),
    (6500, StartRedis),
];

const fn certain(defect: Defect, remedy: Remedy) -> Rule {
    Rule {
        defect,
        remedy,
        is_certain: true,
    }
}

const fn possible(defect: Defect, remedy: Remedy) -> Rule {
    Rule {
        defect,
        remedy,
        is_certain: false,
    }
}

/// The one way to set up a step that most experiments know.
const fn with(rules: &'static [Rule]) -> Variant {
    Variant {
        name: "",
        settings: &[],
        rules,
    }
}

/// What most experiments begin with.
const PLAIN: Experiment = Experiment {
    name: "",
    question: "",
    watch: "",
    all_well: "",
    steps: &[2, 4, 6],
    variants: &[],
    load: A_FEW,
    redis: SAFE,
    copies: 1,
    script: &[],
    lasts: 7000,
};

/// All of them, in the order in which they are best tried. It is a table, which rustfmt would stretch.
#[rustfmt::skip]
pub const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "restart-web",
        question: "The service is told to stop, and starts again two seconds later. Which number does the next visitor get?",
        watch: "the first number after the start, and visits that are cut off by the stop",
        all_well: "The count lives outside of the service, and everybody who had been let in was answered.",
        steps: &[1, 2, 4],
        variants: &[with(&[certain(Defect::Repeats, Capability("survives-restart")), DRAINS])],
        script: &[(1500, StopService(0)), (3500, StartService(0))],
        ..PLAIN
    },
    Experiment {
        name: "kill-redis",
        question: "Redis is killed, and is back two seconds later with its count. What do visitors see from then on?",
        watch: "what comes while Redis is away, and whether numbers come again",
        all_well: "While there was no Redis, everybody was told so at once, and afterwards numbers came again.",
        variants: BROKEN_WIRE,
        script: &[(1500, KillRedis), (3500, StartRedis)],
        lasts: 8000,
        ..PLAIN
    },
    Experiment {
        name: "freeze-redis",
        question: "Redis freezes for three seconds: it keeps its connections and says nothing. How long do visitors wait, and for what?",
        watch: "what visits end with while Redis is frozen",
        all_well: "Nobody waited for long: a 503 says that it failed and when to come again.",
        variants: &[with(&[REFUSES_HONESTLY])],
        script: &[(1500, FreezeRedis), (4500, ThawRedis)],
        lasts: 8000,
        ..PLAIN
    },
    Experiment {
        name: "slow-redis",
        question: "The disk of Redis is slow for three seconds: each write takes 50 ms, for everybody. For which step is a visit slowest?",
        watch: "p50 and the number of Redis commands",
        all_well: "Visits that wait together share one command, so a slow Redis is waited for once.",
        steps: &[2, 4, 5],
        variants: &[with(&[certain(Defect::Talkative, Capability("few-round-trips"))])],
        // Many, and without a pause: a batch is as large as there are visitors who wait.
        load: Load { visitors: 64, arrivals: Arrivals::After(0) },
        redis: Redis { disk_delay: Some(50), ..SAFE },
        script: &[(1500, AwaitDisk(true)), (4500, AwaitDisk(false))],
        lasts: 8000,
        ..PLAIN
    },
    Experiment {
        name: "lose-reply",
        question: "Redis counts a visit, and its reply is lost on the wire. Is that visit counted once, twice, or not at all?",
        watch: "what Redis says at the end, and the gaps",
        all_well: "The visit that got no number is counted once. Nobody asked again: whoever does counts twice.",
        variants: BROKEN_WIRE,
        script: LOSE_REPLY,
        ..PLAIN
    },
    Experiment {
        name: "lose-command",
        question: "A command is lost on its way to Redis. How can the service tell that from a lost reply?",
        watch: "what Redis says at the end",
        all_well: "It cannot tell. So it says 503 and does not ask again: this time nothing was counted.",
        variants: BROKEN_WIRE,
        script: LOSE_COMMAND,
        ..PLAIN
    },
    Experiment {
        name: "garble",
        question: "In place of twelve replies, something comes that is no reply. What do visitors get?",
        watch: "numbers that nobody counted, and whether numbers come again",
        all_well: "What is no number is not passed on, and the connection that it came over is not trusted again.",
        variants: &[with(&[HEALS, REFUSES_HONESTLY, possible(Defect::NoNumber, Capability("refuses-honestly"))])],
        script: &[(1500, Wire(Fault::Garbage, 6)), (2500, Wire(Fault::Garbage, 6))],
        ..PLAIN
    },
    Experiment {
        name: "crash-redis-everysec",
        question: "Redis writes once a second (appendfsync everysec), on a slow disk, and is killed three times. What happens to the numbers that it had given?",
        watch: "duplicates, and what Redis says at the end",
        all_well: "This time everything had been written.",
        steps: &[4, 6],
        variants: &[with(FORGETS_IN_A_CRASH)],
        redis: Redis { replies_early: true, disk_delay: Some(900), ..SAFE },
        script: CRASHES,
        lasts: 10_500,
        ..PLAIN
    },
    Experiment {
        name: "crash-redis-always",
        question: "The same three crashes on a slow disk, but Redis writes before it replies (appendfsync always). And now?",
        watch: "duplicates, and what Redis says at the end",
        all_well: "What was acknowledged had been written. It costs a wait for the disk, which a batch pays once.",
        steps: &[4, 6],
        variants: BROKEN_WIRE,
        redis: Redis { disk_delay: Some(100), ..SAFE },
        script: CRASHES,
        lasts: 10_500,
        ..PLAIN
    },
    Experiment {
        name: "read-only-redis",
        question: "Redis becomes read-only; two seconds later its replica takes over its name. Whose connections notice?",
        watch: "whether numbers come again, and from where on",
        all_well: "A connection whose command failed is given up, and the next one leads to the new Redis.",
        variants: BROKEN_WIRE,
        redis: Redis { has_replica: true, ..SAFE },
        script: &[(1500, ReadOnlyRedis), (3500, PromoteReplica)],
        lasts: 8000,
        ..PLAIN
    },
    Experiment {
        name: "burst",
        question: "The service is busy for a second, and 500 visitors arrive in that moment. How many of them get in?",
        watch: "visitors that nobody let in",
        all_well: "The listen backlog had room for all of them, and each got an answer a moment later.",
        variants: &[with(&[certain(Defect::ShutsOut, Capability("queues-a-burst"))])],
        script: &[(1500, FreezeService), (1600, Burst(500)), (3000, ThawService)],
        ..PLAIN
    },
    Experiment {
        name: "overload",
        question: "Visits come whether or not the others have ended, and Redis hesitates three times. A limit of 32 at once: good or bad?",
        watch: "refused visits, and p99",
        all_well: "Whoever is too many is told so at once and can go elsewhere; the others are served as always.",
        variants: &[Variant {
            settings: &[("MAX_IN_FLIGHT", "32")],
            // Whoever takes all that come may never get through with them.
            ..with(&[certain(Defect::NeverRefuses, Capability("sheds")), possible(Defect::StaysDead, Capability("sheds"))])
        }],
        load: Load { visitors: 256, arrivals: Arrivals::PerSecond(400) },
        script: &[
            (1500, FreezeRedis), (1800, ThawRedis),
            (2800, FreezeRedis), (3100, ThawRedis),
            (4100, FreezeRedis), (4400, ThawRedis),
        ],
        lasts: 8000,
        ..PLAIN
    },
    Experiment {
        name: "slow-clients",
        question: "200 clients send half a request and wait. For how long do they keep their connections?",
        watch: "how many are still connected at the end",
        all_well: "Whoever does not send a request in 5 s makes room for others.",
        variants: &[with(&[certain(Defect::HoldsClients, Capability("outlasts-slow-clients"))])],
        script: &[(1000, SlowClients(200))],
        lasts: 9500,
        ..PLAIN
    },
    Experiment {
        name: "slow-readers",
        question: "16 clients ask and ask and never read an answer. Who throws them out, and when?",
        watch: "how many are still connected at the end",
        all_well: "Whoever does not take an answer in 5 s makes room for others.",
        variants: &[with(&[certain(Defect::HoldsClients, Capability("outlasts-slow-readers"))])],
        script: &[(1000, SlowReaders(16))],
        lasts: 12_000,
        ..PLAIN
    },
    Experiment {
        name: "rolling-restart",
        question: "Two copies, one Redis. One copy after the other is told to stop and starts again. Does a visitor notice?",
        watch: "visits that are cut off, and numbers given twice",
        all_well: "Nobody noticed: each copy answered whoever it had let in, and the other took the rest.",
        steps: &[1, 2, 4],
        variants: &[with(&[certain(Defect::Repeats, Capability("shared")), DRAINS])],
        copies: 2,
        script: &[(1500, StopService(0)), (3000, StartService(0)), (4500, StopService(1)), (6000, StartService(1))],
        lasts: 9000,
        ..PLAIN
    },
    Experiment {
        name: "failover",
        question: "The wire between Redis and its replica breaks; a moment later Redis dies and the replica takes over. Which numbers come twice?",
        watch: "visits that are refused, against numbers given twice",
        all_well: "A number was handed out only when a replica had it, too: refused is better than given twice.",
        steps: &[6],
        variants: &[
            Variant { name: "without WAIT", ..with(FORGETS_WITHOUT_WAIT) },
            Variant { name: "with WAIT", settings: &[("REPLICAS", "1")], ..with(FORGETS_UNLESS_IT_WAITS) },
        ],
        redis: Redis { has_replica: true, ..SAFE },
        script: &[(1500, UnlinkReplica), (2500, KillRedis), (3500, PromoteReplica), (4500, ReturnAsReplica)],
        lasts: 9000,
        ..PLAIN
    },
];

/// The experiment that somebody has named.
///
/// # Errors
///
/// When there is none of that name: with those that there are.
pub fn named(name: &str) -> Result<&'static Experiment> {
    find(name).ok_or_else(|| {
        let names: Vec<&str> = EXPERIMENTS.iter().map(|known| known.name).collect();
        anyhow!(output::unknown("experiment", name, &names))
    })
}

/// The experiment of that name.
pub fn find(name: &str) -> Option<&'static Experiment> {
    EXPERIMENTS
        .iter()
        .find(|experiment| experiment.name == name)
}
