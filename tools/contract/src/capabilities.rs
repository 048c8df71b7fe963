//! All that a service can do, and the check of each.

use crate::{
    checks::{
        cluster, copies, heals, memory, outages, overload, page, places, readiness, slow, stops,
    },
    finding::Checked,
    testbed::Testbed,
};

/// One thing that a service can do.
pub struct Capability {
    /// Its name on the command line and in tables.
    pub id: &'static str,
    /// What it means, in one line.
    pub statement: &'static str,
    /// The first step that has it. Every later step has it, too; `expectations.rs` has the exceptions.
    pub first_step: u32,
    pub(crate) check: fn(&Testbed) -> Checked,
}

/// All capabilities, from the simplest to the hardest.
pub const CAPABILITIES: &[Capability] = &[
    Capability {
        id: "greets",
        statement: "`GET /` answers 200, `text/plain; charset=utf-8`, and says how often it was seen",
        first_step: 1,
        check: page::greets,
    },
    Capability {
        id: "counts",
        statement: "the count starts at 1 and each visit is one more; `HEAD /` is a visit, too",
        first_step: 1,
        check: page::counts,
    },
    Capability {
        id: "unique",
        statement: "64 clients make 200 visits each, all at once: no number twice, none missing",
        first_step: 1,
        check: page::unique,
    },
    Capability {
        id: "ignores-strangers",
        statement: "`/favicon.ico` is 404, `POST /` is 405 with `Allow`, and neither counts",
        first_step: 1,
        check: page::ignores_strangers,
    },
    Capability {
        id: "survives-restart",
        statement: "the web process stops and starts again: the count goes on",
        first_step: 2,
        check: copies::survives_restart,
    },
    Capability {
        id: "shared",
        statement: "two copies on one Redis never give the same number",
        first_step: 2,
        check: copies::shared,
    },
    Capability {
        id: "starts-alone",
        statement: "it starts while Redis is away, and serves once Redis is there",
        first_step: 4,
        check: outages::starts_alone,
    },
    Capability {
        id: "heals",
        statement: "Redis restarts, falls silent or turns read-only and another takes over its name: visits are served again within 2 s",
        first_step: 4,
        check: heals::heals,
    },
    Capability {
        id: "refuses-honestly",
        statement: "Redis is away or frozen: 503 with `Retry-After` within 1 s, never a made-up number",
        first_step: 4,
        check: outages::refuses_honestly,
    },
    Capability {
        id: "health",
        statement: "`/livez` is 200 while the process runs, `/readyz` only while Redis answers; neither counts",
        first_step: 4,
        check: outages::health,
    },
    Capability {
        id: "ready-means-ready",
        statement: "`/readyz` is 200 while a visit could be counted, and 503 while none could, for whatever reason, or a stop has begun; it heals within 2 s and costs next to nothing",
        first_step: 4,
        check: readiness::ready_means_ready,
    },
    Capability {
        id: "drains",
        statement: "SIGTERM under load: every request is answered that is under way or on an open connection (but for those that connect in the moment when the listener closes), exit status 0 within 5.1 s; a second signal ends it at once",
        first_step: 3,
        check: stops::drains,
    },
    Capability {
        id: "outlasts-slow-clients",
        statement: "500 clients that send half a request are closed within 5 s; others are served meanwhile, also those who close their own side after the request",
        first_step: 4,
        check: slow::outlasts_slow_clients,
    },
    Capability {
        id: "outlasts-slow-readers",
        statement: "16 clients that never read their answers are closed within 5 s and hold up no stop; others are served meanwhile",
        first_step: 4,
        check: slow::outlasts_slow_readers,
    },
    Capability {
        id: "bounded-memory",
        statement: "128 clients that send 240 KB of a request head cost at most 64 KiB each, and are refused; others are served meanwhile",
        first_step: 4,
        check: memory::bounded_memory,
    },
    Capability {
        id: "shares-places",
        statement: "one client that holds more connections than the service may have shuts nobody out: others are answered within 2 s",
        first_step: 4,
        check: places::shares_places,
    },
    Capability {
        id: "queues-a-burst",
        statement: "500 clients that connect in the same moment all find room in the listen backlog: none has to connect again",
        first_step: 4,
        check: overload::queues_a_burst,
    },
    Capability {
        id: "sheds",
        statement: "more visits than the limit: 503 within 50 ms for the rest, at least 0.8 of the peak for the others",
        first_step: 4,
        check: overload::sheds,
    },
    Capability {
        id: "few-round-trips",
        statement: "at 64 connections, at most 0.1 Redis commands a visit",
        first_step: 5,
        check: page::few_round_trips,
    },
    Capability {
        id: "cluster",
        statement: "the same contract against a Redis Cluster",
        first_step: 6,
        check: cluster::cluster,
    },
];
