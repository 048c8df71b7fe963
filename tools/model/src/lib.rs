//! The service as a model: those who visit it, its cores, its queue and its batches, the wire and Redis.
//!
//! The figures of the book that a reader plays with are drawn from it: when the book is rendered, and again in
//! the page, where it runs as WebAssembly. What work costs comes from the published measurement, and
//! `tests/measured.rs` holds what the model says to what was measured.
//!
//! [`world`] says what is simulated, [`simulation`] lets it happen, and [`history`] is what happened. Each of the
//! [`figures`] makes a world of its settings and a [`picture`] of its history.

#![deny(unsafe_code)] // and not forbidden, because of `exports`

pub mod exports;
pub mod figures;
pub mod history;
pub mod picture;
pub mod simulation;
pub mod world;
