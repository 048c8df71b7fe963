//! # Step 0: hello
//!
//! One page that greets, and nothing else. It is where step 1 begins.
//!
//! What it deliberately lacks: a count. It does not know that anybody was here before.

use axum::{Router, routing::get};

/// The whole service: one page.
pub fn app() -> Router {
    Router::new().route("/", get(hello))
}

/// `GET /`: greets.
async fn hello() -> &'static str {
    "Hello World!\n"
}
