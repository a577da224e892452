//! Asking Stripe's API, one version of it. Every change has an idempotency key, so that it may be
//! repeated, and everything is repeated a little where that may help.
//! Not here: which intent belongs to whom, and waiting until Stripe is back.

mod answer;
mod request;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{Url, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::{ApiKey, Balance, Error, Mode, PaymentIntent, event::is_id, objects::Charged};
use request::Request;

/// Most events in one page; the most that Stripe gives.
const PAGE_MAX: &str = "100";
/// Idempotency keys that are tried where Stripe keeps repeating a failure.
const KEYS_MAX: u32 = 3;

/// Where Stripe is, and who we are there.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The API's address: `https://api.stripe.com`, or a stand-in.
    pub api: String,
    /// Our key.
    pub key: ApiKey,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Times that a request is made before it has failed.
    pub attempts: u32,
}

impl ClientOptions {
    /// Where Stripe is.
    pub const API: &'static str = "https://api.stripe.com";

    /// Stripe itself, with `key`.
    #[must_use]
    pub fn new(key: ApiKey) -> Self {
        Self { api: Self::API.to_owned(), key, timeout: Duration::from_secs(10), attempts: 3 }
    }
}

/// Why Stripe cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The address is none.
    #[error("{0:?} is no address of an API: https://HOST, or http://HOST with a test key")]
    Address(String),
    /// Nothing says whom to trust.
    #[error("this system trusts no certificates")]
    NoRoots,
    /// The client cannot be made.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A payment that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntentRequest<'a> {
    /// What it is for; it stands in the intent's metadata as `request_id`.
    pub request_id: &'a str,
    /// In minor units.
    pub amount: i64,
    /// ISO 4217 in lower case.
    pub currency: &'a str,
    /// The intent that this one takes the place of, because that one was cancelled.
    pub instead_of: Option<&'a str>,
}

/// Some events, the newest first.
#[derive(Debug)]
pub struct Page {
    /// Each as JSON, as Stripe wrote it.
    pub events: Vec<Box<RawValue>>,
    /// The last one's id, if there are older ones: where the next page begins.
    pub next: Option<String>,
}

/// Asks Stripe.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    api: Url,
    options: ClientOptions,
}

impl Client {
    /// A client that trusts the system's certificates.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn new(options: ClientOptions) -> Result<Self, Unusable> {
        let api = address(&options)?;
        let mut roots = RootCertStore::empty();
        if api.scheme() == "https" {
            // Some of a system's certificates may be odd; those that are not are enough.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(Unusable::NoRoots);
            }
        }
        // Named, because rustls refuses to choose where several are built in.
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Unusable::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(options.timeout)
            // The key goes nowhere but where it was meant to.
            .redirect(Policy::none())
            .user_agent(concat!("headwater/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Unusable::Tls(error.to_string()))?;
        Ok(Self { http, api, options })
    }

    /// Whether money moves.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.options.key.mode()
    }

    /// The intent for `wanted`: made now, or made before by the same request. Stripe knows it by its
    /// idempotency key for a day; whoever asks later looks for what was recorded first.
    ///
    /// # Errors
    /// [`Error`]; after any but [`Error::Away`] no intent that a customer could pay is left behind.
    pub async fn create_intent(&self, wanted: &IntentRequest<'_>) -> Result<PaymentIntent, Error> {
        let amount = wanted.amount.to_string();
        let form = [
            ("amount", amount.as_str()),
            ("currency", wanted.currency),
            ("metadata[request_id]", wanted.request_id),
            ("automatic_payment_methods[enabled]", "true"),
        ];
        let mut ordinal = 0;
        loop {
            let key = idempotency_key(wanted, ordinal);
            let asked = self.ask(Request::post(&["v1", "payment_intents"], &form, key)).await;
            match asked {
                // What stands behind the failure may be an intent, but nobody was told its secret, so
                // nobody can pay it.
                Err(Error::Stuck(_)) if ordinal + 1 < KEYS_MAX => ordinal += 1,
                // It may have gone on since it was answered for the first time.
                Ok((intent, true)) => {
                    let intent: PaymentIntent = intent;
                    return self.intent(&intent.id).await;
                }
                asked => return asked.map(|(intent, _)| intent),
            }
        }
    }

    /// The intent `id` as it is now.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn intent(&self, id: &str) -> Result<PaymentIntent, Error> {
        self.get(&["v1", "payment_intents", checked(id, "pi_")?], &[]).await
    }

    /// The intent `id` as it is now with its latest charge, as Stripe writes it: for whoever records it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn whole_intent(&self, id: &str) -> Result<Box<RawValue>, Error> {
        let path = ["v1", "payment_intents", checked(id, "pi_")?];
        self.get(&path, &[("expand[]", "latest_charge")]).await
    }

    /// What the payment of the intent `id` came to; nothing if Stripe does not know it yet.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn balance(&self, id: &str) -> Result<Option<Balance>, Error> {
        let path = ["v1", "payment_intents", checked(id, "pi_")?];
        let expand = [("expand[]", "latest_charge.balance_transaction")];
        let charged: Charged = self.get(&path, &expand).await?;
        Ok(charged.latest_charge.and_then(|charge| charge.balance_transaction))
    }

    /// A page of the events since `since`, after the one with the id `after`. Stripe keeps them for
    /// thirty days.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn events(&self, since: DateTime<Utc>, after: Option<&str>) -> Result<Page, Error> {
        #[derive(Deserialize)]
        struct List {
            data: Vec<Box<RawValue>>,
            has_more: bool,
        }
        #[derive(Deserialize)]
        struct Id {
            id: String,
        }
        let since = since.timestamp().to_string();
        let mut query = vec![("created[gte]", since.as_str()), ("limit", PAGE_MAX)];
        query.extend(after.map(|after| ("starting_after", after)));
        let list: List = self.get(&["v1", "events"], &query).await?;
        let last = list.data.last().map(|last| serde_json::from_str::<Id>(last.get()));
        let last = last.transpose().map_err(|_| Error::Unreadable("an event has no id".into()))?;
        let next = last.map(|last| last.id).filter(|_| list.has_more);
        if next.is_some() && next.as_deref() == after {
            return Err(Error::Unreadable("the list of events does not go on".to_owned()));
        }
        Ok(Page { events: list.data, next })
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Error> {
        self.ask(Request::get(path, query)).await.map(|(answer, _)| answer)
    }
}

/// The address as it was given, if it is one that the key may be sent to.
fn address(options: &ClientOptions) -> Result<Url, Unusable> {
    let unfit = || Unusable::Address(options.api.clone());
    let api = Url::parse(&options.api).map_err(|_| unfit())?;
    let is_protected = api.scheme() == "https";
    let is_stand_in = api.scheme() == "http" && options.key.mode() == Mode::Test;
    let is_plain = api.has_host() && api.username().is_empty() && api.password().is_none();
    let is_bare = api.query().is_none() && api.fragment().is_none();
    if (is_protected || is_stand_in) && is_plain && is_bare { Ok(api) } else { Err(unfit()) }
}

/// The same for the same request, and another for each that Stripe is stuck with.
fn idempotency_key(wanted: &IntentRequest<'_>, ordinal: u32) -> String {
    let mut hash = Sha256::new();
    let (amount, ordinal) = (wanted.amount.to_string(), ordinal.to_string());
    let instead_of = wanted.instead_of.unwrap_or_default();
    for part in [wanted.request_id, amount.as_str(), wanted.currency, instead_of, ordinal.as_str()]
    {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("headwater-{digest}")
}

/// `id`, if it is one of Stripe's that begins with `start`.
fn checked<'a>(id: &'a str, start: &str) -> Result<&'a str, Error> {
    if is_id(id, start) { Ok(id) } else { Err(Error::Missing("that is no id of Stripe's".into())) }
}
