//! The service in-process, without a socket of its own, on a Redis that the test starts.

use private_redis::TestRedis;
use rocket::{Config, config::LogLevel, http::Method, local::asynchronous::Client};
use step_3_rocket::{Counter, app};

/// A copy of the service that counts in `redis`.
async fn service(redis: &TestRedis) -> Client {
    let counter = Counter::connect(redis.url().parse().unwrap())
        .await
        .unwrap();
    let config = Config {
        log_level: LogLevel::Off,
        ..Config::release_default()
    };
    Client::tracked(app(counter, config)).await.unwrap()
}

/// Sends a request and writes the whole response down: status, headers, body.
async fn ask(client: &Client, method: Method, path: &str) -> String {
    let response = client.req(method, path).dispatch().await;
    let status = response.status();
    let headers = response
        .headers()
        .iter()
        .map(|header| format!("{header}\n"));
    let mut headers: Vec<String> = headers.collect();
    headers.sort();
    let body = response.into_string().await.unwrap_or_default();
    format!("{status}\n{}\n{body}", headers.concat())
}

#[rocket::async_test]
async fn the_page_says_how_often_it_was_seen() {
    let redis = TestRedis::start().unwrap();
    let client = service(&redis).await;
    insta::assert_snapshot!(ask(&client, Method::Get, "/").await);
    for seen in 2..=127 {
        let answer = ask(&client, Method::Get, "/").await;
        assert!(
            answer.ends_with(&format!("\nHello World! I have been seen {seen} times.\n")),
            "{answer}"
        );
    }
}

#[rocket::async_test]
async fn head_is_a_visit_without_a_body() {
    let redis = TestRedis::start().unwrap();
    let client = service(&redis).await;
    insta::assert_snapshot!(ask(&client, Method::Head, "/").await);
    assert!(
        ask(&client, Method::Get, "/")
            .await
            .contains("seen 2 times")
    );
}

#[rocket::async_test]
async fn other_paths_and_methods_are_refused_and_not_counted() {
    let redis = TestRedis::start().unwrap();
    let client = service(&redis).await;
    insta::assert_snapshot!(
        "unknown_path",
        ask(&client, Method::Get, "/favicon.ico").await
    );
    insta::assert_snapshot!("unknown_method", ask(&client, Method::Post, "/").await);
    assert!(
        ask(&client, Method::Get, "/")
            .await
            .contains("seen 1 times")
    );
}

#[rocket::async_test]
async fn two_copies_share_one_count() {
    let redis = TestRedis::start().unwrap();
    let (one, other) = (service(&redis).await, service(&redis).await);
    assert!(ask(&one, Method::Get, "/").await.contains("seen 1 times"));
    assert!(ask(&other, Method::Get, "/").await.contains("seen 2 times"));
}

#[rocket::async_test]
async fn a_failure_is_a_500_that_keeps_its_cause_to_itself() {
    let redis = TestRedis::start().unwrap();
    let client = service(&redis).await;
    redis
        .client()
        .unwrap()
        .command(&["SET", "seen", "not a number"])
        .unwrap();
    insta::assert_snapshot!(ask(&client, Method::Get, "/").await);
}

#[rocket::async_test]
async fn no_number_is_below_1() {
    let redis = TestRedis::start().unwrap();
    let client = service(&redis).await;
    for count in ["-3", "-1"] {
        let set = ["SET", "seen", count];
        redis.client().unwrap().command(&set).unwrap();
        let answer = ask(&client, Method::Get, "/").await;
        assert!(answer.starts_with("500"), "{answer}");
    }
}
