//! What every step must do, checked from outside, over HTTP, in no step's language.
//!
//! A [`Capability`] is one thing that a service can do, such as "Redis restarts: visits are served
//! again within 2 s". Each has a check that starts the service and a Redis of its own, does to both what
//! happens in real life (stop, kill, freeze, overload), and looks at what comes back over the socket.
//!
//! The suite asserts both sides. A step must have what `expectations.rs` says it has, and must lack what
//! that says it lacks: a step whose lesson is a defect has to have the defect. A lack is one certain
//! defect, named at the check. A service that fails in any other way neither has the capability nor
//! lacks it, it is [broken](Finding::Broken); and that, like a check that could not be carried out, is
//! always a failure.
//!
//! A [`FaultRun`] is another kind of check: it holds a step to its promises on a bad wire to Redis.

mod bench;
pub mod check;
mod checks;
mod expectations;
mod faults;
mod finding;
mod hostile;
mod relay;
pub mod results;
mod service;
mod subject;

pub use faults::FaultRun;
pub use finding::{Cell, Finding, Report};
pub use results::markdown;
pub use subject::{RedisSource, Subject};

use bench::Bench;
use expectations::is_expected;
use finding::Checked;

/// One thing that a service can do.
pub struct Capability {
    /// Its name on the command line and in tables.
    pub id: &'static str,
    /// What it means, in one line.
    pub statement: &'static str,
    check: fn(&Bench) -> Checked,
}

/// All capabilities, from the simplest to the hardest.
pub const CAPABILITIES: &[Capability] = &[
    Capability {
        id: "greets",
        statement: "`GET /` answers 200, `text/plain; charset=utf-8`, and says how often it was seen",
        check: checks::page::greets,
    },
    Capability {
        id: "counts",
        statement: "the count starts at 1 and each visit is one more; `HEAD /` is a visit, too",
        check: checks::page::counts,
    },
    Capability {
        id: "unique",
        statement: "64 clients make 200 visits each, all at once: no number twice, none missing",
        check: checks::page::unique,
    },
    Capability {
        id: "ignores-strangers",
        statement: "`/favicon.ico` is 404, `POST /` is 405 with `Allow`, and neither counts",
        check: checks::page::ignores_strangers,
    },
    Capability {
        id: "survives-restart",
        statement: "the web process stops and starts again: the count goes on",
        check: checks::copies::survives_restart,
    },
    Capability {
        id: "shared",
        statement: "two copies on one Redis never give the same number",
        check: checks::copies::shared,
    },
    Capability {
        id: "starts-alone",
        statement: "it starts while Redis is away, and serves once Redis is there",
        check: checks::outages::starts_alone,
    },
    Capability {
        id: "heals",
        statement: "Redis restarts, falls silent or turns read-only and another takes over its name: visits are served again within 2 s",
        check: checks::heals::heals,
    },
    Capability {
        id: "refuses-honestly",
        statement: "Redis is away or frozen: 503 with `Retry-After` within 1 s, never a made-up number",
        check: checks::outages::refuses_honestly,
    },
    Capability {
        id: "health",
        statement: "`/livez` is 200 while the process runs, `/readyz` only while Redis answers; neither counts",
        check: checks::outages::health,
    },
    Capability {
        id: "ready-means-ready",
        statement: "`/readyz` is 200 while a visit could be counted, and 503 while none could, for whatever reason, or a stop has begun; it heals within 2 s and costs next to nothing",
        check: checks::readiness::ready_means_ready,
    },
    Capability {
        id: "drains",
        statement: "SIGTERM under load: every request is answered that is under way or on an open connection (but for those that connect in the moment when the listener closes), exit status 0 within 5.1 s; a second signal ends it at once",
        check: checks::stops::drains,
    },
    Capability {
        id: "outlasts-slow-clients",
        statement: "500 clients that send half a request are closed within 5 s; others are served meanwhile, also those who close their own side after the request",
        check: checks::slow::outlasts_slow_clients,
    },
    Capability {
        id: "outlasts-slow-readers",
        statement: "16 clients that never read their answers are closed within 5 s and hold up no stop; others are served meanwhile",
        check: checks::slow::outlasts_slow_readers,
    },
    Capability {
        id: "bounded-memory",
        statement: "128 clients that send 240 KB of a request head cost at most 64 KiB each, and are refused; others are served meanwhile",
        check: checks::memory::bounded_memory,
    },
    Capability {
        id: "shares-places",
        statement: "one client that holds more connections than there are places shuts nobody out: others are answered within 2 s",
        check: checks::places::shares_places,
    },
    Capability {
        id: "queues-a-burst",
        statement: "500 visitors who arrive in the same moment are all let in: none has to connect again",
        check: checks::overload::queues_a_burst,
    },
    Capability {
        id: "sheds",
        statement: "more visits than the limit: 503 within 50 ms for the rest, at least 0.8 of the peak for the others",
        check: checks::overload::sheds,
    },
    Capability {
        id: "few-round-trips",
        statement: "at 64 connections, at most 0.1 Redis commands a visit",
        check: checks::page::few_round_trips,
    },
    Capability {
        id: "cluster",
        statement: "the same contract against a Redis Cluster",
        check: checks::cluster::cluster,
    },
];

/// Checks one service and says after each capability what was found. No `only` means all of them.
pub fn run(
    subject: &Subject,
    redis: &RedisSource,
    only: &[String],
    mut progress: impl FnMut(&Cell),
) -> Report {
    let wanted = |id: &str| only.is_empty() || only.iter().any(|name| name == id);
    let mut cells = Vec::new();
    for Capability { id, check, .. } in CAPABILITIES.iter().filter(|known| wanted(known.id)) {
        let finding = check(&Bench { subject, redis }).unwrap_or_else(|end| end);
        let cell = Cell {
            id: (*id).to_owned(),
            as_expected: is_expected(subject, id, &finding),
            finding,
        };
        progress(&cell);
        cells.push(cell);
    }
    Report {
        subject: subject.name().to_owned(),
        cells,
    }
}
