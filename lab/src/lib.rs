//! What a test bench for a web service needs around the service: processes under control, a
//! private Redis, and an embedded Redis for machines that have none.
//!
//! - [`process::Process`] is a child process that cannot outlive this one, however this one ends.
//! - [`redis::RedisServer`] is a Redis of your own: start it, stop it, kill it, freeze it.
//! - [`redis::RedisCluster`] is six of them that share the keys and stand in for each other.
//! - [`redis::FaultProxy`] is a bad wire to a Redis.
//! - [`redis::RedisClient`] asks a Redis a question from blocking code.
//! - [`embedded::serve`] is a small Redis in this crate: a dictionary behind a socket.
//! - [`resp`] is the protocol that the last two speak.
//!
//! Everything blocks and uses threads of the standard library: the tools built on this crate do a
//! handful of things at once, and a newcomer waits for every dependency they compile.

pub mod embedded;
mod error;
pub mod flask;
mod folder;
mod janitor;
mod platform;
mod port;
pub mod process;
mod random;
pub mod redis;
pub mod resp;

pub use error::Error;
pub use folder::Folder;
pub use port::free_port;
pub use random::Random;
