//! Whatever happens to requests, their rows are what a fold of the log gives.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{
    design::{Design, DesignEvent, DesignStatus, Fact, PaymentFact, PaymentReport, PaymentStatus},
    money::Money,
    values::Label,
};
use fastrand::Rng;
use futures::future::join_all;
use infrastructure::{
    deadletter::{Action, Key},
    envelope::decode,
    query::Queries,
    request::CommandRequest,
};
use kit::{AggregateId, PartId, Position, Recorded, scenario::fold};
use serde_json::{Value, json};

use super::{requests, rows, send, state};
use crate::handlers::world::{World, json as read, with_every_store};

const REQUESTS: usize = 16;
const COMMANDS: usize = 24;

/// Something that anybody may ask, sensible or not; about payments that all fail, unless it is `paid`.
pub(super) fn any_command(rng: &mut Rng, paid: bool) -> (&'static str, Value) {
    let email = || json!({"email": "ada@example.org"});
    match rng.u8(0..16) {
        0 => ("submit-request", email()),
        1 => ("start-design", json!({})),
        2 => ("complete-design", json!({})),
        3 if rng.u8(0..4) == 0 => ("cancel-request", json!({"reason": "too late"})),
        4 => ("quote", json!({"amount": 4900, "currency": "eur"})),
        5 => {
            let intent = format!("pi_{}", rng.u8(0..3));
            let (fee, currency) = if rng.bool() { (170, "eur") } else { (1250, "kwd") };
            let fees = json!({"intent_id": intent, "fee": fee, "net": 4730, "currency": currency});
            ("record-fees", fees)
        }
        6..=8 => {
            let (question, text) = (rng.u8(0..3), rng.u8(0..3));
            let answer = json!({"question_id": format!("q{question}"), "text": format!("{text}")});
            ("answer-question", answer)
        }
        _ => ("record-payment", any_report(rng, paid)),
    }
}

/// A report in any order, often one that came before.
fn any_report(rng: &mut Rng, paid: bool) -> Value {
    let (intent, at) = (rng.u8(0..3), rng.u8(0..6));
    let facts = ["created", "processing", "failed", "cancelled", "succeeded"];
    let fact = facts[rng.usize(0..if paid { 5 } else { 4 })];
    let mut report = json!({"intent_id": format!("pi_{intent}"), "fact": fact, "currency": "eur",
        "amount": if rng.u8(0..8) == 0 { 5900 } else { 4900 },
        "at": format!("2026-01-02T03:04:0{at}Z")});
    if rng.u8(0..4) > 0 {
        let other = rng.u8(0..2);
        report["stripe_event_id"] = format!("evt_{intent}_{fact}_{at}_{other}").into();
    }
    if rng.bool() {
        report["method"] = ["card", "paypal"][rng.usize(0..2)].into();
    }
    if fact == "failed" {
        report["failure_code"] = format!("code_{}", rng.u8(0..9)).into();
    }
    report
}

/// The log of each request.
async fn logs(world: &World) -> BTreeMap<AggregateId, Vec<Recorded<DesignEvent>>> {
    let mut logs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for message in world.messages().await {
        for (index, element) in decode(&message.payload).unwrap().iter().enumerate() {
            let event = element.record("design", Position(message.sequence), index).unwrap();
            logs.entry(element.aggregate_id.clone()).or_default().push(event);
        }
    }
    logs
}

/// What `event` reports of a payment, and the code of a failure.
fn reported(event: &DesignEvent) -> Option<(PaymentFact, &PaymentReport, Option<&Label>)> {
    use DesignEvent as E;
    Some(match event {
        E::PaymentIntentCreated(e) if e.processing => (PaymentFact::Processing, &e.report, None),
        E::PaymentIntentCreated(e) => (PaymentFact::Created, &e.report, None),
        E::PaymentSucceeded(e) => (PaymentFact::Succeeded, &e.report, None),
        E::PaymentFailed(e) => (PaymentFact::Failed, &e.report, e.failure_code.as_ref()),
        E::PaymentCancelled(e) => (PaymentFact::Cancelled, &e.report, None),
        _ => return None,
    })
}

/// The later in this order says what holds, whichever came first: the first success, or else a
/// cancellation, or else the latest.
fn order(fact: PaymentFact, report: &PaymentReport) -> impl Ord {
    let second = report.at.timestamp();
    let (finality, second) = match fact {
        PaymentFact::Succeeded => (2, -second),
        PaymentFact::Cancelled => (1, second),
        PaymentFact::Created | PaymentFact::Processing | PaymentFact::Failed => (0, second),
    };
    (finality, second, fact, report.stripe_event_id.clone(), report.amount)
}

fn number(money: Money) -> Value {
    serde_json::from_str(&money.major()).unwrap()
}

/// What the state's row must be: from the aggregate's own state where it has it, which never reads
/// what events say for readers.
fn expected(id: &AggregateId, log: &[Recorded<DesignEvent>]) -> Value {
    let events: Vec<_> = log.iter().map(|event| event.event.clone()).collect();
    let design: Design = fold(&events);
    let standing: Option<(&PartId, &Fact)> = design.payment.standing();
    let money = standing.map(|(_, fact)| fact.money).or(design.quote);
    let intent = standing.map(|(intent, _)| intent);
    let fees = intent.and_then(|intent| design.fees.get(intent));
    let of_intent = |fact: PaymentFact| {
        let facts = design.payment.all();
        facts.filter(move |(of, known)| Some(*of) == intent && known.fact == fact)
    };
    let confirmed: Option<DateTime<Utc>> =
        of_intent(PaymentFact::Succeeded).map(|(_, fact)| fact.at).min();
    let mut reports: Vec<_> = events.iter().filter_map(reported).collect();
    reports.retain(|(_, report, _)| Some(&report.intent_id) == intent);
    reports.sort_by_cached_key(|(fact, report, _)| order(*fact, report));
    let failed = reports.iter().rfind(|(fact, ..)| *fact == PaymentFact::Failed);
    let code = failed.and_then(|(_, _, code)| *code);
    let method = reports.iter().rev().find_map(|(_, report, _)| report.method.as_ref());
    let summary = design.payment.summary();
    let status: &str = DesignStatus::into(design.status());
    let payment: &str = PaymentStatus::into(design.payment.status());
    let shown = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let micros =
        |at: DateTime<Utc>| shown(DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap());
    json!({
        "id": log[0].id, "request_id": id, "current_status": status,
        "current_payment_status": payment,
        "email": design.email, "design_code": null, "product_id": null,
        "total_amount": money.map(number), "payment_currency": money.map(|it| it.currency),
        "stripe_payment_intent_id": intent,
        "payment_net_amount": fees.map(|fees| number(fees.net)),
        "payment_fee_amount": fees.map(|fees| number(fees.fee)),
        "payment_failure_reason": null,
        "payment_failure_code": code.filter(|_| confirmed.is_none()),
        "payment_attempts": summary.as_ref().map_or(0, |it| it.attempts),
        "last_payment_attempt_at": summary.and_then(|it| it.last_attempt_at).map(shown),
        "payment_confirmed_at": confirmed.map(shown),
        "payment_method": method,
        "created_at": micros(log[0].time), "updated_at": micros(log[log.len() - 1].time),
        "product_name": null, "product_description": null, "product_active": null,
        "product_price": null,
    })
}

async fn rows_equal_a_fold_of_the_log_whatever_has_happened(world: World) {
    let seed = fastrand::u64(..);
    let handlers = world.handlers(&requests(), "one").await;
    join_all((0..REQUESTS).map(async |at| {
        let (id, mut rng) = (format!("r{at}"), Rng::with_seed(seed.wrapping_add(at as u64)));
        send(&world, &id, "create-request", json!({})).await;
        for _ in 0..COMMANDS {
            let (name, body) = any_command(&mut rng, at % 2 == 0);
            let id = id.parse().unwrap();
            let request = CommandRequest::new("design", id, name, body.to_string());
            // What makes no sense is refused.
            let _ = world.client.send(&request).await;
        }
    }))
    .await;
    let logs = logs(&world).await;
    let mut met = BTreeSet::new();
    for (id, log) in &logs {
        assert_eq!(state(&world, &handlers, id.as_str()).await, expected(id, log), "seed {seed}");
        let design: Design = fold(log.iter().map(|event| &event.event));
        let of = json!({"request_id": id, "is_current": true});
        let current = rows(&world, &handlers, "answers", of).await;
        let current: BTreeMap<_, _> = current
            .iter()
            .map(|row| {
                (
                    row["question_id"].clone().to_string(),
                    (row["id"].clone(), row["version"].clone()),
                )
            })
            .collect();
        let answers = design.answers.iter();
        let answers: BTreeMap<_, _> = answers
            .map(|(question, answer)| {
                (json!(question).to_string(), (json!(answer.answer_id), json!(answer.version)))
            })
            .collect();
        assert_eq!(current, answers, "exactly one is current; seed {seed}");
        let events = rows(&world, &handlers, "events", json!({"request_id": id})).await;
        let ids: Vec<_> = events.iter().map(|row| row["id"].clone()).collect();
        assert_eq!(ids, log.iter().map(|event| json!(event.id)).collect::<Vec<_>>());
        met.insert(design.payment.status());
    }
    assert!(logs.len() == REQUESTS && met.len() > 1, "{met:?}");
    for projection in ["design-requests", "design-funnel"] {
        let verdict = world.verified(projection, &requests()).await;
        assert!(verdict.is_sound() && verdict.position == world.last().await, "{verdict:?}");
    }
    handlers.stop().await;
}

async fn a_quote_leaves_the_amount_that_a_payment_is_about(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "q", "create-request", json!({})).await;
    let failed = json!({"intent_id": "pi_1", "fact": "failed", "amount": 5900, "currency": "eur",
        "at": "2026-01-02T03:04:05Z"});
    send(&world, "q", "record-payment", failed).await;
    send(&world, "q", "quote", json!({"amount": 4900, "currency": "eur"})).await;
    let logs = logs(&world).await;
    let (id, log) = logs.first_key_value().unwrap();
    let row = state(&world, &handlers, "q").await;
    assert_eq!(row, expected(id, log));
    assert_eq!(row["total_amount"].as_f64(), Some(59.0));
    handlers.stop().await;
}

async fn what_newer_code_wrote_waits_and_is_told_and_others_go_on(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "x", "create-request", json!({})).await;
    for text in ["red", "green", "blue"] {
        let answer = json!({"question_id": "colour", "text": text});
        send(&world, "x", "answer-question", answer).await;
    }
    for (at, message) in world.messages().await.into_iter().enumerate() {
        let commit = String::from_utf8(message.payload.to_vec()).unwrap();
        let mut commit = commit.replace("\"subject\":\"x\"", "\"subject\":\"q\"");
        if at == 2 {
            commit = commit.replace("\"schemaversion\":1", "\"schemaversion\":2");
        }
        world.connection.publish("event.design.q", commit.into()).await.unwrap();
    }
    let key = Key {
        handler: "design-requests".into(),
        aggregate: "design".into(),
        id: "q".parse().unwrap(),
    };
    let letters = world.letters().await;
    let letter =
        tests::eventually("it is parked", tests::LIMIT, async || letters.get(&key).await.unwrap())
            .await;
    let asked = async |id: &str| {
        let params = json!({"request_id": id, "after": world.last().await, "wait_ms": 30_000});
        let body = params.to_string().into();
        let answer = handlers.queries().query("design-requests", "answers", body).await;
        let answer = read(&answer.unwrap());
        let rows = answer["rows"].as_array().unwrap();
        let current = rows.iter().filter(|row| row["is_current"] == true);
        let current: Vec<_> = current.map(|row| row["version"].clone()).collect();
        (answer["status"].clone(), answer["parked"].clone(), json!(current))
    };
    assert_eq!(asked("q").await, (json!("parked"), json!(1), json!([1])));
    assert_eq!(asked("x").await, (json!("ready"), json!(1), json!([3])));
    world.ask(&letter, Action::Discard, None).await;
    tests::eventually("it is released", tests::LIMIT, async || {
        letters.get(&key).await.unwrap().is_none().then_some(())
    })
    .await;
    tests::eventually("what waited is in the rows", tests::LIMIT, async || {
        (asked("q").await == (json!("ready"), json!(0), json!([3]))).then_some(())
    })
    .await;
    let verdict = world.verified("design-requests", &requests()).await;
    assert!(verdict.is_sound(), "{verdict:?}");
    handlers.stop().await;
}

with_every_store! {
    rows_equal_a_fold_of_the_log_whatever_has_happened,
    a_quote_leaves_the_amount_that_a_payment_is_about,
    what_newer_code_wrote_waits_and_is_told_and_others_go_on,
}
