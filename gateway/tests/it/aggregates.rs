//! States and histories, read from the log.

use std::time::Duration;

use gateway::Limits;
use infrastructure::proof::Check;
use serde_json::Value;

use crate::kit::{Stand, code, json, serve};

async fn grown() -> Stand {
    let stand = Stand::start().await;
    stand.create("ada").await;
    for tag in ["a", "b", "c"] {
        stand.tag("ada", tag).await;
    }
    stand
}

#[tokio::test]
async fn a_state_is_shown_as_of_now_of_a_version_and_of_a_time() {
    let stand = grown().await;
    let now = stand.get("/v1/aggregates/person/ada").await;
    assert_eq!(now.headers()["etag"], "\"4\"");
    let now = json(now).await;
    assert_eq!((&now["version"], &now["id"]), (&4.into(), &"ada".into()));
    let earlier = stand.get("/v1/aggregates/person/ada?version=2").await;
    assert_eq!(earlier.headers()["etag"], "\"2\"");
    let earlier = json(earlier).await;
    assert_ne!(earlier["state"], now["state"]);
    let time = earlier["time"].as_str().unwrap();
    let then = json(stand.get(&format!("/v1/aggregates/person/ada?at={time}")).await).await;
    assert_eq!(then, earlier);
    let asked = stand.http.get(stand.serving.url() + "/v1/aggregates/person/ada");
    let known = asked.header("if-none-match", "\"4\"").send().await.unwrap();
    assert_eq!(known.status(), 304);
    insta::assert_json_snapshot!("state", now, { ".time" => "[time]" , ".state.**.created_at" => "[time]"});
}

#[tokio::test]
async fn a_history_comes_page_by_page_without_gap_or_repeat() {
    let stand = grown().await;
    // Two events in one commit, if they are decided together.
    let more = (4..40).map(|at| stand.command("ada", "tag", format!(r#"{{"tag":"{at}"}}"#)).send());
    futures::future::try_join_all(more).await.unwrap();
    for limit in [1, 3, 200] {
        let (mut versions, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/aggregates/person/ada/events?limit={limit}{cursor}");
            let page = json(stand.get(&path).await).await;
            let events = page["events"].as_array().unwrap();
            assert!(events.len() <= limit);
            versions.extend(events.iter().map(|event| event["version"].as_u64().unwrap()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(versions, (1..=40).collect::<Vec<_>>(), "{limit} at a time");
    }
}

#[tokio::test]
async fn an_export_is_a_document_with_a_head_that_verifies() {
    let stand = grown().await;
    let response = stand.get("/v1/aggregates/person/ada/export").await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let disposition = response.headers()["content-disposition"].to_str().unwrap();
    assert_eq!(disposition, "attachment; filename=\"person-ada.jsonl\"");
    let text = response.text().await.unwrap();
    let mut check = Check::new(None);
    for line in text.split_inclusive('\n') {
        check.take(line.as_bytes());
    }
    let verdict = check.finish();
    assert_eq!(verdict.findings, []);
    let head = verdict.head.unwrap();
    assert_eq!((head.version.0, head.commits, head.id.as_str()), (4, 4, "ada"));
}

#[tokio::test]
async fn an_export_has_a_place_among_streams_and_ends_without_a_head_once_its_time_is_over() {
    let full = Limits { streams: 0, ..Limits::default() };
    let stand = Stand::start_as(|gateway| gateway.limited(full)).await;
    stand.create("ada").await;
    let refused = code(stand.get("/v1/aggregates/person/ada/export").await).await;
    assert_eq!(refused, (503, "busy".into()));
    let brief = Limits { stream_time: Duration::ZERO, ..Limits::default() };
    let late = serve(&stand.server, |gateway| gateway.limited(brief)).await;
    let asked = stand.http.get(late.url() + "/v1/aggregates/person/ada/export").send().await;
    let text = match asked {
        Ok(response) => response.text().await,
        Err(error) => Err(error),
    };
    assert!(text.is_err(), "the body has no end: {text:?}");
}

#[tokio::test]
async fn what_is_not_there_has_a_code() {
    let stand = grown().await;
    for (path, status, expected) in [
        ("nobody/ada", 404, "unknown-aggregate"),
        ("person/eve", 404, "not-found"),
        ("person/eve/events", 404, "not-found"),
        ("person/a%2eb", 400, "invalid"),
        ("%3e/ada", 404, "unknown-aggregate"),
        ("person/ada?version=5", 404, "not-found"),
        ("person/ada?version=0", 400, "invalid"),
        ("person/ada?version=x", 400, "invalid"),
        ("person/ada?at=2001-01-01T00:00:00Z", 404, "not-found"),
        ("person/ada?at=yesterday", 400, "invalid"),
        ("person/ada?at=2030-01-01T00:00:00Z&version=1", 400, "invalid"),
        ("person/ada?verson=1", 400, "invalid"),
        ("person/ada/events?limit=0", 400, "invalid"),
        ("person/ada/events?limit=201", 400, "invalid"),
        ("person/ada/events?cursor=x", 400, "invalid"),
        ("person/ada/events?cursor=1.0&cursor=2.0", 400, "invalid"),
        ("nobody/ada/export", 404, "unknown-aggregate"),
        ("person/eve/export", 404, "not-found"),
        ("person/a%2eb/export", 400, "invalid"),
        ("person/ada/export?events=x", 400, "invalid"),
        ("person/ada/export?from=1", 400, "invalid"),
    ] {
        let refused = code(stand.get(&format!("/v1/aggregates/{path}")).await).await;
        assert_eq!(refused, (status, expected.into()), "{path}");
    }
    let behind = json(stand.get("/v1/aggregates/person/ada/events?cursor=99").await).await;
    assert_eq!((&behind["events"], &behind["next"]), (&Value::Array(Vec::new()), &Value::Null));
}
