//! What the original event types of payments ask for. Amounts come in major units, and are read as decimal
//! text. Callers may leave out which payment they mean, and how much it is about: then it is the request's
//! own. Not here: whether it is so; the aggregate decides that.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::{
    design::{Design, DesignEvent, Fact, PaymentFact},
    money::{BadCurrency, Currency, Money},
};
use kit::PartId;
use uuid::Uuid;

use super::{
    call::{Call, EventType},
    given::Given,
    refusal::Refusal,
};

const INTENT: &[&str] =
    &["stripe_payment_intent_id", "payment_intent_id", "payment_intent", "intent_id"];
const AMOUNT: &[&str] = &["amount", "total_amount"];
const FEE: &[&str] = &["fee", "fee_amount", "payment_fee_amount"];
const NET: &[&str] = &["net", "net_amount", "payment_net_amount"];
const REASON: &[&str] = &["failure_reason", "payment_failure_reason", "failure_message", "reason"];

/// Namespace of the names of payments that nobody named, and of the command ids of what is told once.
/// Part of the wire: a repeat must find them.
const TOLD: Uuid = Uuid::from_u128(0x0c1e_53b7_94d2_5f68_a7f0_66b3_2d1c_9e04);

/// Puts into `call` what `data` says about a payment of the request.
pub(super) fn fill(
    call: &mut Call,
    kind: EventType,
    (request, data): (&str, &Given),
    (design, now): (&Design, DateTime<Utc>),
) -> Result<(), Refusal> {
    let standing = design.payment.standing();
    let about = standing.map(|(_, fact)| fact.money).or(design.quote);
    let intent = intent(data)?.or_else(|| standing.map(|(intent, _)| intent.to_string()));
    let intent = intent.unwrap_or_else(|| unnamed(request));
    let id: PartId = intent.parse().map_err(|_| Refusal::no_value("payment intent id", &intent))?;
    call.body.set("intent_id", &id)?;
    call.intent = Some(intent);
    let currency = currency(data, about)?;
    call.body.set("currency", currency.as_str())?;
    let Some((fact, once)) = fact(kind, data)? else {
        call.body.set("fee", &money(data, FEE, None, currency)?.amount)?;
        return call.body.set("net", &money(data, NET, None, currency)?.amount);
    };
    let money = money(data, AMOUNT, about, currency)?;
    call.body.set("fact", &fact)?;
    call.body.set("amount", &money.amount)?;
    call.body.set("at", &moment(data)?.unwrap_or(now))?;
    call.body.keep("stripe_event_id", data.raw(&["stripe_event_id"]));
    call.body.keep("method", data.raw(&["payment_method", "method"]));
    call.body.keep("failure_code", data.raw(&["failure_code", "payment_failure_code"]));
    call.body.keep("failure_reason", data.raw(REASON));
    if once {
        // A payment is made, paid and called off once, whenever and however often that is told.
        let told = format!("{request}:{id}:{}:{money}", <&str>::from(fact));
        call.command_id = Uuid::new_v5(&TOLD, told.as_bytes()).into();
        let same = |(known, told): (&PartId, &Fact)| {
            *known == id && told.fact == fact && told.money == money
        };
        call.known = design.payment.all().any(same);
    }
    Ok(())
}

/// What is reported, and whether that can be so only once; nothing for fees.
fn fact(kind: EventType, data: &Given) -> Result<Option<(PaymentFact, bool)>, Refusal> {
    Ok(match kind {
        EventType::PaymentIntentCreated if is_processing(data)? => {
            Some((PaymentFact::Processing, false))
        }
        EventType::PaymentIntentCreated => Some((PaymentFact::Created, true)),
        EventType::PaymentSucceeded => Some((PaymentFact::Succeeded, true)),
        EventType::PaymentFailed => Some((PaymentFact::Failed, false)),
        EventType::PaymentCancelled => Some((PaymentFact::Cancelled, true)),
        _ => None,
    })
}

/// Which payment `event` is about.
pub(super) fn intent_of(event: &DesignEvent) -> Option<&str> {
    use DesignEvent as E;
    let intent = match event {
        E::PaymentIntentCreated(event) => &event.report.intent_id,
        E::PaymentSucceeded(event) => &event.report.intent_id,
        E::PaymentFailed(event) => &event.report.intent_id,
        E::PaymentCancelled(event) => &event.report.intent_id,
        E::PaymentFeesRecorded(event) => &event.intent_id,
        E::PaymentHeld(event) => &event.held.intent_id,
        E::PaymentUnfit(event) => &event.held.intent_id,
        E::RefundRequested(event) => &event.intent_id,
        E::RequestCreated(_)
        | E::AnswerVersioned(_)
        | E::RequestSubmitted(_)
        | E::RequestCancelled(_)
        | E::RequestQuoted(_)
        | E::DesignStarted(_)
        | E::DesignCompleted(_)
        | E::PersonalDataErased(_) => return None,
    };
    Some(intent.as_str())
}

fn intent(data: &Given) -> Result<Option<String>, Refusal> {
    data.text(INTENT)
}

/// The payment that has no name, of which each request has one.
fn unnamed(request: &str) -> String {
    format!("unnamed-{}", Uuid::new_v5(&TOLD, request.as_bytes()).simple())
}

fn currency(data: &Given, about: Option<Money>) -> Result<Currency, Refusal> {
    told_currency(data)?
        .or_else(|| about.map(|money| money.currency))
        .ok_or_else(|| refused("invalid-currency", "p_event_data needs a currency".to_owned()))
}

/// The currency that `data` names, if it names one.
pub(super) fn told_currency(data: &Given) -> Result<Option<Currency>, Refusal> {
    let code = data.text(&["currency", "payment_currency"])?;
    let read = code.map(|code| code.parse()).transpose();
    read.map_err(|error: BadCurrency| refused("invalid-currency", error.to_string()))
}

/// Whether `data` names the event by which Stripe told it.
pub(super) fn is_of_stripe(data: &Given) -> Result<bool, Refusal> {
    Ok(data.text(&["stripe_event_id"])?.is_some())
}

/// An amount in major units of its currency; where none is given, that of the same currency which the
/// request is about.
fn money(
    data: &Given,
    names: &[&str],
    about: Option<Money>,
    currency: Currency,
) -> Result<Money, Refusal> {
    let Some(text) = data.decimal(names)? else {
        let own = about.filter(|money| money.currency == currency);
        let names = names.join(" or ");
        return own.ok_or_else(|| refused("invalid-amount", format!("p_event_data needs {names}")));
    };
    let money = Money::from_major(&text, currency);
    money.map_err(|error| {
        refused("invalid-amount", error.to_string())
            .hint("amounts are in major units of their currency: 49.9 euro, 500 yen, 1.234 dinar")
    })
}

fn refused(code: &'static str, why: String) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, why)
}

/// When it was so, by the provider's clock: in seconds as Stripe has it, or as a moment.
fn moment(data: &Given) -> Result<Option<DateTime<Utc>>, Refusal> {
    let Some(text) = data.decimal(&["created", "created_at", "at"])? else { return Ok(None) };
    let seconds = text.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let at = seconds.or_else(|| text.parse().ok());
    at.map(Some).ok_or_else(|| Refusal::no_value("timestamp with time zone", &text))
}

fn is_processing(data: &Given) -> Result<bool, Refusal> {
    let status = data.text(&["payment_status", "status"])?;
    Ok(status.is_some_and(|status| status.eq_ignore_ascii_case("processing")))
}

#[cfg(test)]
mod tests;
