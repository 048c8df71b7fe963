//! The service in-process, without a socket: one request in, one response out.

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use step_0_hello::app;
use tower::ServiceExt;

#[tokio::test]
async fn the_page_greets() {
    let request = Request::get("/").body(Body::empty()).unwrap();
    let answer = app().oneshot(request).await.unwrap();
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert!(body.starts_with(b"Hello World!"));
}
