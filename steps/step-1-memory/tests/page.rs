//! The service in-process, without a socket: one request in, one whole response out.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use step_1_memory::{Counter, app};
use tower::ServiceExt;

/// Sends a request and writes the whole response down: status, headers, body.
async fn ask(app: &Router, method: &str, path: &str) -> String {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    let (head, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
    format!(
        "{}\n{}\n{}",
        head.status,
        headers.collect::<String>(),
        String::from_utf8_lossy(&body)
    )
}

#[tokio::test]
async fn the_page_says_how_often_it_was_seen() {
    let app = app(Counter::default());
    insta::assert_snapshot!(ask(&app, "GET", "/").await);
    for seen in 2..=127 {
        let answer = ask(&app, "GET", "/").await;
        assert!(
            answer.ends_with(&format!("\nHello World! I have been seen {seen} times.\n")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn head_is_a_visit_without_a_body() {
    let app = app(Counter::default());
    insta::assert_snapshot!(ask(&app, "HEAD", "/").await);
    assert!(ask(&app, "GET", "/").await.contains("seen 2 times"));
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_and_not_counted() {
    let app = app(Counter::default());
    insta::assert_snapshot!("unknown_path", ask(&app, "GET", "/favicon.ico").await);
    insta::assert_snapshot!("unknown_method", ask(&app, "POST", "/").await);
    assert!(ask(&app, "GET", "/").await.contains("seen 1 times"));
}

#[tokio::test]
async fn two_copies_disagree() {
    let (one, other) = (app(Counter::default()), app(Counter::default()));
    assert!(ask(&one, "GET", "/").await.contains("seen 1 times"));
    assert!(
        ask(&other, "GET", "/").await.contains("seen 1 times"),
        "step 1 has nothing to share"
    );
}
