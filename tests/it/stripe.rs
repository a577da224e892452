//! The client of Stripe's API against the stand-in: what it asks, how often, and what it makes of it;
//! and the effect that asks for fees.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use domain::design::{DesignEvent, examples};
use effects::RecordPaymentFees;
use kit::{
    Effect as _, Outcome,
    scenario::{id, recorded},
};
use stripe::{ApiKey, Client, ClientOptions, Error, IntentRequest, IntentStatus};
use tests::{FakeStripe, StripeFailure};

fn client(fake: &FakeStripe) -> Client {
    hasty(fake, Duration::from_secs(20))
}

fn hasty(fake: &FakeStripe, timeout: Duration) -> Client {
    let key: ApiKey = FakeStripe::KEY.parse().unwrap();
    Client::new(ClientOptions { api: fake.url(), timeout, ..ClientOptions::new(key) }).unwrap()
}

const WANTED: IntentRequest<'_> =
    IntentRequest { request_id: "r-1", amount: 4900, currency: "eur", instead_of: None };

#[tokio::test]
async fn the_same_request_gives_the_same_intent_and_another_gives_another() {
    let fake = FakeStripe::start().await;
    let client = client(&fake);
    let first = client.create_intent(&WANTED).await.unwrap();
    assert_eq!((first.amount, first.currency.as_str(), first.livemode), (4900, "eur", false));
    assert_eq!(first.status, IntentStatus::RequiresPaymentMethod);
    assert_eq!(first.metadata["request_id"], "r-1");
    assert!(first.client_secret.is_some());
    assert_eq!(client.create_intent(&WANTED).await.unwrap(), first);
    let dearer = IntentRequest { amount: 5900, ..WANTED };
    let instead = IntentRequest { instead_of: Some(&first.id), ..WANTED };
    for other in [dearer, instead] {
        assert_ne!(client.create_intent(&other).await.unwrap().id, first.id);
    }
    assert_eq!(fake.intents().len(), 3);
}

#[tokio::test]
async fn an_intent_that_was_made_before_is_told_as_it_is_now() {
    let fake = FakeStripe::start().await;
    let client = client(&fake);
    let made = client.create_intent(&WANTED).await.unwrap();
    fake.pay(&made.id);
    let again = client.create_intent(&WANTED).await.unwrap();
    assert_eq!((again.id, again.status), (made.id, IntentStatus::Succeeded));
}

#[tokio::test]
async fn stripe_forgets_an_idempotency_key_after_a_day() {
    let fake = FakeStripe::start().await;
    let client = client(&fake);
    let first = client.create_intent(&WANTED).await.unwrap();
    fake.advance(TimeDelta::hours(25));
    assert_ne!(client.create_intent(&WANTED).await.unwrap().id, first.id);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_makes_one_intent() {
    for failure in [
        StripeFailure::Answer(500),
        StripeFailure::Answer(503),
        StripeFailure::Answer(409),
        StripeFailure::Later(429, 1),
        StripeFailure::Cut,
        StripeFailure::Lost,
        StripeFailure::Hang,
    ] {
        let fake = FakeStripe::start().await;
        fake.fail(failure, 1);
        let timeout = Duration::from_secs(if failure == StripeFailure::Hang { 1 } else { 20 });
        let intent = hasty(&fake, timeout).create_intent(&WANTED).await;
        assert!(intent.is_ok(), "{failure:?}: {intent:?}");
        assert_eq!(fake.intents().len(), 1, "{failure:?}");
    }
}

#[tokio::test]
async fn attempts_are_bounded_and_what_is_left_is_for_later() {
    let fake = FakeStripe::start().await;
    let client = client(&fake);
    for failure in [StripeFailure::Answer(503), StripeFailure::Cut] {
        let before = fake.requests().len();
        fake.fail(failure, usize::MAX);
        let refusal = client.create_intent(&WANTED).await.unwrap_err();
        assert!(matches!(refusal, Error::Away { .. }), "{refusal}");
        assert_eq!(fake.requests().len() - before, 3);
    }
    fake.fail(StripeFailure::Later(429, 60), usize::MAX);
    let before = fake.requests().len();
    let refusal = client.create_intent(&WANTED).await.unwrap_err();
    let after = Some(Duration::from_secs(60));
    assert!(matches!(refusal, Error::Away { after: wanted, .. } if wanted == after), "{refusal}");
    assert_eq!(fake.requests().len() - before, 1, "a minute is not waited for here");
}

#[tokio::test]
async fn a_failure_that_stripe_keeps_under_a_key_is_left_behind_with_the_key() {
    let fake = FakeStripe::start().await;
    fake.fail(StripeFailure::Breaks, 1);
    let intent = client(&fake).create_intent(&WANTED).await.unwrap();
    assert_eq!(fake.intents(), [intent.id]);
}

#[tokio::test]
async fn errors_are_told_apart_and_never_in_stripes_words() {
    let fake = FakeStripe::start().await;
    let client = client(&fake);
    let missing = client.intent("pi_none").await.unwrap_err();
    assert!(matches!(missing, Error::Missing(_)), "{missing}");
    let nothing = IntentRequest { amount: 0, ..WANTED };
    let refused = client.create_intent(&nothing).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(_)), "{refused}");
    assert!(refused.to_string().contains("parameter_invalid_integer"), "{refused}");
    assert!(!refused.to_string().contains("Lovelace"), "{refused}");
    let before = fake.requests().len();
    for id in ["", "pi_", "pi_1/../../v1/charges", "pi_1?x=y", "ch_1"] {
        assert!(matches!(client.intent(id).await, Err(Error::Missing(_))), "{id:?}");
    }
    assert_eq!(fake.requests().len(), before, "no such id is asked for");
    let key: ApiKey = "sk_test_stranger".parse().unwrap();
    let stranger = Client::new(ClientOptions { api: fake.url(), ..ClientOptions::new(key) });
    let forbidden = stranger.unwrap().intent("pi_none").await.unwrap_err();
    assert!(matches!(forbidden, Error::Forbidden(_)), "{forbidden}");
}

#[tokio::test]
async fn a_payment_comes_to_something_once_stripe_knows_what() {
    let fake = FakeStripe::start().await;
    let client = client(&fake);
    let intent = client.create_intent(&WANTED).await.unwrap();
    assert_eq!(client.balance(&intent.id).await.unwrap(), None);
    fake.settle_later(true);
    fake.pay(&intent.id);
    assert_eq!(client.balance(&intent.id).await.unwrap(), None);
    fake.settle();
    let balance = client.balance(&intent.id).await.unwrap().unwrap();
    assert_eq!((balance.fee, balance.net, balance.currency.as_str()), (172, 4728, "eur"));
}

#[tokio::test]
async fn all_events_are_listed_page_by_page() {
    let fake = FakeStripe::start().await;
    let client = client(&fake);
    for _ in 0..250 {
        fake.happen("customer.created");
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = client.events(DateTime::UNIX_EPOCH, after.as_deref()).await.unwrap();
        listed.extend(
            page.events
                .iter()
                .map(|event| stripe::EventHead::read(event.get().as_bytes()).unwrap().id),
        );
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    listed.reverse();
    let made: Vec<_> = fake.events().into_iter().map(|event| event.id).collect();
    assert_eq!(listed, made);
    let tomorrow = chrono::Utc::now() + TimeDelta::days(1);
    assert!(client.events(tomorrow, None).await.unwrap().events.is_empty());
}

#[tokio::test]
async fn a_live_key_goes_nowhere_in_the_clear() {
    let client = |api: &str, key: &str| {
        let options = ClientOptions::new(key.parse().unwrap());
        Client::new(ClientOptions { api: api.to_owned(), ..options })
    };
    assert!(client("http://127.0.0.1:1", "sk_live_a").is_err());
    for api in ["", "127.0.0.1:1", "ftp://a", "http://u:p@127.0.0.1", "http://127.0.0.1/?a=b"] {
        assert!(client(api, "sk_test_a").is_err(), "{api:?}");
    }
    assert!(client("http://127.0.0.1:1", "sk_test_a").is_ok());
}

/// What the effect makes of a payment of `intent`.
async fn fees(client: &Client, intent: &str) -> Outcome {
    let succeeded = examples::events().into_iter().find_map(|event| match event {
        DesignEvent::PaymentSucceeded(succeeded) => Some(succeeded),
        _ => None,
    });
    let mut succeeded = succeeded.unwrap();
    succeeded.report.intent_id = intent.parse().unwrap();
    let event = recorded(&id("r-1"), 5, DesignEvent::from(succeeded));
    let effect = RecordPaymentFees::new(client.clone());
    assert_eq!(effect.concerns(&event), intent.starts_with("pi_"));
    effect.run(&event, &event.id.into()).await
}

#[tokio::test]
async fn fees_are_ordered_once_stripe_knows_them_and_no_outage_parks_a_payment() {
    let fake = FakeStripe::start().await;
    let client = client(&fake);
    let intent = client.create_intent(&WANTED).await.unwrap().id;
    fake.settle_later(true);
    fake.pay(&intent);
    let later = fees(&client, &intent).await;
    assert!(matches!(later, Outcome::Retry { .. }), "{later:?}");
    fake.settle();
    let Outcome::Done(orders) = fees(&client, &intent).await else { unreachable!("it is known") };
    let body: serde_json::Value = serde_json::from_str(&orders[0].body).unwrap();
    let expected = serde_json::json!({
        "intent_id": intent, "fee": 172, "net": 4728, "currency": "eur",
    });
    assert_eq!((orders.len(), orders[0].name, body), (1, "record-fees", expected));
    let missing = fees(&client, "pi_none").await;
    assert!(matches!(missing, Outcome::Park { .. }), "{missing:?}");
    let by_hand = fees(&client, "by-hand").await;
    assert!(matches!(by_hand, Outcome::Skip { .. }), "{by_hand:?}");
    for failure in [StripeFailure::Answer(503), StripeFailure::Answer(401), StripeFailure::Cut] {
        fake.fail(failure, usize::MAX);
        let away = fees(&client, &intent).await;
        assert!(matches!(away, Outcome::Away { .. }), "{failure:?}: {away:?}");
    }
}
