//! The checks, by what they do to the service.

pub mod cluster;
pub mod copies;
pub mod heals;
pub mod memory;
pub mod outages;
pub mod overload;
pub mod page;
pub mod places;
pub mod readiness;
pub mod slow;
pub mod stops;

use crate::{Checked, Finding};

/// A patience that no check waits for: what is kept open stays open.
const HEADER_PATIENCE: (&str, &str) = ("HEADER_TIMEOUT_MS", "60000");

/// A service that does what no service should, or that cannot be checked.
fn broken<T>(what: impl Into<String>) -> Checked<T> {
    Err(Finding::broken(what))
}
