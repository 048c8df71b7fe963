//! The checks, by what they do to the service.

pub mod cluster;
pub mod copies;
pub mod manners;
pub mod outages;
pub mod page;
pub mod stops;

use crate::Stop;

/// A service that does what no service should, or that cannot be checked.
fn broken<T>(what: String) -> Result<T, Stop> {
    Err(Stop::Broken(what))
}
