//! The service in-process, without a socket of its own, on a Redis that the test starts.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use private_redis::TestRedis;
use step_4_pooled::{Counter, app, settings::Settings};
use tower::ServiceExt;

/// A copy of the service that counts at `url`, with the default limits.
fn service(url: &str) -> Router {
    let limits = Settings::from_env().unwrap().limits;
    app(Arc::new(
        Counter::new(url.parse().unwrap(), limits).unwrap(),
    ))
}

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
    let redis = TestRedis::start().unwrap();
    let app = service(redis.url());
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
    let redis = TestRedis::start().unwrap();
    let app = service(redis.url());
    insta::assert_snapshot!(ask(&app, "HEAD", "/").await);
    assert!(ask(&app, "GET", "/").await.contains("seen 2 times"));
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_and_not_counted() {
    let redis = TestRedis::start().unwrap();
    let app = service(redis.url());
    insta::assert_snapshot!("unknown_path", ask(&app, "GET", "/favicon.ico").await);
    insta::assert_snapshot!("unknown_method", ask(&app, "POST", "/").await);
    assert!(ask(&app, "GET", "/").await.contains("seen 1 times"));
}

#[tokio::test]
async fn two_copies_share_one_count() {
    let redis = TestRedis::start().unwrap();
    let (one, other) = (service(redis.url()), service(redis.url()));
    assert!(ask(&one, "GET", "/").await.contains("seen 1 times"));
    assert!(ask(&other, "GET", "/").await.contains("seen 2 times"));
}

#[tokio::test]
async fn a_failure_is_a_503_that_keeps_its_cause_to_itself() {
    let redis = TestRedis::start().unwrap();
    let app = service(redis.url());
    redis
        .client()
        .unwrap()
        .command(&["SET", "seen", "not a number"])
        .unwrap();
    insta::assert_snapshot!(ask(&app, "GET", "/").await);
}

#[tokio::test]
async fn no_number_is_below_1_and_none_above_the_highest() {
    let redis = TestRedis::start().unwrap();
    for (before, after) in [("-3", -2), ("-1", 0), ("9223372036854775807", i64::MAX)] {
        let set = ["SET", "seen", before];
        redis.client().unwrap().command(&set).unwrap();
        let answer = ask(&service(redis.url()), "GET", "/").await;
        assert!(answer.starts_with("503"), "{answer}");
        let is = redis.client().unwrap().command(&["GET", "seen"]).unwrap();
        assert_eq!(is.as_text().unwrap(), after.to_string());
    }
}

#[tokio::test]
async fn health_is_told_and_not_counted() {
    let redis = TestRedis::start().unwrap();
    let app = service(redis.url());
    insta::assert_snapshot!("livez", ask(&app, "GET", "/livez").await);
    insta::assert_snapshot!("readyz", ask(&app, "GET", "/readyz").await);
    assert!(ask(&app, "GET", "/").await.contains("seen 1 times"));

    let alone = service(&format!(
        "redis://127.0.0.1:{}",
        processes::free_port().unwrap()
    ));
    insta::assert_snapshot!("livez_without_redis", ask(&alone, "GET", "/livez").await);
    insta::assert_snapshot!("readyz_without_redis", ask(&alone, "GET", "/readyz").await);
}
