//! One request, made as often as it may help: what it looks like, and when it is made again.
//! Not here: what an answer means.

use std::time::Duration;

use reqwest::{RequestBuilder, Url, header};
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::{
    Client,
    answer::{Answer, Verdict},
};
use crate::Error;

/// The version of the API that our objects are written for, whatever the account's own is.
const VERSION: &str = "2024-06-20";
/// The first pause before a repeat; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// A longer pause is left to whoever asked.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Debug)]
pub(super) struct Request<'a> {
    path: &'a [&'a str],
    fields: &'a [(&'a str, &'a str)],
    /// For a change: what tells Stripe that it is the same one.
    key: Option<String>,
}

impl<'a> Request<'a> {
    pub(super) const fn get(path: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self { path, fields: query, key: None }
    }

    pub(super) const fn post(
        path: &'a [&'a str],
        form: &'a [(&'a str, &'a str)],
        key: String,
    ) -> Self {
        Self { path, fields: form, key: Some(key) }
    }

    fn url(&self, api: &Url) -> Result<Url, Error> {
        let mut url = api.clone();
        let mut path = url.path_segments_mut().map_err(|()| Error::away("it has no address"))?;
        path.pop_if_empty().extend(self.path);
        drop(path);
        if !self.fields.is_empty() {
            url.query_pairs_mut().extend_pairs(self.fields);
        }
        Ok(url)
    }

    fn build(&self, client: &Client) -> Result<RequestBuilder, Error> {
        let mut url = self.url(&client.api)?;
        let builder = match &self.key {
            None => client.http.get(url),
            Some(key) => {
                // A form is what would stand in the query.
                let form = url.query().unwrap_or_default().to_owned();
                url.set_query(None);
                client
                    .http
                    .post(url)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header("Idempotency-Key", key)
                    .body(form)
            }
        };
        Ok(builder.bearer_auth(client.options.key.expose()).header("Stripe-Version", VERSION))
    }
}

impl Client {
    /// What Stripe answers to `request`, and whether it is an answer that it gave before.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
    ) -> Result<(T, bool), Error> {
        let mut attempt = 1;
        loop {
            let (error, wanted) = match Answer::to(request.build(self)?).await.verdict() {
                Verdict::Done { body, is_replayed } => {
                    let read = serde_json::from_slice(&body);
                    let read = read.map_err(|error| Error::Unreadable(place(&error)))?;
                    return Ok((read, is_replayed));
                }
                Verdict::Failed(error) => return Err(error),
                Verdict::Again { error, after } => (error, after),
            };
            // At different times, whoever failed at the same one.
            let usual = PAUSE_MIN * 2u32.pow(attempt - 1);
            let usual = usual + usual.mul_f32(fastrand::f32());
            let pause = wanted.unwrap_or_default().max(usual);
            if attempt >= self.options.attempts || pause > PAUSE_MAX {
                return Err(error);
            }
            tracing::debug!(%error, attempt, "asking Stripe again");
            sleep(pause).await;
            attempt += 1;
        }
    }
}

/// Where an answer stops to be what it should be; its text may hold secrets.
fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}
