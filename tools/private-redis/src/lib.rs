//! A Redis of one's own, to be started, stopped, killed and frozen at will.
//!
//! - [`RedisServer`] is a private server, and [`RedisCluster`] six of them that share the keys and stand in
//!   for each other.
//! - [`RedisClient`] asks a Redis a question from blocking code.
//! - [`embedded::serve`] is a small Redis in this crate, for machines that have none.
//! - [`resp`] is the protocol that the last two speak.

mod client;
mod cluster;
pub mod embedded;
mod error;
mod for_tests;
mod program;
pub mod resp;
mod server;
mod url;

pub use client::RedisClient;
pub use cluster::RedisCluster;
pub use error::Error;
pub use for_tests::TestRedis;
pub use program::RedisProgram;
pub use server::{Durability, RedisServer};
pub use url::without_password;
