//! The service in-process, without a socket of its own, on a Redis that the test starts.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use private_redis::TestRedis;
use step_2_redis::{Counter, app};
use tower::ServiceExt;

/// A copy of the service that counts in `redis`.
async fn service(redis: &TestRedis) -> Router {
    app(Counter::connect(redis.url().parse().unwrap())
        .await
        .unwrap())
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
    let app = service(&redis).await;
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
    let app = service(&redis).await;
    insta::assert_snapshot!(ask(&app, "HEAD", "/").await);
    assert!(ask(&app, "GET", "/").await.contains("seen 2 times"));
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_and_not_counted() {
    let redis = TestRedis::start().unwrap();
    let app = service(&redis).await;
    insta::assert_snapshot!("unknown_path", ask(&app, "GET", "/favicon.ico").await);
    insta::assert_snapshot!("unknown_method", ask(&app, "POST", "/").await);
    assert!(ask(&app, "GET", "/").await.contains("seen 1 times"));
}

#[tokio::test]
async fn two_copies_share_one_count() {
    let redis = TestRedis::start().unwrap();
    let (one, other) = (service(&redis).await, service(&redis).await);
    assert!(ask(&one, "GET", "/").await.contains("seen 1 times"));
    assert!(ask(&other, "GET", "/").await.contains("seen 2 times"));
}

#[tokio::test]
async fn a_failure_is_a_500_that_keeps_its_cause_to_itself() {
    let redis = TestRedis::start().unwrap();
    let app = service(&redis).await;
    redis
        .client()
        .unwrap()
        .command(&["SET", "seen", "not a number"])
        .unwrap();
    insta::assert_snapshot!(ask(&app, "GET", "/").await);
}

#[tokio::test]
async fn a_redis_that_wants_a_password_is_found_out_at_the_start() {
    let redis = TestRedis::start().unwrap();
    let set = ["CONFIG", "SET", "requirepass", "secret"];
    if redis.client().unwrap().command(&set).is_err() {
        eprintln!("the embedded Redis knows no passwords: there is nothing to find out");
        return;
    }
    let connected = Counter::connect(redis.url().parse().unwrap()).await;
    let error = connected.err().expect("the PING is refused");
    assert!(error.to_string().contains("NOAUTH"), "{error}");
}

#[tokio::test]
async fn no_number_is_below_1() {
    let redis = TestRedis::start().unwrap();
    let app = service(&redis).await;
    for count in ["-3", "-1"] {
        let set = ["SET", "seen", count];
        redis.client().unwrap().command(&set).unwrap();
        let answer = ask(&app, "GET", "/").await;
        assert!(answer.starts_with("500"), "{answer}");
    }
}
