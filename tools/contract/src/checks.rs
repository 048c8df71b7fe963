//! The checks, by what they do to the service.

pub mod cluster;
pub mod copies;
pub mod heals;
pub mod memory;
pub mod outages;
pub mod overload;
pub mod page;
pub mod places;
mod prelude;
pub mod readiness;
pub mod slow;
pub mod stops;
