//! What people let pass ends by itself: the timers of all policies, with the built service.

use chrono::{DateTime, TimeDelta, Utc};
use infrastructure::{
    envelope::{Draft, encode_drafts},
    store::StreamKey,
};
use kit::{Metadata, Version};
use nats::Subject;
use serde_json::{Value, json};
use tests::{History, LIMIT, Server, Service, eventually};
use uuid::Uuid;

use crate::kit::{binary, finish};

/// Writes a history as if it had been decided yesterday, when nobody could have waited for it.
pub(crate) async fn recorded(
    server: &Server,
    aggregate: &str,
    id: &str,
    events: &[(&str, u32, Value)],
) {
    let key = StreamKey { aggregate: aggregate.into(), id: id.parse().unwrap() };
    let metadata = Metadata {
        command_id: Uuid::now_v7().into(),
        command_hash: String::new(),
        correlation_id: "yesterday".to_owned(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    };
    let data: Vec<_> = events.iter().map(|(.., data)| data.to_string()).collect();
    let (mut drafts, time) = (Vec::new(), Utc::now() - TimeDelta::days(1));
    for ((kind, schema_version, _), data) in events.iter().zip(&data) {
        let (id, version) = (Uuid::now_v7(), Version(drafts.len() as u64 + 1));
        let (schema_version, data, metadata) = (*schema_version, data.as_bytes(), &metadata);
        drafts.push(Draft {
            id,
            kind,
            schema_version,
            version,
            time,
            data,
            sealed: None,
            metadata,
        });
    }
    let body = encode_drafts(&key, drafts).unwrap();
    let context = async_nats::jetstream::new(server.client().await);
    context.publish(Subject::event(aggregate, &key.id), body).await.unwrap().await.unwrap();
}

/// A person with two codes that end at `soon`, of which one was used, and two certificates, of which
/// one ended yesterday.
async fn person(server: &Server, soon: DateTime<Utc>) {
    let name = json!({"given": ["Ada"], "family": ["Lovelace"]});
    let created = json!({"name": name, "source": "api", "onboarding": false, "external_ids": []});
    let mut events = vec![("person-created", 2, created)];
    for contact in ["home", "work"] {
        let value = format!("{contact}@example.org");
        let added = json!({"contact_id": contact, "kind": "email", "value": value});
        let requested = json!({
            "contact_id": contact, "kind": "email", "challenge_id": format!("code-{contact}"),
            "requested_at": soon - TimeDelta::days(1), "expires_at": soon, "attempts": 5,
        });
        events.push(("contact-added", 1, added));
        events.push(("contact-verification-requested", 1, requested));
    }
    let verified = json!({"contact_id": "work", "kind": "email", "reservation": "5f0c6c1e8d3b"});
    events.push(("contact-verified", 1, verified));
    let yesterday = (Utc::now() - TimeDelta::days(1)).date_naive().to_string();
    for (skill, expires) in [("analysis", yesterday.as_str()), ("poetry", "2190-01-01")] {
        events.push((
            "skill-claimed",
            1,
            json!({"skill_id": skill, "name": skill, "level": "expert"}),
        ));
        let certified = json!({
            "skill_id": skill, "issuer": "Royal Society", "issued": "2020-01-01", "expires": expires,
        });
        events.push(("skill-certified", 1, certified));
    }
    recorded(server, "person", "ada", &events).await;
}

/// Every timer there is, by aggregate and name, and its state.
async fn timers(server: &Server) -> Vec<String> {
    let mut command = binary().await;
    command.args(["timers", "list", "--json", "--nats", server.url()]);
    let timers = finish(command, "").await.json();
    let mut timers: Vec<_> = timers
        .iter()
        .map(|timer| {
            let word = |name: &str| timer[name].as_str().unwrap();
            format!("{} {} {} {}", word("aggregate"), word("id"), word("name"), word("state"))
        })
        .collect();
    timers.sort();
    timers
}

#[tokio::test]
async fn what_people_let_pass_ends_by_itself_and_what_they_did_in_time_does_not() {
    let server = Server::start().await;
    let mut service = Service::start(env!("CARGO_BIN_EXE_headwater"), server.url(), &[]).await;
    let soon = Utc::now() + TimeDelta::seconds(2);
    let (days, far) = (Utc::now() + TimeDelta::days(3), Utc::now() + TimeDelta::days(14));
    person(&server, soon).await;
    let started = |deadline, remind_at| {
        ("onboarding-started", 1, json!({"deadline": deadline, "remind_at": remind_at}))
    };
    recorded(&server, "onboarding", "late", &[started(soon, days)]).await;
    recorded(&server, "onboarding", "slow", &[started(far, soon)]).await;
    let cancelled = ("onboarding-cancelled", 1, json!({"reason": "requested"}));
    recorded(&server, "onboarding", "gone", &[started(soon, soon), cancelled]).await;

    let history = eventually("all that was let pass has ended", LIMIT, async || {
        let history = History::read(&server.client().await).await;
        let ended = |aggregate: &str, kind: &str| {
            history.of(aggregate).iter().filter(|event| event.kind.ends_with(kind)).count()
        };
        let all = [
            ended("person.ada", "contact-verification-expired"),
            ended("person.ada", "certification-expired"),
            ended("onboarding.late", "onboarding-expired"),
            ended("onboarding.slow", "onboarding-reminded"),
        ];
        assert!(all.iter().all(|times| *times <= 1), "{all:?}");
        all.iter().all(|times| *times == 1).then_some(history)
    })
    .await;

    history.assert_sound();
    let after = |aggregate: &str, begun: usize| history.of(aggregate).len() - begun;
    assert_eq!((after("person.ada", 10), after("onboarding.gone", 2)), (2, 0));
    let expected = [
        "onboarding slow expire waiting",
        "onboarding slow remind waiting",
        "person ada expire-certification=poetry waiting",
    ];
    eventually("only what still lies ahead waits", LIMIT, async || {
        (timers(&server).await == expected).then_some(())
    })
    .await;
    assert!(service.stop().await);
}
