//! What a run leaves behind, as plain data: the log, the dead letters, what callers were told, what
//! policies had to order, the rows, the mails. Not here: whether it is right.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use async_nats::jetstream::{self, consumer::pull::OrderedConfig};
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use infrastructure::{
    client::Client,
    composition::HandlerKind,
    durable::{Outcome, OutcomeStatus},
    readmodel::{self, Verdict, Verification},
    replay::{Planned, Rehearsed, Replay, Scope, Selection},
};
use kit::{EventId, Position};
use nats::names;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

pub use super::{
    callers::{Answer, Said},
    strangers::Foreign,
};
use super::{check::DOCUMENTS, world::World};
use crate::contexts;

/// How long the next part of an answer may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Documents asked for at once.
const PAGE: u32 = 200;

/// One message of a stream.
#[derive(Debug, Clone, Serialize)]
pub struct Stored {
    /// Its place.
    pub position: u64,
    /// When the server stored it.
    pub time: DateTime<Utc>,
    /// Its subject.
    pub subject: String,
    /// Its bytes, as text.
    pub body: String,
}

/// What one policy had to do about one event.
#[derive(Debug, Clone, Serialize)]
pub struct Due {
    /// The policy.
    pub handler: &'static str,
    /// The commit.
    pub position: Position,
    /// The event's id.
    pub event: EventId,
    /// Whose event it is, `<aggregate>.<id>`.
    pub key: String,
    /// What.
    pub planned: Planned,
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Evidence {
    /// The stream of events.
    pub log: Vec<Stored>,
    /// The stream of dead letters.
    pub letters: Vec<Stored>,
    /// What callers were told.
    pub said: Vec<Said>,
    /// Ids of commands whose outcome is kept, and whether they were refused.
    pub results: BTreeMap<String, bool>,
    /// What policies had to do.
    pub due: Vec<Due>,
    /// The documents of each projection that has them.
    pub rows: BTreeMap<String, Vec<Value>>,
    /// What the service's own verification says about each projection.
    pub verified: BTreeMap<String, Verdict>,
    /// Mails as they arrived, by what names them in their `Message-ID`.
    pub mails: Vec<(String, String)>,
    /// Events that nobody can read.
    pub foreign: Vec<Foreign>,
    /// Handlers that read persons.
    pub readers: BTreeSet<&'static str>,
    /// When it was gathered.
    pub time: DateTime<Utc>,
}

/// Reads everything there is.
pub(super) async fn gather(
    world: &World,
    said: Vec<Said>,
    foreign: Vec<Foreign>,
) -> Result<Evidence> {
    let client = &world.connection;
    let composition = contexts::composition();
    let (mut due, mut rows, mut verified) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for projection in DOCUMENTS {
        rows.insert(projection.to_owned(), documents(client, projection).await?);
    }
    for handler in composition.handlers() {
        match handler.kind {
            HandlerKind::Policy => due.extend(reactions(client, handler.name).await?),
            HandlerKind::Projection => {
                verified.insert(handler.name.to_owned(), verify(world, handler.name).await?);
            }
            HandlerKind::Effect | HandlerKind::Duty => {}
        }
    }
    let readers = composition.readers_of("person").into_iter().map(|it| it.name).collect();
    Ok(Evidence {
        log: stream(client, names::EVENTS).await?,
        letters: stream(client, names::DLQ).await?,
        said,
        results: results(client).await?,
        due,
        rows,
        verified,
        mails: world.sink.received().into_iter().map(mail).collect(),
        foreign,
        readers,
        time: Utc::now(),
    })
}

/// A whole stream, in order.
async fn stream(client: &async_nats::Client, name: &str) -> Result<Vec<Stored>> {
    let context = jetstream::new(client.clone());
    let stream = context.get_stream(name).await?;
    let last = stream.cached_info().state.last_sequence;
    let mut all = Vec::new();
    if last == 0 {
        return Ok(all);
    }
    let consumer = stream.create_consumer(OrderedConfig::default()).await?;
    let mut messages = consumer.messages().await?;
    loop {
        let next = timeout(LIMIT, messages.next()).await;
        let message = next.context("the stream does not go on")?.context("it ended")??;
        let info = message.info().map_err(|error| anyhow::anyhow!("no place: {error}"))?;
        let nanos = i64::try_from(info.published.unix_timestamp_nanos())?;
        all.push(Stored {
            position: info.stream_sequence,
            time: DateTime::from_timestamp_nanos(nanos),
            subject: message.subject.to_string(),
            body: String::from_utf8_lossy(&message.payload).into_owned(),
        });
        if info.stream_sequence >= last {
            return Ok(all);
        }
    }
}

/// The outcomes that are kept, by command id.
async fn results(client: &async_nats::Client) -> Result<BTreeMap<String, bool>> {
    let name = nats::buckets::stream_of(names::RESULTS);
    let kept = stream(client, &name).await?.into_iter();
    let outcomes = kept.filter_map(|it| serde_json::from_str::<Outcome>(&it.body).ok());
    Ok(outcomes
        .map(|it| (it.command_id.to_string(), it.status == OutcomeStatus::Refused))
        .collect())
}

/// What the policy `handler` has to do about the whole log.
async fn reactions(client: &async_nats::Client, handler: &'static str) -> Result<Vec<Due>> {
    let composition = contexts::composition();
    let scope = Scope::fix(client, &composition, handler, Selection::default()).await?;
    let mut replay = Replay::start(client, &composition, scope, Position::ZERO).await?;
    let mut due = Vec::new();
    while let Some(passed) =
        timeout(LIMIT, replay.next()).await.context("a replay does not go on")?
    {
        let position = passed.position;
        for replayed in passed.replayed {
            let (Some(event), Rehearsed::Reacted { reactions }) =
                (replayed.event, replayed.outcome)
            else {
                continue;
            };
            let key = format!("{}.{}", replayed.aggregate, replayed.id);
            due.extend(reactions.into_iter().map(|planned| {
                let key = key.clone();
                Due { handler, position, event, key, planned }
            }));
        }
    }
    Ok(due)
}

/// The service's own proof that every event is in the rows once.
async fn verify(world: &World, projection: &str) -> Result<Verdict> {
    // Everything may be read more than once, and each time into a file that is not there yet.
    let scratch = format!("verify-{projection}-{}.sqlite", Uuid::now_v7().simple());
    let asked = Verification {
        projection: projection.to_owned(),
        generation: None,
        store: world.store.parse()?,
        scratch: world.folder.join(scratch),
    };
    let composition = contexts::composition();
    Ok(readmodel::verify(&world.connection, &composition, &asked, |_| {}).await?)
}

/// Every document of one projection, asked for as a reader does.
async fn documents(client: &async_nats::Client, projection: &str) -> Result<Vec<Value>> {
    let client = Client::new(client.clone());
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut params = json!({"limit": PAGE, "wait_ms": 10_000});
        if let (Some(fields), false) = (params.as_object_mut(), cursor.is_null()) {
            fields.insert("cursor".to_owned(), cursor);
        }
        let answer = client.query(projection, "list", &params).await?;
        let mut answer: Value = serde_json::from_str(answer.get())?;
        match answer.get_mut("documents").map(Value::take) {
            Some(Value::Array(documents)) => all.extend(documents),
            _ => bail!("{projection} answers without documents: {answer}"),
        }
        cursor = answer.get_mut("next").map_or(Value::Null, Value::take);
        if cursor.is_null() {
            return Ok(all);
        }
    }
}

/// What names a mail, and all of it.
fn mail(text: String) -> (String, String) {
    let head = text.split("\n\n").next().unwrap_or_default();
    let id = head.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap_or_default();
    (id.trim_matches(['<', '>']).to_owned(), text)
}
