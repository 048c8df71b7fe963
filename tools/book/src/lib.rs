//! Renders the book, and proves that it says what is so.
//!
//! A page is Markdown with directives in it (`book/AUTHORING.md` tells how to write one). It goes
//! through here in four stages:
//!
//! 1. [`source`] reads the pages, [`markdown`] finds what is in them.
//! 2. [`expand`] puts in what the directives ask for: code ([`mod@include`]), solutions ([`exercise`]),
//!    figures ([`value`]), pictures ([`picture`]). What [`generated`] writes is asked for in the same way.
//! 3. [`render`] hands the pages to mdBook, as a library.
//! 4. [`gates`] looks at the pages as they were written, [`built`] at the pages as they were rendered,
//!    and [`transcript`] types the commands of a page and compares what they print.

pub mod built;
pub mod cli;
pub mod commands;
pub mod diff;
pub mod exercise;
pub mod expand;
pub mod gates;
pub mod generated;
pub mod include;
pub mod markdown;
pub mod picture;
pub mod problem;
pub mod render;
pub mod serve;
pub mod source;
pub mod steps;
pub mod tables;
pub mod transcript;
pub mod value;
