//! The Dockerfile and the docker-compose.yml of this repository, unmodified, on a real engine.
//!
//! Every check runs with each generation of Compose that is installed. Each has a project of its own,
//! and takes down what it has started, also when it fails or is killed. What stays are images: they
//! are the engine's cache.
//!
//! Where there is no engine the checks say so and pass. With `SEEN_STRICT=1` they fail instead.

mod image;
mod running;
mod scaling;
mod stage;
mod stopping;
mod surviving;
mod your_step;
