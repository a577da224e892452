//! What commands, replies and problems look like as messages, and which requests are refused.

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use infrastructure::{
    problem::Problem,
    request::{CommandRequest, EventRef, Reply, Status},
    wire,
};
use kit::{Position, Version};
use uuid::Uuid;

const SUBJECT: &str = "command.person.ada.tag";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, *value);
    }
    map
}

fn read(pairs: &[(&str, &str)]) -> Result<CommandRequest, Problem> {
    wire::read_request(SUBJECT, Some(&headers(pairs)), Bytes::from_static(b"{}"))
}

/// Every header once.
fn full() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Command-Id", "c-1"),
        ("Correlation-Id", "order 66"),
        ("Causation-Id", "e-1"),
        ("Causation-Position", "41"),
        ("User-Id", "auth0|ada"),
        ("Session-Id", "s-1"),
        ("Request-Id", "r-1"),
        ("Expected-Version", "7"),
        ("Deadline", "2026-01-02T03:04:05+00:00"),
        ("Hops", "3"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ]
}

fn sorted(map: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<_> = map
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| format!("{name}: {value}")))
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_request_with_every_header_is_read_and_written_the_same() {
    let request = read(&full()).unwrap();
    insta::assert_debug_snapshot!(request);
    let written = wire::write_headers(&request).unwrap();
    assert_eq!(sorted(&written), sorted(&headers(&full())));
}

#[test]
fn a_request_without_headers_has_nothing_but_its_command() {
    let request = wire::read_request(SUBJECT, None, Bytes::new()).unwrap();
    let id = "ada".parse().unwrap();
    assert_eq!(request, CommandRequest::new("person", id, "tag", Bytes::new()));
}

#[test]
fn every_bad_header_is_named() {
    let long = "x".repeat(257);
    let bad = [
        ("Command-Id", "a.b"),
        ("Command-Id", ""),
        ("Correlation-Id", long.as_str()),
        ("User-Id", "a\tb"),
        ("Causation-Position", "-1"),
        ("Expected-Version", "seven"),
        ("Expected-Version", "+7"),
        ("Expected-Version", "99999999999999999999"),
        ("Deadline", "tomorrow"),
        ("Hops", "256"),
    ];
    let problems: Vec<_> = bad.iter().map(|pair| read(&[*pair]).unwrap_err()).collect();
    for ((name, _), problem) in bad.iter().zip(&problems) {
        assert_eq!((problem.status, problem.code.as_str()), (400, "invalid"));
        assert!(problem.detail.contains(name), "{problem:?} does not name {name}");
    }
    let details: Vec<_> = problems.into_iter().map(|problem| problem.detail).collect();
    insta::assert_debug_snapshot!(details);
}

#[test]
fn a_header_that_is_given_twice_is_refused() {
    let problem = read(&[("Command-Id", "c-1"), ("Command-Id", "c-2")]).unwrap_err();
    assert_eq!(problem.detail, "header Command-Id: is given more than once");
}

#[test]
fn a_traceparent_that_cannot_be_read_is_passed_over() {
    assert_eq!(read(&[("traceparent", "00-nonsense")]).unwrap().traceparent, None);
}

#[test]
fn a_subject_that_is_not_a_command_is_refused() {
    let long = format!("command.person.{}.tag", "x".repeat(10_000));
    let subjects = [
        "command.person.a.b.tag",
        "command.person.*.tag",
        "command.person.ada",
        "command.Person.ada.tag",
        "command.person.ada.Tag",
        "command.person.a da.tag",
        "event.person.ada",
        long.as_str(),
    ];
    for subject in subjects {
        let problem = wire::read_request(subject, None, Bytes::new()).unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (400, "invalid"), "{subject}");
        assert!(problem.detail.len() < 1024, "a long subject is not echoed whole");
    }
}

#[test]
fn a_body_beyond_the_limit_is_too_large() {
    let limit = nats::limits::COMMAND_BYTES_MAX;
    let body = |size: usize| Bytes::from(vec![b' '; size]);
    assert!(wire::read_request(SUBJECT, None, body(limit)).is_ok());
    let problem = wire::read_request(SUBJECT, None, body(limit + 1)).unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (413, "too-large"));
}

#[test]
fn a_value_that_cannot_be_a_header_is_refused_and_does_not_panic() {
    let mut request = read(&[]).unwrap();
    request.user_id = Some("ada\r\nHops: 0".to_owned());
    let problem = wire::write_headers(&request).unwrap_err();
    assert!(problem.detail.starts_with("header User-Id"), "{problem}");
}

#[test]
fn a_reply_is_json() {
    let reply = Reply {
        status: Status::Committed,
        aggregate: "person".to_owned(),
        id: "ada".parse().unwrap(),
        version: Version(2),
        position: Position(41),
        events: vec![EventRef {
            id: Uuid::from_u128(7),
            kind: "person.tagged".to_owned(),
            version: Version(2),
        }],
    };
    let body = wire::write_reply(&reply).unwrap();
    insta::assert_snapshot!(std::str::from_utf8(&body).unwrap());
    assert_eq!(serde_json::from_slice::<Reply>(&body).unwrap(), reply);
}

#[test]
fn a_problem_comes_back_as_it_was_sent() {
    let problem = Problem::wrong_version("the aggregate is at version 3, not at 2");
    let (headers, payload) = wire::write_problem(&problem);
    insta::assert_snapshot!(format!(
        "{}\n\n{}",
        sorted(&headers).join("\n"),
        std::str::from_utf8(&payload).unwrap()
    ));
    let message = Message {
        subject: "_INBOX.x".into(),
        reply: None,
        length: payload.len(),
        payload,
        headers: Some(headers),
        status: None,
        description: None,
    };
    assert_eq!(wire::read_answer(message), Err(problem));
}

#[test]
fn the_codes_and_their_statuses_are_the_wire() {
    let lines: Vec<_> = Problem::ALL
        .iter()
        .map(|(status, code, title)| format!("{status} {code}: {title}"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
