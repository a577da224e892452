//! `POST /api/webhooks/stripe`: takes in what Stripe reports. What is signed is put into the queue of
//! durable commands as it came, and then Stripe is told that it has arrived.
//! Not here: what it means, and whether it came before; the aggregate `stripe-event` knows.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use chrono::Utc;
use domain::stripe_event::{Receive, StripeEvent, StripeEventCommand};
use gateway::{Fault, RequestId};
use infrastructure::{client::Client, problem::Problem, request::CommandRequest};
use kit::{Actor, Aggregate as _, AggregateId, Command as _, CommandId, Context, Secret};
use stripe::{EventHead, Mode, NotAnEvent, SigningSecrets, signature};
use uuid::Uuid;

use super::faults;

/// Who brings what a webhook brings, in the words of the original events.
const WEBHOOK: &str = "stripe_webhook";
/// Who brings what was fetched because no webhook had brought it.
pub const RECONCILED_BY: &str = "stripe_reconcile";
/// Namespace of the command ids of events. Part of the wire: a repeat must derive the same for ever.
const RECEIPTS: Uuid = Uuid::from_u128(0x2b6e_0d44_91c3_5f0a_8a67_5d1f_c0de_0e57);

/// The route that Stripe's webhooks come to.
#[derive(Debug, Clone)]
pub struct Inbox {
    client: Client,
    secrets: Option<SigningSecrets>,
    mode: Option<Mode>,
}

impl Inbox {
    /// Takes in what is signed with one of `secrets`, if there are any, and is from `mode`, if that is
    /// known.
    #[must_use]
    pub const fn new(client: Client, secrets: Option<SigningSecrets>, mode: Option<Mode>) -> Self {
        Self { client, secrets, mode }
    }

    /// The route. It needs no other authentication: the signature says who sends it.
    pub fn routes(self) -> Router {
        Router::new().route("/api/webhooks/stripe", post(take_in)).with_state(Arc::new(self))
    }

    fn check<'a>(
        &self,
        headers: &HeaderMap,
        body: &'a [u8],
    ) -> Result<(EventHead, &'a str), Problem> {
        let secrets = self.secrets.as_ref().ok_or_else(|| {
            faults::off(
                "the service was given no --stripe-webhook-secret-file to check webhooks with",
            )
        })?;
        let mut signatures = headers.get_all(signature::HEADER).iter();
        let header = signatures.next().map(axum::http::HeaderValue::as_bytes);
        let checked = match signatures.next() {
            Some(_) => Err(signature::SignatureError::Malformed("it is there twice")),
            None => signature::verify(body, header, secrets, Utc::now()),
        };
        checked.map_err(faults::forged)?;
        let no_event = |error: NotAnEvent| faults::no_event(error.to_string());
        let head = EventHead::read(body).map_err(no_event)?;
        let text = str::from_utf8(body).map_err(|_| Problem::invalid("the body is not UTF-8"))?;
        if self.mode.is_some_and(|mode| !mode.agrees(head.livemode)) {
            return Err(faults::wrong_mode(head.livemode));
        }
        Ok((head, text))
    }
}

/// The durable command that brings `payload`, an event with the id `id`, to its aggregate. The same for
/// the same event, whoever brings it.
///
/// # Errors
/// If its aggregate would not take it in: then it would be neither in the log nor anywhere else.
pub fn receipt(id: &str, payload: &str, by: &str) -> Result<CommandRequest, Problem> {
    let aggregate_id: AggregateId =
        id.parse().map_err(|_| faults::no_event("the event's id is too long"))?;
    let invalid = |_| Problem::invalid("the event's size is beyond what is taken in");
    let payload = plain(payload).into_owned().try_into().map_err(invalid)?;
    let command = StripeEventCommand::from(Receive { payload });
    let command_id = Uuid::new_v5(&RECEIPTS, id.as_bytes()).into();
    rehearse(&command, &aggregate_id, &command_id)?;
    let body = command.body().map_err(|error| Problem::internal(error.to_string()))?;
    let mut request = CommandRequest::new(StripeEvent::TYPE, aggregate_id, command.name(), body);
    request.command_id = Some(command_id);
    request.user_id = Some(by.to_owned());
    Ok(request)
}

/// Whether the aggregate would take `command` in if it has not yet: once it is in the queue, nobody who
/// sent it hears of a refusal.
fn rehearse(
    command: &StripeEventCommand,
    id: &AggregateId,
    command_id: &CommandId,
) -> Result<(), Problem> {
    let secret = Secret::new([0; 32]);
    let context = Context::new(Utc::now(), Actor::default(), command_id.clone(), secret);
    let decided = StripeEvent::default().decide(command, &context.about(id.clone()));
    decided.map(drop).map_err(|error| faults::no_event(error.to_string()))
}

/// The same JSON without control characters in strings, such as a name may hold: JSON lets some stand
/// there as they are, and has an escape for each.
fn plain(json: &str) -> Cow<'_, str> {
    let is_odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if !json.contains(is_odd) {
        return json.into();
    }
    let mut plain = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_odd(letter) {
            // All control characters are below U+00A0, and writing to a String cannot fail.
            let _ = write!(plain, "\\u{:04x}", u32::from(letter));
        } else {
            plain.push(letter);
        }
    }
    plain.into()
}

async fn take_in(
    State(inbox): State<Arc<Inbox>>,
    request_id: Option<Extension<RequestId>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Fault> {
    let (head, text) = inbox.check(&headers, &body)?;
    let mut request = receipt(&head.id, text, WEBHOOK)?;
    request.request_id = request_id.map(|Extension(id)| id.as_str().to_owned());
    let queued = inbox.client.enqueue(&request).await;
    queued.map_err(|problem| match problem.status {
        // It may be in the queue. Stripe sends it again, and then it is there once.
        504 => Problem::unavailable(problem.detail),
        _ => problem,
    })?;
    tracing::debug!(event = head.id, kind = head.kind, "taken in");
    Ok(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(id: &str) -> Value {
        json!({"id": id, "object": "event", "type": "a.b", "created": 5, "livemode": false})
    }

    #[test]
    fn the_same_event_is_the_same_command_whoever_brings_it() {
        let id = |id: &str, by| receipt(id, &event(id).to_string(), by).unwrap().command_id;
        let ids = ["a", "b"].map(|by| id("evt_1", by));
        assert_eq!(ids[0], ids[1]);
        assert!(ids[0].as_ref().unwrap().is_derived());
        assert_ne!(ids[0], id("evt_2", "a"));
    }

    #[test]
    fn what_json_allows_in_a_string_is_taken_in_and_reads_the_same() {
        let mut odd = event("evt_1");
        odd["name"] = json!("A\u{7f}d\u{85}a \u{1F600}");
        let odd = odd.to_string();
        let plain = plain(&odd);
        assert!(odd.contains('\u{7f}') && !plain.contains('\u{7f}') && !plain.contains('\u{85}'));
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read(&plain), read(&odd));
        assert!(receipt("evt_1", &odd, WEBHOOK).is_ok());
    }

    #[test]
    fn what_the_aggregate_would_refuse_is_not_taken_in() {
        let long = format!("evt_{}", "a".repeat(125));
        let refused = |id: &str, field: &str, value: Value| {
            let mut event = event(id);
            event[field] = value;
            let body = event.to_string();
            assert!(EventHead::read(body.as_bytes()).is_ok(), "{body}");
            let problem = receipt(id, &body, WEBHOOK).unwrap_err();
            assert_eq!((problem.status, problem.code.as_str()), (400, "malformed-event"), "{body}");
        };
        refused("evt_1", "created", json!(99_999_999_999_999_i64));
        refused("evt_1", "type", json!(""));
        refused("evt_1", "type", json!("a\nb"));
        refused("evt_1", "type", json!("a".repeat(5000)));
        refused("evt_1", "api_version", json!(5));
        refused(&long, "id", json!(long));
    }
}
