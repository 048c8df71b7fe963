//! The checks, by what they do to the service.

pub mod copies;
pub mod manners;
pub mod outages;
pub mod page;
