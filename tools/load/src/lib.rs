//! Visitors, as many as are wanted, and what they saw: a blocking HTTP client that trusts nobody, loops
//! in which many clients visit at once, and the ledger in which the numbers that they were given are
//! compared with those that should have been.
//!
//! It holds no opinion on what a service must do: that is for the crates that use it. It is blocking, a
//! thread a client, because a few hundred clients are enough there, and a client that waits is then easy
//! to read.

mod commandstats;
mod framing;
mod http;
pub mod ledger;
mod loops;
mod url;

pub use commandstats::redis_commands;
pub use http::{ANSWER_TIMEOUT, Connection, HALF_A_REQUEST, REST_OF_A_REQUEST, Response, get};
pub use loops::{Answer, Lost, at_once, beside, in_parallel, numbers, until, until_gone, visits};
pub use url::Url;
