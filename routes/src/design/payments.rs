//! `POST /api/create-payment-intent`: how a customer comes to pay for a request. The price is the
//! product's, never the caller's; the intent is the one that is recorded, or else a new one, which is
//! recorded before anybody is told its secret. Whatever fails on the way, the same call again goes on.
//! Not here: whether it is paid; Stripe reports that to the inbox.

mod intent;

use std::sync::Arc;

use axum::{
    Extension, Json, Router, body::Bytes, extract::State, middleware::from_fn, routing::post,
};
use chrono::{DateTime, Utc};
use domain::{
    design::{Design, DesignCommand, DesignStatus, PaymentFact, RecordPayment},
    money::{Currency, Money},
    stripe_event::{CurrentIntent, from_stripe, to_stripe},
};
use gateway::{
    Caller, Fault, RequestId,
    access::{Claim, Principal},
};
use infrastructure::{
    client::Client, histories::Histories, problem::Problem, request::CommandRequest,
};
use kit::{Aggregate as _, AggregateId, Command as _};
use serde::{Deserialize, Serialize};
use stripe::{Error, IntentRequest, IntentStatus, PaymentIntent};
use uuid::Uuid;

use super::{
    RECONCILED_BY, faults,
    price::{price, quote},
};

/// What a role has to allow for this, like a command of the request.
const GRANT: &str = "create-payment-intent";
/// Namespace of the command ids under which intents are recorded. Part of the wire.
const RECORDS: Uuid = Uuid::from_u128(0x77c1_52aa_0f6d_5b1e_b3d2_90e4_c0de_1e57);

/// The route by which customers come to pay.
#[derive(Debug, Clone)]
pub struct Payments {
    client: Client,
    past: Histories,
    stripe: Option<stripe::Client>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(alias = "applicationId")]
    request_id: AggregateId,
    #[serde(default)]
    currency: Option<Currency>,
}

#[derive(Debug, Serialize)]
struct Payable {
    client_secret: String,
    payment_intent_id: String,
    amount: i64,
    currency: Currency,
}

/// Who asks, as far as it is recorded.
#[derive(Debug, Default)]
struct Asker {
    user: Option<Arc<str>>,
    session: Option<Arc<str>>,
    request: Option<String>,
}

impl Payments {
    /// Makes intents at `stripe`, if there is any, as `past` tells what is to be paid.
    #[must_use]
    pub const fn new(client: Client, past: Histories, stripe: Option<stripe::Client>) -> Self {
        Self { client, past, stripe }
    }

    /// The route.
    pub fn routes(self) -> Router {
        let routes = Router::new().route("/api/create-payment-intent", post(open));
        routes.route_layer(from_fn(super::only_json)).with_state(Arc::new(self))
    }

    async fn open(&self, wanted: &Wanted, asker: &Asker) -> Result<Payable, Problem> {
        let stripe = self.stripe.as_ref().ok_or_else(|| {
            faults::off("the service was given no --stripe-key-file to ask Stripe with")
        })?;
        let id = &wanted.request_id;
        let mut design: Design = self.past.fold(id).await?;
        payable(&design)?;
        if design.quote.is_none() {
            let price = price(&self.past, &design, wanted.currency).await?;
            match self.quote(id, price, asker).await {
                // Somebody quoted at the same time, and the first quote stands.
                Err(problem) if problem.code == "already-quoted" => {}
                quoted => quoted?,
            }
            design = self.past.fold(id).await?;
            // What was paid before may have waited for just this quote.
            payable(&design)?;
        }
        let price = quoted(&design, wanted.currency)?;
        let amount = to_stripe(price).ok_or_else(|| {
            let currency = price.currency;
            Problem::refused(
                "uncertain-amount",
                format!("Stripe cannot be told {currency} for certain"),
            )
        })?;
        let wanted = IntentRequest {
            request_id: id.as_str(),
            amount,
            currency: price.currency.as_str(),
            instead_of: design.payment.standing().map(|(intent, _)| intent.as_str()),
        };
        let intent =
            intent::find(stripe, wanted).await.map_err(|error| faults::at_stripe(&error))?;
        if intent.status == IntentStatus::Succeeded {
            self.put_in(id, stripe, &intent, asker).await?;
            return Err(paid());
        }
        self.record(id, &design, &intent, asker).await?;
        let secret = intent.client_secret.as_ref().ok_or_else(|| {
            faults::at_stripe(&Error::Unreadable("the intent has no client secret".to_owned()))
        })?;
        Ok(Payable {
            client_secret: secret.expose().to_owned(),
            payment_intent_id: intent.id,
            amount: price.amount,
            currency: price.currency,
        })
    }

    async fn quote(&self, id: &AggregateId, price: Money, asker: &Asker) -> Result<(), Problem> {
        self.send(id, quote(price), None, asker).await
    }

    /// Records that there is `intent`, unless that is known.
    async fn record(
        &self,
        id: &AggregateId,
        design: &Design,
        intent: &PaymentIntent,
        asker: &Asker,
    ) -> Result<(), Problem> {
        let strange = || faults::at_stripe(&Error::Unreadable("the intent is strange".to_owned()));
        let intent_id = intent.id.parse().map_err(|_| strange())?;
        if design.payment.knows(&intent_id) {
            return Ok(());
        }
        let currency = intent.currency.parse().map_err(|_| strange())?;
        let Money { amount, currency } =
            from_stripe(intent.amount, currency).ok_or_else(strange)?;
        let record = RecordPayment {
            intent_id,
            fact: PaymentFact::Created,
            amount,
            currency,
            at: DateTime::from_timestamp(intent.created, 0).ok_or_else(strange)?,
            stripe_event_id: None,
            method: None,
            failure_code: None,
            failure_reason: None,
            provenance: None,
        };
        self.send(id, record, Some(Uuid::new_v5(&RECORDS, intent.id.as_bytes())), asker).await
    }

    /// Records what Stripe says of `intent`, which is paid although no event has told so yet.
    async fn put_in(
        &self,
        id: &AggregateId,
        stripe: &stripe::Client,
        intent: &PaymentIntent,
        asker: &Asker,
    ) -> Result<(), Problem> {
        let object = stripe.whole_intent(&intent.id).await;
        let object = object.map_err(|error| faults::at_stripe(&error))?;
        let current = CurrentIntent::read(object.get().as_bytes(), id, Utc::now());
        let current =
            current.map_err(|bad| faults::at_stripe(&Error::Unreadable(bad.code().to_owned())))?;
        if current.intent.request_id != *id {
            return Err(faults::at_stripe(&Error::Refused(
                "the intent is another request's".to_owned(),
            )));
        }
        match self.send(id, current.report(RECONCILED_BY), None, asker).await {
            Err(problem) if problem.is_transient() => Err(problem),
            // What does not fit is told by Stripe's event, and set aside.
            Err(problem) => {
                tracing::warn!(request = %id, intent = intent.id, code = problem.code, "not recorded");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn send(
        &self,
        id: &AggregateId,
        command: impl Into<DesignCommand>,
        command_id: Option<Uuid>,
        asker: &Asker,
    ) -> Result<(), Problem> {
        let command = command.into();
        let body = command.body().map_err(|error| Problem::internal(error.to_string()))?;
        let mut request = CommandRequest::new(Design::TYPE, id.clone(), command.name(), body);
        request.command_id = command_id.map(Into::into);
        request.user_id = asker.user.as_deref().map(str::to_owned);
        request.session_id = asker.session.as_deref().map(str::to_owned);
        request.request_id.clone_from(&asker.request);
        self.client.send(&request).await.map(drop)
    }
}

/// What was quoted, if it is in the currency that is wanted.
fn quoted(design: &Design, wanted: Option<Currency>) -> Result<Money, Problem> {
    let quote = design.quote.ok_or_else(|| Problem::internal("a quote is not there"))?;
    if wanted.is_some_and(|currency| currency != quote.currency) {
        let detail = format!("the request was quoted in {}", quote.currency);
        return Err(Problem::refused("currency-mismatch", detail));
    }
    Ok(quote)
}

/// Whether there is anything left to pay.
fn payable(design: &Design) -> Result<(), Problem> {
    match design.status() {
        DesignStatus::Unknown => return Err(Problem::not_found("there is no such request")),
        DesignStatus::Cancelled => {
            return Err(Problem::refused("request-cancelled", "the request was called off"));
        }
        DesignStatus::Draft
        | DesignStatus::Submitted
        | DesignStatus::Paid
        | DesignStatus::InDesign
        | DesignStatus::Completed => {}
    }
    match design.payment.standing() {
        Some((_, fact)) if fact.fact == PaymentFact::Succeeded => Err(paid()),
        _ => Ok(()),
    }
}

fn paid() -> Problem {
    Problem::refused("already-paid", "the request is paid")
}

async fn open(
    State(payments): State<Arc<Payments>>,
    asks: Option<Extension<Principal>>,
    caller: Option<Extension<Caller>>,
    request_id: Option<Extension<RequestId>>,
    body: Bytes,
) -> Result<Json<Payable>, Fault> {
    let wanted: Wanted =
        kit::json::read(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    if let Some(Extension(asks)) = asks {
        let (id, past) = (&wanted.request_id, &payments.past);
        let claim = asks.claim_command((Design::TYPE, id, GRANT), past);
        if claim.await? == Claim::First {
            return Err(Problem::not_found("there is no such request").into());
        }
    }
    let caller = caller.map(|Extension(caller)| caller).unwrap_or_default();
    let asker = Asker {
        user: caller.user,
        session: caller.session,
        request: request_id.map(|Extension(id)| id.as_str().to_owned()),
    };
    Ok(Json(payments.open(&wanted, &asker).await?))
}
