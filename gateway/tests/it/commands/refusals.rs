//! Commands over HTTP that are refused, each with a code.

use infrastructure::problem::Problem;

use crate::kit::{CREATE, Stand, code, json, problem};

#[tokio::test]
async fn what_is_wrong_has_the_services_own_code() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let end = stand.end().await;
    let post = |path: &str, body: &str| {
        let url = format!("{}/v1/commands/{path}", stand.serving.url());
        let post = stand.http.post(url).header("content-type", "application/json");
        post.body(body.to_owned()).send()
    };
    for (path, body, status, expected) in [
        ("nobody/ada/tag", "{}", 404, "unknown-aggregate"),
        ("person/ada/fly", "{}", 404, "unknown-command"),
        ("person/ada/tag", "{", 400, "invalid"),
        ("person/ada/tag", "", 400, "invalid"),
        ("person/ada/tag", r#"{"tag":"a","more":1}"#, 400, "invalid"),
        (
            "person/ada/remove-contact",
            r#"{"contact_id":"none","forced":false}"#,
            422,
            "contact-not-found",
        ),
        ("person/a%2eb/tag", "{}", 400, "invalid"),
        ("person/a%0d%0aX:%20y/tag", "{}", 400, "invalid"),
        ("person/%2e%2e%2f%2a/tag", "{}", 400, "invalid"),
        ("person/%3e/tag", "{}", 400, "invalid"),
        ("person/%ff/tag", "{}", 400, "invalid"),
        ("person/%C3%A4/tag", "{}", 400, "invalid"),
        ("person.ada/x/tag", "{}", 400, "invalid"),
        ("%2a/ada/tag", "{}", 400, "invalid"),
        ("person/ada/add.tag", "{}", 400, "invalid"),
        ("person/ada/%3e", "{}", 400, "invalid"),
        ("person/ada", "{}", 404, "unknown-route"),
        ("person/ada/tag/more", "{}", 404, "unknown-route"),
    ] {
        let (status_was, body_was) = problem(post(path, body).await.unwrap()).await;
        assert_eq!(
            (status_was, body_was["code"].as_str()),
            (status, Some(expected)),
            "{path} {body_was}"
        );
    }
    let long = format!("person/{}/tag", "x".repeat(129));
    assert_eq!(code(post(&long, "{}").await.unwrap()).await, (400, "invalid".into()));
    let large = format!(r#"{{"tag":"{}"}}"#, "x".repeat(10 * 1024 * 1024));
    let refused = post("person/ada/tag", &large).await.unwrap();
    assert_eq!(code(refused).await, (413, "too-large".into()));
    assert_eq!(stand.end().await, end, "nothing was appended");
    let refused = stand.command("ada", "remove-contact", r#"{"contact_id":"none","forced":false}"#);
    let (_, mut body) = problem(refused.send().await.unwrap()).await;
    body["request_id"] = "[id]".into();
    insta::assert_json_snapshot!("refused", body);
}

#[tokio::test]
async fn what_is_not_json_is_not_guessed_at() {
    let stand = Stand::start().await;
    let url = format!("{}/v1/commands/person/ada/create-person", stand.serving.url());
    for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "json"] {
        let sent = stand.http.post(&url).header("content-type", kind).body(CREATE).send();
        let refused = code(sent.await.unwrap()).await;
        assert_eq!(refused, (415, "unsupported-media-type".into()), "{kind}");
    }
    let sent = stand.http.post(&url).body(CREATE).send();
    assert_eq!(code(sent.await.unwrap()).await.0, 415);
    let kind = "application/merge-patch+json; charset=utf-8";
    let sent = stand.http.post(&url).header("content-type", kind).body(CREATE).send();
    assert_eq!(sent.await.unwrap().status(), 201);
}

#[tokio::test]
async fn headers_travel_with_the_command_or_are_refused() {
    let stand = Stand::start().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let sent = stand
        .command("ada", "create-person", CREATE)
        .header("x-request-id", "web-7")
        .header("x-correlation-id", "tour 1")
        .header("traceparent", trace);
    assert_eq!(sent.send().await.unwrap().headers()["x-request-id"], "web-7");
    let history = json(stand.get("/v1/aggregates/person/ada/events").await).await;
    let event = &history["events"][0];
    assert_eq!(
        (&event["request_id"], &event["correlation_id"]),
        (&"web-7".into(), &"tour 1".into())
    );
    assert!(event["traceparent"].as_str().unwrap().starts_with(&trace[..35]), "{event}");
    let end = stand.end().await;
    let long = "x".repeat(257);
    let bad: [(&str, &[u8]); 9] = [
        ("x-correlation-id", "ä".as_bytes()),
        ("x-correlation-id", b"a\tb"),
        ("x-correlation-id", b""),
        ("x-correlation-id", long.as_bytes()),
        ("idempotency-key", b""),
        ("deadline", b"tomorrow"),
        ("prefer", b"wait=soon"),
        ("prefer", b"\xff"),
        ("if-match", b"\xff"),
    ];
    for (name, value) in bad {
        let sent = stand.command("ada", "tag", r#"{"tag":"x"}"#).header(name, value);
        let refused = code(sent.send().await.unwrap()).await;
        assert_eq!(refused, (400, "invalid".into()), "{name} {value:?}");
    }
    let twice = stand.command("ada", "tag", "{}");
    let twice = twice.header("idempotency-key", "a").header("idempotency-key", "b");
    assert_eq!(code(twice.send().await.unwrap()).await, (400, "invalid".into()));
    assert_eq!(stand.end().await, end, "nothing was appended");
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_one_over_http_too() {
    let stand = Stand::start().await;
    let late = stand.command("ada", "create-person", CREATE);
    let late = late.header("deadline", "2020-01-01T00:00:00Z").send().await.unwrap();
    assert_eq!(code(late).await, (504, "deadline".into()));
    let waits = stand.command("ada", "create-person", CREATE).header("prefer", "wait=20");
    let waits = waits.send().await.unwrap();
    assert_eq!(
        (waits.status().as_u16(), &waits.headers()["preference-applied"]),
        (201, &"wait=20".parse().unwrap())
    );
}

#[tokio::test]
async fn a_command_with_a_parameter_that_nobody_reads_is_not_carried_out() {
    let stand = Stand::start().await;
    let end = stand.end().await;
    for wish in ["dry_run=true", "expected_version=7", "dry_run=true&expected_version=7", "=", "x"]
    {
        let url = format!("{}/v1/commands/person/ada/create-person?{wish}", stand.serving.url());
        for prefer in ["respond-async", "wait=10"] {
            let post = stand.http.post(&url).header("content-type", "application/json");
            let refused = post.header("prefer", prefer).body(CREATE).send().await.unwrap();
            assert_eq!(code(refused).await, (400, "invalid".into()), "{wish} {prefer}");
        }
    }
    let place = "/v1/commands/0192b0c0-0000-7000-8000-000000000001?wait=1";
    assert_eq!(code(stand.get(place).await).await, (400, "invalid".into()));
    assert_eq!(stand.end().await, end, "nothing was appended");
}

#[tokio::test]
async fn the_fields_of_a_command_are_not_taken_from_an_array() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let array = stand.command("ada", "tag", r#"["vip"]"#).send().await.unwrap();
    assert_eq!(code(array).await, (400, "invalid".into()));
}

#[test]
fn a_problem_of_the_service_and_one_of_the_gateway_never_share_a_code() {
    for (status, code, _) in gateway::Fault::ALL {
        let service = Problem::ALL.iter().find(|(_, other, _)| other == code);
        // A version that does not fit has in HTTP a status of its own, and stays what it is.
        assert!(service.is_none() || *code == "wrong-version", "{status} {code}");
    }
}
