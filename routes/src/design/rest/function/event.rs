//! `add_design_request_event`: one event type, one command.
//! Not here: which command an event type asks for.

use axum::http::StatusCode;
use chrono::{SubsecRound as _, Utc};
use domain::{
    design::{Design, DesignCommand, DesignEvent, DesignStatus, RequestCreated},
    money::Money,
};
use infrastructure::problem::Problem;
use kit::{
    Actor, Aggregate as _, AggregateId, Command as _, Context, DomainError as _, Event as _,
    EventId, Position, Recorded, Secret, excerpt,
};
use uuid::Uuid;

use super::{
    super::{
        call::{Call, EventType, Provenance},
        given::Given,
        payment,
        refusal::Refusal,
    },
    request_id,
};
use crate::design::{
    price::{has_price, price, quote},
    service::{Asker, Service},
};

/// Adds the event, and returns its id; that of the one that made it so, if it is so already.
pub(super) async fn add(
    service: &Service,
    asker: &Asker,
    given: &Given,
) -> Result<EventId, Refusal> {
    let id = request_id(given)?;
    let name = given.text(&["p_event_type"])?.unwrap_or_default();
    let kind: EventType = name.parse().map_err(|_| {
        let message = format!("{:?} is no event type that can be added", excerpt(&name));
        Refusal::new(StatusCode::BAD_REQUEST, "unknown-event-type", message)
            .hint("answers are added by add_design_request_answer_history")
    })?;
    // Before anything is looked up: what a request's payment is about is not for everybody.
    service.may_send(asker, &id, kind.command()).await?;
    let data = given.object(&["p_event_data"])?.unwrap_or_default();
    if kind == EventType::RequestCreated {
        if let Some((event, created)) = created(service, &id).await? {
            return same(&created, &data).map(|()| event);
        }
        service.check_product(&id, data.id(&["product_id"])?.as_ref()).await?;
    }
    let mut design = match kind.is_payment() {
        true => service.past().fold(&id).await?,
        false => Design::default(),
    };
    let price = price_to_quote(service, kind, &data, &design).await?;
    design.quote = design.quote.or(price);
    let provenance = Provenance {
        created_by: given.raw(&["p_created_by"]),
        metadata: given.raw(&["p_metadata"]),
        data: given.raw(&["p_event_data"]),
    };
    let now = Utc::now().trunc_subsecs(0);
    let call = kind.call((id.as_str(), &data), &provenance, &design, now)?;
    if !call.known {
        if let Some(price) = price {
            rehearse(&design, &call)?;
            quoted(service, asker, &id, price).await?;
        }
        let Call { name, body, command_id, .. } = &call;
        let body = body.bytes()?;
        let reply = service.send(asker, &id, (name, body), command_id.clone()).await?;
        let event = reply.events.iter().find(|event| is(&event.kind, kind));
        if let Some(event) = event.or(reply.events.first()) {
            return Ok(event.id);
        }
    }
    told(service, &id, kind, call.intent.as_deref()).await
}

/// What is to be quoted before a payment is recorded: the product's price, when nobody has quoted. Without
/// a price the payment waits for one, and of a cancelled request all is given back, whatever it costs.
async fn price_to_quote(
    service: &Service,
    kind: EventType,
    data: &Given,
    design: &Design,
) -> Result<Option<Money>, Refusal> {
    let is_settled = design.quote.is_some() || design.status() == DesignStatus::Cancelled;
    if is_settled || kind.command() != "record-payment" {
        return Ok(None);
    }
    if !has_price(service.past(), design).await? {
        return Ok(None);
    }
    let currency = payment::told_currency(data)?;
    match price(service.past(), design, currency).await {
        // Stripe has the money, whatever the product costs: it waits for the quote.
        Err(problem) if problem.code == "no-price" && payment::is_of_stripe(data)? => Ok(None),
        price => Ok(Some(price?)),
    }
}

/// Whether `call` would be accepted by `design` as it is quoted: nothing is quoted for what is refused.
fn rehearse(design: &Design, call: &Call) -> Result<(), Refusal> {
    // What cannot be read is refused by the service, in its words.
    let Ok(command) = DesignCommand::read(call.name, &call.body.bytes()?) else { return Ok(()) };
    let secret = Secret::new([0; 32]);
    let context = Context::new(Utc::now(), Actor::default(), call.command_id.clone(), secret);
    let decided = design.decide(&command, &context);
    decided.map(drop).map_err(|error| Problem::refused(error.code(), error.to_string()).into())
}

/// Quotes `price`, unless somebody did so at the same time: the first quote stands.
async fn quoted(
    service: &Service,
    asker: &Asker,
    id: &AggregateId,
    price: Money,
) -> Result<(), Problem> {
    let command = DesignCommand::from(quote(price));
    let body = command.body().map_err(|error| Problem::internal(error.to_string()))?;
    let sent = service.send(asker, id, (command.name(), body), Uuid::now_v7().into()).await;
    match sent {
        Err(problem) if problem.code == "already-quoted" => Ok(()),
        // It was called off at the same time.
        Err(problem) if problem.code == "not-while" => Ok(()),
        sent => sent.map(drop),
    }
}

/// Whether `name` is the type of the event that `kind` asks for, as it stands in an answer.
fn is(name: &str, kind: EventType) -> bool {
    name.split_once('.') == Some((Design::TYPE, kind.event()))
}

/// The event by which the request was created, if it was.
async fn created(
    service: &Service,
    id: &AggregateId,
) -> Result<Option<(EventId, RequestCreated)>, Problem> {
    let mut found = None;
    let visit = |recorded: &Recorded<DesignEvent>| {
        if let DesignEvent::RequestCreated(created) = &recorded.event {
            found.get_or_insert_with(|| (recorded.id, created.clone()));
        }
    };
    service.past().each::<Design>(id, Position::ZERO, visit).await?;
    Ok(found)
}

/// Whether `data` tells of a request that was created like this. What it does not say is not asked.
fn same(created: &RequestCreated, data: &Given) -> Result<(), Refusal> {
    let agrees = |field: &str, known: Option<&str>| {
        let told = data.text(&[field])?;
        Ok::<_, Refusal>(told.is_none_or(|told| known == Some(told.trim())))
    };
    let product = created.product_id.as_ref().map(AggregateId::as_str);
    let code = created.design_code.as_ref().map(|code| code.as_str());
    if agrees("product_id", product)? && agrees("design_code", code)? {
        return Ok(());
    }
    let problem = Problem::refused(
        "request-exists",
        "another request was created under this id: its product or its design is another one",
    );
    Err(problem.into())
}

/// The event that made it so already.
async fn told(
    service: &Service,
    id: &AggregateId,
    kind: EventType,
    intent: Option<&str>,
) -> Result<EventId, Refusal> {
    let mut last = None;
    let visit = |recorded: &Recorded<DesignEvent>| {
        let fits = intent.is_none_or(|intent| payment::intent_of(&recorded.event) == Some(intent));
        // Money that pays for nothing yet is told by an event of another name.
        let stands_aside = kind == EventType::PaymentSucceeded
            && matches!(recorded.event, DesignEvent::PaymentHeld(_) | DesignEvent::PaymentUnfit(_));
        if fits && (stands_aside || recorded.event.kind().name == kind.event()) {
            last = Some(recorded.id);
        }
    };
    service.past().each::<Design>(id, Position::ZERO, visit).await?;
    last.ok_or_else(|| {
        let detail = "what is told is known already, and from an event of another type";
        Problem::refused("already-known", detail).into()
    })
}
