//! What the instances on a NATS say they offer: commands with their fields, and queries.
//! Not here: whether a handler has caught up, or who owns it.

use std::{collections::BTreeMap, time::Duration};

use async_nats::{Message, StatusCode};
use futures::StreamExt as _;
use kit::CommandInfo;
use nats::{micro, names};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::Client;
use crate::problem::Problem;

/// How long the first instance may take to answer.
const FIRST: Duration = Duration::from_secs(2);
/// How long the next one may take after it: all were asked at once.
const NEXT: Duration = Duration::from_millis(200);

/// Everything that can be asked, of whichever instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// The commands of each aggregate type.
    pub commands: BTreeMap<String, Vec<CommandInfo>>,
    /// The queries of each projection.
    pub queries: BTreeMap<String, Vec<String>>,
}

/// The part of an instance's description that matters here (ADR-32).
#[derive(Deserialize)]
struct Info {
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    name: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Client {
    /// Asks every instance what it offers.
    ///
    /// # Errors
    /// `unavailable` if none answers.
    pub async fn offer(&self) -> Result<Offer, Problem> {
        let away = |error: &dyn std::fmt::Display| Problem::unavailable(error.to_string());
        let inbox = self.connection.new_inbox();
        let answers = self.connection.subscribe(inbox.clone()).await;
        let mut answers = answers.map_err(|error| away(&error))?;
        let question = micro::info_any(names::SERVICE);
        let asked = self.connection.publish_with_reply(question, inbox, "".into()).await;
        asked.map_err(|error| away(&error))?;
        let (mut offer, mut patience) = (None, FIRST);
        while let Ok(Some(answer)) = timeout(patience, answers.next()).await {
            if answer.status == Some(StatusCode::NO_RESPONDERS) {
                break;
            }
            offer.get_or_insert_with(Offer::default).add(&answer);
            patience = NEXT;
        }
        offer.ok_or_else(|| {
            Problem::unavailable(
                "no instance says what it offers: is `headwater dev` or `headwater serve` running \
                 on this NATS?",
            )
        })
    }
}

impl Offer {
    /// Takes one instance's answer in. What cannot be read is another version's way to say it.
    fn add(&mut self, answer: &Message) {
        let Ok(info) = serde_json::from_slice::<Info>(&answer.payload) else { return };
        for Endpoint { name, metadata } in info.endpoints {
            if let Some(commands) = metadata.get("commands")
                && let Ok(commands) = serde_json::from_str::<BTreeMap<_, _>>(commands)
            {
                self.commands.extend(commands);
            }
            if let Some(queries) = metadata.get("queries") {
                self.queries.insert(name, queries.split(' ').map(str::to_owned).collect());
            }
        }
    }
}
