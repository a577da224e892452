//! How often somebody may ask, and fail.

use std::time::Duration;

use gateway::access::{AccessFile, ApiKey, Rate};

use super::house::{House, Setting, entry};

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back_and_others_go_on() {
    let (one, other) = (ApiKey::generate().unwrap(), ApiKey::generate().unwrap());
    let file = AccessFile {
        keys: vec![entry(&one, "admin"), entry(&other, "admin")],
        ..AccessFile::default()
    };
    let rate = Rate { burst: 3, each: Duration::from_secs(3600) };
    let house = House::start_with(file, Setting { rate: Some(rate), ..Setting::default() }).await;
    for left in [2, 1, 0] {
        let answer = house.bearer(&one.reveal()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), r#""caller";q=3;w=10800"#);
        assert!(answer.header("ratelimit").starts_with(&format!(r#""caller";r={left};t="#)));
    }
    let refused = house.bearer(&one.reveal()).await;
    refused.refused(429, "too-many-requests", "3 requests may come at once");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert!(refused.header("ratelimit").starts_with(r#""caller";r=0;t="#));
    assert_eq!(house.bearer(&other.reveal()).await.status, 200);
}

#[tokio::test]
async fn guessing_ends_and_a_key_that_was_seen_goes_on_from_the_same_address() {
    let (house, key) = House::with_key("admin").await;
    assert_eq!(house.bearer(&key.reveal()).await.status, 200);
    let mut guesses = 0;
    let refused = loop {
        let answer = house.bearer("hw_0_0").await;
        if answer.status != 401 {
            break answer;
        }
        answer.refused(401, "unauthenticated", "there is no such key");
        guesses += 1;
    };
    // More only where checking one takes so long that another is allowed meanwhile.
    assert!(guesses >= 10, "{guesses}");
    refused.refused(429, "too-many-requests", "failed authentications");
    assert_ne!(refused.header("retry-after"), "");
    assert_eq!(house.bearer(&key.reveal()).await.status, 200);
    // Who shows nothing guesses nothing.
    house.ask(&[]).await.refused(401, "unauthenticated", "send a key");
}
