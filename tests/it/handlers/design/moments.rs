//! Where a request stood at any time is what its row was then.

use fastrand::Rng;
use infrastructure::handler::Handlers;
use serde_json::{Value, json};

use super::{histories::any_command, report, requests, rows, send, state};
use crate::handlers::world::{World, with_every_store};

/// What the tables say of a request between two commands.
struct Moment {
    version: u64,
    state: Value,
    answers: Vec<Value>,
}

/// As the tables stand now.
async fn now(world: &World, handlers: &Handlers, id: &str, version: u64) -> Moment {
    let mut state = state(world, handlers, id).await;
    // Of the product there is no history.
    state.as_object_mut().unwrap().retain(|column, _| !column.starts_with("product_n"));
    for column in ["product_description", "product_active", "product_price"] {
        state.as_object_mut().unwrap().remove(column);
    }
    state["version"] = version.into();
    let answers = json!({"request_id": id, "is_current": true});
    Moment { version, state, answers: rows(world, handlers, "answers", answers).await }
}

/// Carries out `commands`, and is told at the end where the request stood after each.
async fn every_moment_is_told_later(
    world: &World,
    handlers: &Handlers,
    id: &str,
    (commands, seed): (Vec<(&'static str, Value)>, u64),
) {
    let mut moments: Vec<Moment> = Vec::new();
    for (name, body) in commands {
        let request = infrastructure::request::CommandRequest::new(
            "design",
            id.parse().unwrap(),
            name,
            body.to_string(),
        );
        // What makes no sense is refused, and what is known changes nothing.
        let Ok(reply) = world.client.send(&request).await else { continue };
        if moments.last().is_none_or(|last| last.version < reply.version.0) {
            moments.push(now(world, handlers, id, reply.version.0).await);
        }
    }
    let told = async |name: &'static str, asked: Value| {
        let mut params = json!({ "request_id": id });
        params.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        rows(world, handlers, name, params).await
    };
    for Moment { version, state, answers } in &moments {
        let at = state["updated_at"].clone();
        for asked in [json!({ "at": at }), json!({ "version": version })] {
            let found = told("state-at", asked.clone()).await;
            assert_eq!(found, std::slice::from_ref(state), "{asked}, seed {seed}");
        }
        let found = told("answers-at", json!({ "at": at })).await;
        assert_eq!(&found, answers, "at {at}, seed {seed}");
    }
    let last = &moments.last().unwrap().state;
    for asked in [json!({}), json!({"at": "2199-01-01T00:00:00Z"})] {
        assert_eq!(told("state-at", asked).await, std::slice::from_ref(last), "seed {seed}");
    }
    let early = json!({"at": "2020-01-01T00:00:00Z"});
    assert_eq!(told("state-at", early.clone()).await, [] as [Value; 0]);
    assert_eq!(told("answers-at", early).await, [] as [Value; 0]);
}

async fn where_a_request_stood_after_each_event_is_told(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    let mut declined = report("pi_1", "failed", 2);
    declined["failure_code"] = "card_declined".into();
    declined["failure_reason"] = "No money.".into();
    let mut paid = report("pi_1", "succeeded", 5);
    paid["method"] = "card".into();
    let fees =
        |intent: &str| json!({"intent_id": intent, "fee": 5, "net": 4895, "currency": "eur"});
    let answer = |text: &str| json!({"question_id": "colour", "text": text});
    let commands = vec![
        ("create-request", json!({"design_code": "D-7", "product_id": "sofa"})),
        ("answer-question", answer("red")),
        // Held, until it is quoted.
        ("record-payment", report("pi_0", "succeeded", 9)),
        ("answer-question", answer("blue")),
        ("submit-request", json!({"email": "ada@example.org"})),
        ("record-payment", declined),
        ("quote", json!({"amount": 4900, "currency": "eur"})),
        ("record-fees", fees("pi_0")),
        // Another payment counts from now on, and neither the fees nor the method are that one's.
        ("record-payment", paid),
        ("record-payment", report("pi_1", "cancelled", 7)),
        ("record-fees", fees("pi_1")),
        ("answer-question", json!({"question_id": "size", "text": "large"})),
        ("cancel-request", json!({"reason": "too late"})),
    ];
    every_moment_is_told_later(&world, &handlers, "r", (commands, 0)).await;
    let verdict = world.verified("design-requests", &requests()).await;
    assert!(verdict.is_sound(), "{verdict:?}");
    handlers.stop().await;
}

async fn whatever_happens_to_a_request_each_moment_is_told(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    for (id, paid) in [("paid", true), ("failing", false)] {
        let mut commands = vec![("create-request", json!({}))];
        commands.extend((0..24).map(|_| any_command(&mut rng, paid)));
        every_moment_is_told_later(&world, &handlers, id, (commands, seed)).await;
    }
    handlers.stop().await;
}

async fn what_is_erased_is_gone_from_every_moment(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "r", "create-request", json!({"email": "ada@example.org"})).await;
    send(&world, "r", "submit-request", json!({"email": "bob@example.org"})).await;
    let at = |version: u64| json!({"request_id": "r", "version": version});
    let email =
        async |version| rows(&world, &handlers, "state-at", at(version)).await[0]["email"].clone();
    assert_eq!(
        (email(1).await, email(2).await),
        (json!("ada@example.org"), json!("bob@example.org"))
    );
    send(&world, "r", "erase-personal-data", json!({})).await;
    for version in 1..=3 {
        assert_eq!(email(version).await, Value::Null);
    }
    let last = &rows(&world, &handlers, "state-at", at(3)).await[0];
    assert_eq!((&last["version"], &last["current_status"]), (&json!(3), &json!("SUBMITTED")));
    handlers.stop().await;
}

with_every_store! {
    where_a_request_stood_after_each_event_is_told,
    whatever_happens_to_a_request_each_moment_is_told,
    what_is_erased_is_gone_from_every_moment,
}
