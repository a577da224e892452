//! Whatever comes, the answer has a code, nothing is appended, and the service goes on.

use async_nats::RequestErrorKind;
use bytes::Bytes;
use infrastructure::problem::Problem;
use uuid::Uuid;

use super::{CREATE, Stand, TAG, command};

#[track_caller]
fn assert_code(problem: &Problem, status: u16, code: &str) {
    assert_eq!((problem.status, problem.code.as_str()), (status, code), "{problem:?}");
}

/// Subject, headers and body of a request, and the status and code it is refused with.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], u16, &'a str);

/// Refuses one raw request after the other, and then still takes a good one.
async fn refuses(cases: &[Case<'_>]) {
    let stand = Stand::start().await;
    stand.create("ada").await;
    for (subject, headers, body, status, code) in cases {
        let problem = stand.refusal(subject, headers, body.to_vec()).await;
        assert_code(&problem, *status, code);
    }
    assert_eq!(stand.commits().await, 1, "nothing was appended");
    stand.create("alive").await;
}

#[tokio::test]
async fn an_unknown_aggregate_or_command_is_not_found() {
    refuses(&[
        ("command.robot.ada.tag", &[], TAG, 404, "unknown-aggregate"),
        ("command.person.ada.fly", &[], b"{}", 404, "unknown-command"),
    ])
    .await;
}

#[tokio::test]
async fn an_id_that_is_no_token_is_invalid() {
    let long = format!("command.person.{}.tag", "x".repeat(129));
    refuses(&[
        ("command.person.ada.lovelace.tag", &[], TAG, 400, "invalid"),
        ("command.person.a,b.tag", &[], TAG, 400, "invalid"),
        (long.as_str(), &[], TAG, 400, "invalid"),
    ])
    .await;
}

#[tokio::test]
async fn an_id_that_no_subject_can_hold_does_not_leave_the_client() {
    let stand = Stand::start().await;
    // The server would end the connection over a subject of 10 kB, and so does its client.
    for id in ["*", ">", "", "a b"] {
        let subject = format!("command.person.{id}.tag");
        let refused = stand.connection.request(subject, Bytes::from_static(TAG)).await;
        let kind = refused.map(|answer| answer.payload).map_err(|error| error.kind());
        match kind {
            // Refused by the client, or by a server that knows nobody who takes such a subject.
            Err(RequestErrorKind::InvalidSubject | RequestErrorKind::NoResponders) => {}
            Err(kind) => panic!("{id:?}: {kind}"),
            Ok(body) => {
                let problem: Problem = serde_json::from_slice(&body).unwrap();
                assert_code(&problem, 400, "invalid");
            }
        }
    }
    assert!("x".repeat(10_000).parse::<kit::AggregateId>().is_err());
    stand.create("alive").await;
}

#[tokio::test]
async fn a_body_that_is_not_the_commands_is_invalid() {
    refuses(&[
        ("command.person.ada.tag", &[], b"{", 400, "invalid"),
        ("command.person.ada.tag", &[], b"\xff\xfe", 400, "invalid"),
        ("command.person.ada.tag", &[], br#"{"tag":"vip","colour":"red"}"#, 400, "invalid"),
        ("command.person.ada.tag", &[], br#"{"tag":7}"#, 400, "invalid"),
        ("command.person.ada.tag", &[], b"", 400, "invalid"),
        ("command.person.ada.tag", &[], b"null", 400, "invalid"),
    ])
    .await;
}

#[tokio::test]
async fn a_bad_header_is_invalid() {
    refuses(&[
        ("command.person.ada.tag", &[("Command-Id", "a.b")], TAG, 400, "invalid"),
        ("command.person.ada.tag", &[("Expected-Version", "new")], TAG, 400, "invalid"),
        ("command.person.ada.tag", &[("Deadline", "soon")], TAG, 400, "invalid"),
        ("command.person.ada.tag", &[("Hops", "17")], TAG, 422, "too-many-hops"),
    ])
    .await;
}

#[tokio::test]
async fn a_large_body_is_too_large_and_a_huge_one_does_not_leave_the_client() {
    let stand = Stand::start().await;
    let body = |size: usize| Bytes::from(vec![b' '; size]);
    let problem = stand.refusal("command.person.ada.create-person", &[], body(300_000)).await;
    assert_code(&problem, 413, "too-large");
    let huge = stand.connection.request("command.person.ada.tag", body(2 << 20)).await;
    assert_eq!(huge.unwrap_err().kind(), RequestErrorKind::MaxPayloadExceeded);
    for size in [300_000, 2 << 20] {
        let problem = stand.client.send(&command("ada", "tag", body(size))).await.unwrap_err();
        assert_code(&problem, 413, "too-large");
    }
    assert_eq!(stand.commits().await, 0);
    stand.create("alive").await;
}

#[tokio::test]
async fn a_command_id_stands_for_one_command_only() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let id = Uuid::now_v7().to_string();
    let header = [("Command-Id", id.as_str())];
    stand.raw("command.person.ada.tag", &header, TAG).await;
    let other = br#"{"tag":"other"}"#.as_slice();
    let problem = stand.refusal("command.person.ada.tag", &header, other).await;
    assert_code(&problem, 409, "id-reused");
    assert_eq!(stand.commits().await, 2);
}

#[tokio::test]
async fn a_deadline_that_has_passed_and_a_version_that_is_not_there_are_refused() {
    refuses(&[
        ("command.person.ada.tag", &[("Deadline", "2020-01-01T00:00:00Z")], TAG, 504, "deadline"),
        ("command.person.ada.tag", &[("Expected-Version", "7")], TAG, 409, "wrong-version"),
        (
            "command.person.new.create-person",
            &[("Expected-Version", "1")],
            CREATE,
            409,
            "wrong-version",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_history_that_is_not_ours_is_reported_with_its_position() {
    let stand = Stand::start().await;
    let context = async_nats::jetstream::new(stand.connection.clone());
    let foreign = Bytes::from_static(b"not a commit");
    let stored = context.publish("event.person.ada", foreign).await.unwrap().await.unwrap();
    let problem = stand.refusal("command.person.ada.create-person", &[], CREATE).await;
    assert_code(&problem, 500, "corrupt");
    assert!(problem.detail.contains(&stored.sequence.to_string()), "{}", problem.detail);
    assert_eq!(stand.commits().await, 1);
    stand.create("alive").await;
}

#[tokio::test]
async fn a_reply_subject_inside_the_service_gets_nothing_and_does_nothing() {
    let stand = Stand::start().await;
    for reply in ["event.person.eve", "enqueue.person.eve.tag", "$JS.API.STREAM.DELETE.EVENTS"] {
        let (subject, body) = ("command.person.ada.create-person", Bytes::from_static(CREATE));
        stand.connection.publish_with_reply(subject, reply, body).await.unwrap();
    }
    // Taken after those before it.
    assert_eq!(stand.create("alive").await.version.0, 1);
    assert_eq!(stand.commits().await, 1);
}
