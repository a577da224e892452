//! What HTTP says of itself: true by the standard's own measure, complete, and readable in a browser.

mod answers;

use std::{path::Path, process::Stdio};

use headwater::{contexts, http::description};
use serde_json::Value;
use tests::LIMIT;
use tokio::{process::Command, time::timeout};

use crate::{
    kit::{Installation, finish},
    python::python,
};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/openapi")
}

async fn ask(installation: &Installation, path: &str, key: Option<&str>) -> reqwest::Response {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let request = reqwest::Client::new().get(format!("{}{path}", installation.dev.http));
    let request = match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    };
    request.send().await.unwrap()
}

fn own_key(installation: &Installation) -> String {
    let key = std::fs::read_to_string(installation.data.path().join("key")).unwrap();
    key.trim().to_owned()
}

#[tokio::test]
async fn the_description_is_openapi_3_1_and_takes_its_own_examples() {
    let mut validator = python(&folder().join("requirements.txt"), "openapi-packages").await;
    validator.arg(folder().join("validate.py"));
    let document = description().document().to_string();
    let finished = finish(validator, &document).await;
    assert!(finished.ok().ends_with("examples\n"), "{finished:?}");
}

#[test]
fn every_command_and_every_query_is_described() {
    let (composition, document) = (contexts::composition(), description().document());
    let paths = document["paths"].as_object().unwrap();
    for entry in composition.aggregates().catalogue() {
        for command in entry.commands {
            let path = format!("/v1/commands/{}/{{id}}/{}", entry.aggregate, command.name);
            let body = &paths[&path]["post"]["requestBody"]["content"]["application/json"];
            assert_eq!(body["schema"]["additionalProperties"], false, "{path}");
            assert!(body["example"].is_object(), "{path}");
        }
    }
    for projection in composition.projections() {
        let prefix = format!("/v1/{}/", projection.name);
        assert!(paths.keys().any(|path| path.starts_with(&prefix)), "{prefix}");
    }
}

#[test]
fn every_route_of_the_design_context_is_described() {
    let document = description().document();
    for (path, methods) in [
        ("/api/create-payment-intent", &["post"][..]),
        ("/api/webhooks/stripe", &["post"]),
        ("/api/design-applications", &["get", "post"]),
        ("/api/design-applications/{id}", &["get", "post"]),
        ("/rest/v1/design_requests", &["get", "post"]),
        ("/rest/v1/design_request_states", &["get"]),
        ("/rest/v1/design_requests_current_state", &["get"]),
        ("/rest/v1/design_request_events", &["get"]),
        ("/rest/v1/design_request_answers_history", &["get"]),
        ("/rest/v1/rpc/add_design_request_event", &["post"]),
        ("/rest/v1/rpc/add_design_request_answer_history", &["post"]),
    ] {
        let item = document["paths"][path].as_object().expect(path);
        assert!(item.keys().eq(methods), "{path}: {:?}", item.keys());
    }
}

/// Every place that `value` refers to.
fn references(value: &Value) -> Vec<&str> {
    let own = value.get("$ref").and_then(Value::as_str);
    let below: Vec<_> = match value {
        Value::Object(fields) => fields.values().flat_map(references).collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    };
    own.into_iter().chain(below).collect()
}

#[test]
fn whatever_the_description_refers_to_is_in_it() {
    let document = description().document();
    let references = references(&document);
    assert!(references.iter().any(|place| place.contains("/row.design-requests.current-state")));
    for place in references {
        assert!(document.pointer(place.trim_start_matches('#')).is_some(), "{place}");
    }
}

#[tokio::test]
async fn the_description_needs_a_key_and_the_page_does_not() {
    let installation = Installation::start().await;
    assert_eq!(ask(&installation, "/openapi.json", None).await.status(), 401);
    let told = ask(&installation, "/openapi.json", Some(&own_key(&installation))).await;
    assert_eq!(told.status(), 200);
    assert_eq!(told.headers()["cache-control"], "no-store");
    let told: Value = serde_json::from_slice(&told.bytes().await.unwrap()).unwrap();
    assert_eq!(told["openapi"], "3.1.0");
    for (path, kind) in [
        ("/docs", "text/html"),
        ("/docs/page.js", "text/javascript"),
        ("/docs/page.css", "text/css"),
    ] {
        let page = ask(&installation, path, None).await;
        assert_eq!(page.status(), 200, "{path}");
        assert!(page.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert_eq!(page.headers()["x-content-type-options"], "nosniff");
        // Nothing comes from elsewhere.
        let text = page.text().await.unwrap();
        assert!(!text.contains("http://") && !text.contains("https://"), "{path}");
    }
}

/// The first of the names that browsers of this kind go by.
async fn browser() -> Option<&'static str> {
    for name in ["chromium", "chromium-browser", "google-chrome"] {
        let found = Command::new(name).arg("--version").stdout(Stdio::null()).status().await;
        if found.is_ok_and(|status| status.success()) {
            return Some(name);
        }
    }
    None
}

#[tokio::test]
async fn a_browser_shows_every_operation_and_forgets_the_key_in_the_address() {
    let Some(name) = browser().await else {
        return test_postgres::left_out("a browser (on Debian: apt-get install chromium)");
    };
    let installation = Installation::start().await;
    let profile = tempfile::tempdir().unwrap();
    let mut browser = Command::new(name);
    browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"]);
    browser.arg(format!("--user-data-dir={}", profile.path().display())).arg("--dump-dom");
    browser.arg(format!("{}/docs#{}", installation.dev.http, own_key(&installation)));
    browser.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let shown = timeout(LIMIT, finish(browser, "")).await.expect("the page is shown in time");
    let page = shown.ok();
    let paths = description().document()["paths"].clone();
    for path in paths.as_object().unwrap().keys() {
        assert!(page.contains(&format!("<span class=\"path\">{path}</span>")), "{path}: {page}");
    }
    assert!(page.contains(" operations</p>"), "{page}");
    assert!(!page.contains(&own_key(&installation)));
}
