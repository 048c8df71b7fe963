//! The steps: found, named, built and started.

pub mod flask;
