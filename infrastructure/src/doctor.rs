//! An installation as its server shows it: one report for people and for machines.
//! Not here: repairing anything, and printing.

mod health;

use std::fmt;

use async_nats::{
    Client, RequestErrorKind,
    jetstream::{
        self,
        stream::{Config, Info},
    },
};
use bytes::Bytes;
use nats::{micro, names};
use serde::Serialize;

use crate::{
    composition::HandlerKind,
    growth::Room,
    handler::{HandlerReport, duties, report},
    provision::{self, Drift, Durability, ProvisionError, ProvisionOptions, drift},
    timers,
};

/// What the server has, beside what it should have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The version of the server that we talk to.
    pub server: String,
    /// Its `JetStream` API level.
    pub api_level: usize,
    /// When it syncs its files.
    pub durability: Durability,
    /// What that means for an acknowledged write.
    pub durability_statement: String,
    /// How much room there is for files.
    pub room: Option<Room>,
    /// Every stream and bucket.
    pub streams: Vec<StreamReport>,
    /// Every registered handler, and what instances do for all beside them.
    pub handlers: Vec<HandlerReport>,
    /// What is wrong, in words; nothing if all is well.
    pub problems: Vec<String>,
    /// What somebody should look at, in words: it may pass, or be meant so.
    pub warnings: Vec<String>,
}

/// One stream, or the stream behind a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamReport {
    /// Its name on the server.
    pub name: String,
    /// What it holds; absent if there is no such stream.
    pub found: Option<StreamState>,
    /// Where it differs from its definition.
    pub drifts: Vec<Drift>,
}

/// What one stream holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamState {
    /// Copies that are kept.
    pub replicas: usize,
    /// Copies that lag behind or are offline.
    pub replicas_behind: usize,
    /// Messages in it.
    pub messages: u64,
    /// Their size on the server.
    pub bytes: u64,
    /// The position of the last one.
    pub last_sequence: u64,
    /// Its consumers.
    pub consumers: usize,
}

/// Looks at everything and changes nothing.
///
/// # Errors
/// When the server is too old or `JetStream` does not answer; then there is nothing to look at.
pub async fn examine(
    client: &Client,
    options: &ProvisionOptions,
) -> Result<Report, ProvisionError> {
    let context = jetstream::new(client.clone());
    let (server, api_level) = provision::check_server(client, &context).await?;
    let mut streams = Vec::new();
    for wanted in provision::wanted(options.replicas) {
        let found = provision::find(&context, &wanted.name).await?;
        streams.push(StreamReport::of(wanted, found.as_ref()));
    }
    let durability = Durability::read(options.monitoring.as_deref()).await;
    let mut problems: Vec<String> = streams.iter().flat_map(StreamReport::problems).collect();
    let found = match report(client).await {
        Ok(found) => duties(client).await.map(|duties| [found, duties].concat()),
        Err(problem) => Err(problem),
    };
    let handlers = match found {
        Ok(handlers) => handlers,
        Err(problem) => {
            problems.push(format!("the handlers cannot be read: {problem}"));
            Vec::new()
        }
    };
    problems.extend(handlers.iter().filter_map(health::trouble));
    problems.extend(overdue(client, &streams).await);
    let log = streams.iter().find(|stream| stream.name == names::EVENTS);
    if let Some(log) = log.and_then(|log| log.found.as_ref()) {
        problems.extend(
            handlers.iter().filter_map(|handler| health::behind(handler, log.last_sequence)),
        );
    }
    let mut warnings: Vec<_> = handlers.iter().flat_map(health::warnings).collect();
    let room = Room::read(&context, options.monitoring.as_deref()).await;
    match &room {
        Ok(room) => {
            warnings.extend(room.warning());
            problems.extend(room.problem());
        }
        Err(problem) => problems.push(format!("the room for files cannot be read: {problem}")),
    }
    Ok(Report {
        server: server.to_string(),
        api_level,
        durability,
        durability_statement: durability.to_string(),
        room: room.ok(),
        streams,
        handlers,
        problems,
        warnings,
    })
}

/// Whether an instance takes requests. Without the right to ask, it is taken to be there.
pub async fn is_served(client: &Client) -> bool {
    let asked = client.request(micro::ping_any(names::SERVICE), Bytes::new()).await;
    !matches!(asked, Err(error) if error.kind() == RequestErrorKind::NoResponders)
}

impl Report {
    /// Whether there is nothing to repair.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.problems.is_empty()
    }
}

impl StreamReport {
    fn of(wanted: Config, found: Option<&Info>) -> Self {
        let drifts = found.map(|info| drift::between(&wanted, &info.config)).unwrap_or_default();
        Self { name: wanted.name, found: found.map(StreamState::of), drifts }
    }

    fn problems(&self) -> Vec<String> {
        let Some(state) = &self.found else {
            return vec![format!("{} is not there", self.name)];
        };
        let behind = (state.replicas_behind > 0)
            .then(|| format!("{}: {} replicas lag behind", self.name, state.replicas_behind));
        self.drifts.iter().map(Drift::to_string).chain(behind).collect()
    }
}

impl StreamState {
    fn of(info: &Info) -> Self {
        let peers = info.cluster.as_ref().map_or(&[][..], |cluster| &cluster.replicas);
        Self {
            replicas: info.config.num_replicas,
            replicas_behind: peers.iter().filter(|peer| peer.offline || !peer.current).count(),
            messages: info.state.messages,
            bytes: info.state.bytes,
            last_sequence: info.state.last_sequence,
            consumers: info.state.consumer_count,
        }
    }
}

/// Timers whose time has passed without an answer to their commands.
async fn overdue(client: &Client, streams: &[StreamReport]) -> Option<String> {
    let there = |stream: &StreamReport| stream.name == names::TIMERS && stream.found.is_some();
    if !streams.iter().any(there) {
        return None;
    }
    match timers::overdue(client).await {
        Ok((0, _)) => None,
        Ok((count, oldest)) => {
            let since = oldest.map_or_else(String::new, |at| format!(", the oldest since {at}"));
            Some(format!(
                "{count} timers are overdue or unreadable{since}; an instance that runs policies \
                 sends them, `headwater timers list` shows them"
            ))
        }
        Err(problem) => Some(format!("the timers cannot be read: {problem}")),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "server      nats-server {}, API level {}", self.server, self.api_level)?;
        writeln!(f, "durability  {}", self.durability_statement)?;
        if let Some(room) = &self.room {
            writeln!(f, "storage     {room}")?;
        }
        writeln!(
            f,
            "\n{:<16} {:>8} {:>10} {:>12} {:>10}",
            "stream", "replicas", "messages", "bytes", "last"
        )?;
        for StreamReport { name, found, .. } in &self.streams {
            match found {
                Some(state) => writeln!(
                    f,
                    "{name:<16} {:>8} {:>10} {:>12} {:>10}",
                    state.replicas, state.messages, state.bytes, state.last_sequence
                )?,
                None => writeln!(f, "{name:<16}  absent")?,
            }
        }
        if !self.handlers.is_empty() {
            writeln!(
                f,
                "\n{:<28} {:<11} {:>10} {:>8} {:>8} {:>9}  owner",
                "handler", "kind", "position", "lag", "epoch", "renewed"
            )?;
        }
        for handler in &self.handlers {
            let HandlerReport { name, kind, position, lag, owner, .. } = handler;
            let owner = owner.as_deref().unwrap_or("none");
            let mark = if handler.stale { " (stale)" } else { "" };
            let position = match kind {
                HandlerKind::Duty => "-".to_owned(),
                _ => position.to_string(),
            };
            let kind = kind.to_string();
            let epoch = handler.epoch.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
            let renewed =
                handler.renewed_ms.map_or_else(|| "-".to_owned(), |age| format!("{age} ms"));
            writeln!(
                f,
                "{name:<28} {kind:<11} {position:>10} {lag:>8} {epoch:>8} {renewed:>9}  {owner}{mark}"
            )?;
        }
        writeln!(f)?;
        for problem in &self.problems {
            writeln!(f, "problem     {problem}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning     {warning}")?;
        }
        match (self.problems.len(), self.warnings.len()) {
            (0, 0) => write!(f, "all is well"),
            (0, 1) => write!(f, "no problem, 1 warning"),
            (0, warnings) => write!(f, "no problem, {warnings} warnings"),
            _ => Ok(()),
        }
    }
}
