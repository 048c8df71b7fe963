//! A Redis of one's own, to be started, stopped, killed and frozen at will; and a small client.

mod client;
mod cluster;
mod for_tests;
mod program;
mod proxy;
mod server;
mod url;

pub use client::{ClientError, RedisClient};
pub use cluster::RedisCluster;
pub use for_tests::TestRedis;
pub use program::RedisProgram;
pub use proxy::{Count, Fault, FaultProxy, Record};
pub use server::{Durability, RedisServer};
