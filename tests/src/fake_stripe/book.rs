//! What the stand-in knows: payment intents with their states, charges, events, idempotency keys.
//! Not here: HTTP.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// How long an idempotency key is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// An event as Stripe keeps and sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeEvent {
    /// `evt_…`.
    pub id: String,
    /// When it happened, in whole seconds.
    pub created: i64,
    /// The whole of it, indented as Stripe does.
    pub text: String,
}

/// Why something is not done: status, type, code, and which parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct No(pub(super) u16, pub(super) &'static str, pub(super) &'static str);

impl No {
    pub(super) fn body(self) -> Value {
        let Self(_, kind, code) = self;
        json!({"error": {"type": kind, "code": code, "message": "No such luck, Ada Lovelace"}})
    }
}

const NOT_NOW: No = No(400, "invalid_request_error", "payment_intent_unexpected_state");
const NOT_THERE: No = No(404, "invalid_request_error", "resource_missing");

/// What was answered to a request with an idempotency key.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) asked: String,
    pub(super) status: u16,
    pub(super) body: Value,
    at: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct Book {
    ahead: TimeDelta,
    made: u64,
    order: Vec<String>,
    intents: BTreeMap<String, Value>,
    charges: BTreeMap<String, Value>,
    events: Vec<StripeEvent>,
    kept: HashMap<String, Kept>,
    is_settled_later: bool,
}

impl Book {
    pub(super) fn new() -> Self {
        Self {
            ahead: TimeDelta::zero(),
            made: 0,
            order: Vec::new(),
            intents: BTreeMap::new(),
            charges: BTreeMap::new(),
            events: Vec::new(),
            kept: HashMap::new(),
            is_settled_later: false,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.ahead
    }

    pub(super) fn advance(&mut self, by: TimeDelta) {
        self.ahead += by;
    }

    pub(super) fn settle_later(&mut self, is_later: bool) {
        self.is_settled_later = is_later;
    }

    pub(super) fn intents(&self) -> Vec<String> {
        self.order.clone()
    }

    pub(super) fn events(&self) -> Vec<StripeEvent> {
        self.events.clone()
    }

    /// Ids do not grow with time, as Stripe's do not.
    fn id(&mut self, prefix: &str) -> String {
        self.made += 1;
        let scrambled = self.made.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
        format!("{prefix}_3Q{scrambled:016x}{:04}", self.made)
    }

    /// What was kept under `key`, unless it is too old.
    pub(super) fn kept(&self, key: &str) -> Option<Kept> {
        self.kept.get(key).filter(|kept| self.now() - kept.at < KEPT).cloned()
    }

    pub(super) fn keep(&mut self, key: &str, asked: String, status: u16, body: Value) {
        let kept = Kept { asked, status, body, at: self.now() };
        self.kept.insert(key.to_owned(), kept);
    }

    pub(super) fn create(&mut self, form: &BTreeMap<String, String>) -> Result<Value, No> {
        let missing = No(400, "invalid_request_error", "parameter_missing");
        let invalid = No(400, "invalid_request_error", "parameter_invalid_integer");
        let amount = form.get("amount").ok_or(missing)?;
        let amount: i64 = amount.parse().ok().filter(|amount| *amount > 0).ok_or(invalid)?;
        let currency = form.get("currency").ok_or(missing)?;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(No(400, "invalid_request_error", "invalid_currency"));
        }
        let metadata = |(name, value): (&String, &String)| {
            let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
            Some((name.to_owned(), Value::from(value.clone())))
        };
        let metadata: serde_json::Map<_, _> = form.iter().filter_map(metadata).collect();
        let id = self.id("pi");
        let intent = json!({
            "id": id,
            "object": "payment_intent",
            "amount": amount,
            "amount_received": 0,
            "canceled_at": null,
            "client_secret": format!("{id}_secret_{:08x}", fastrand::u32(..)),
            "created": self.now().timestamp(),
            "currency": currency,
            "last_payment_error": null,
            "latest_charge": null,
            "livemode": false,
            "metadata": metadata,
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
        });
        self.order.push(id.clone());
        self.intents.insert(id.clone(), intent.clone());
        self.about("payment_intent.created", &id);
        Ok(intent)
    }

    pub(super) fn intent(&self, id: &str, is_expanded: bool) -> Result<Value, No> {
        let mut intent = self.intents.get(id).cloned().ok_or(NOT_THERE)?;
        let charge = intent["latest_charge"].as_str().and_then(|id| self.charges.get(id));
        if is_expanded && let Some(charge) = charge {
            intent["latest_charge"] = charge.clone();
        }
        Ok(intent)
    }

    pub(super) fn charge(&self, id: &str) -> Result<Value, No> {
        self.charges.get(id).cloned().ok_or(NOT_THERE)
    }

    /// A page of the events since `since`, the newest first, after the event `after`.
    pub(super) fn page(&self, since: i64, after: Option<&str>, limit: usize) -> Result<Value, No> {
        let mut found: Vec<_> =
            self.events.iter().rev().filter(|event| event.created >= since).collect();
        if let Some(after) = after {
            let place = found.iter().position(|event| event.id == after).ok_or(NOT_THERE)?;
            found.drain(..=place);
        }
        let has_more = found.len() > limit;
        let data: Result<Vec<Value>, _> =
            found.into_iter().take(limit).map(|event| serde_json::from_str(&event.text)).collect();
        let data = data.map_err(|_| NOT_THERE)?;
        Ok(json!({"object": "list", "url": "/v1/events", "has_more": has_more, "data": data}))
    }

    pub(super) fn pay(&mut self, id: &str) -> Result<StripeEvent, No> {
        self.open(id, &["requires_payment_method", "requires_action", "processing"])?;
        let charge = self.charged(id, None);
        let intent = self.intents.get_mut(id).ok_or(NOT_THERE)?;
        intent["status"] = "succeeded".into();
        intent["amount_received"] = intent["amount"].clone();
        intent["latest_charge"] = charge.into();
        intent["last_payment_error"] = Value::Null;
        Ok(self.about("payment_intent.succeeded", id))
    }

    pub(super) fn decline(&mut self, id: &str, code: &str) -> Result<StripeEvent, No> {
        self.open(id, &["requires_payment_method", "requires_action", "processing"])?;
        let charge = self.charged(id, Some(code));
        let intent = self.intents.get_mut(id).ok_or(NOT_THERE)?;
        intent["status"] = "requires_payment_method".into();
        intent["latest_charge"] = charge.into();
        intent["last_payment_error"] = json!({
            "type": "card_error",
            "code": code,
            "decline_code": "generic_decline",
            "message": "Your card was declined.",
            "payment_method": {"id": "pm_1", "object": "payment_method", "type": "card"},
        });
        Ok(self.about("payment_intent.payment_failed", id))
    }

    pub(super) fn process(&mut self, id: &str) -> Result<StripeEvent, No> {
        self.open(id, &["requires_payment_method", "requires_action"])?;
        self.intents.get_mut(id).ok_or(NOT_THERE)?["status"] = "processing".into();
        Ok(self.about("payment_intent.processing", id))
    }

    pub(super) fn cancel(&mut self, id: &str) -> Result<StripeEvent, No> {
        self.open(id, &["requires_payment_method", "requires_action", "processing"])?;
        let now = self.now().timestamp();
        let intent = self.intents.get_mut(id).ok_or(NOT_THERE)?;
        (intent["status"], intent["canceled_at"]) = ("canceled".into(), now.into());
        Ok(self.about("payment_intent.canceled", id))
    }

    pub(super) fn happen(&mut self, kind: &str) -> StripeEvent {
        let object = json!({"id": self.id("obj"), "object": "something"});
        self.record(kind, &object)
    }

    fn open(&self, id: &str, states: &[&str]) -> Result<(), No> {
        let intent = self.intents.get(id).ok_or(NOT_THERE)?;
        let is_open = states.iter().any(|state| intent["status"] == *state);
        if is_open { Ok(()) } else { Err(NOT_NOW) }
    }

    fn charged(&mut self, intent: &str, failure: Option<&str>) -> String {
        let id = self.id("ch");
        let about = &self.intents[intent];
        let (amount, currency) = (about["amount"].clone(), about["currency"].clone());
        let balance = balance(&amount, &currency);
        let has_none = failure.is_some() || self.is_settled_later;
        let charge = json!({
            "id": id,
            "object": "charge",
            "amount": amount,
            "balance_transaction": if has_none { Value::Null } else { balance },
            "created": self.now().timestamp(),
            "currency": currency,
            "failure_code": failure,
            "payment_intent": intent,
            "status": if failure.is_some() { "failed" } else { "succeeded" },
        });
        self.charges.insert(id.clone(), charge);
        id
    }

    /// Every payment so far has its balance transaction.
    pub(super) fn settle(&mut self) {
        for charge in self.charges.values_mut().filter(|charge| charge["status"] == "succeeded") {
            charge["balance_transaction"] = balance(&charge["amount"], &charge["currency"]);
        }
    }

    fn about(&mut self, kind: &str, intent: &str) -> StripeEvent {
        let object = self.intents[intent].clone();
        self.record(kind, &object)
    }

    fn record(&mut self, kind: &str, object: &Value) -> StripeEvent {
        let (id, created) = (self.id("evt"), self.now().timestamp());
        let event = json!({
            "id": id,
            "object": "event",
            "api_version": "2024-06-20",
            "created": created,
            "data": {"object": object},
            "livemode": false,
            "pending_webhooks": 1,
            "request": {"id": null, "idempotency_key": null},
            "type": kind,
        });
        let event = StripeEvent { id, created, text: format!("{event:#}") };
        self.events.push(event.clone());
        event
    }
}

/// What a payment of `amount` comes to: Stripe takes 2.9 % and 30 minor units.
fn balance(amount: &Value, currency: &Value) -> Value {
    let whole = amount.as_i64().unwrap_or_default();
    let fee = whole * 29 / 1000 + 30;
    json!({
        "id": "txn_1",
        "object": "balance_transaction",
        "amount": amount,
        "currency": currency,
        "fee": fee,
        "net": whole - fee,
        "type": "charge",
    })
}
