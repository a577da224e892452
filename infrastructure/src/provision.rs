//! Streams and buckets are there as defined, or the start ends with the field that is not.
//! Not here: the definitions, and any silent repair.

pub(crate) mod drift;
mod durability;
pub(crate) mod varz;

use std::fmt;

use async_nats::{
    Client,
    jetstream::{
        self, Context, ErrorCode,
        context::{CreateStreamErrorKind, GetStreamError, GetStreamErrorKind},
        stream::{Config, Info},
    },
};

use crate::server_version::{BadVersion, ServerVersion};
pub use drift::Drift;
pub use durability::Durability;

/// The oldest `JetStream` API that knows message schedules.
pub const API_LEVEL_MIN: usize = 2;

/// How the log is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionOptions {
    /// Copies of each stream: 1, or 3 and 5 on a cluster.
    pub replicas: usize,
    /// A server's monitoring address, `http://host:port`, to read its sync mode from.
    pub monitoring: Option<String>,
}

impl Default for ProvisionOptions {
    fn default() -> Self {
        Self { replicas: 1, monitoring: None }
    }
}

/// What is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// The server that we talk to.
    pub server: ServerVersion,
    /// Its `JetStream` API level.
    pub api_level: usize,
    /// Copies of each stream.
    pub replicas: usize,
    /// The streams that were not there before.
    pub created: Vec<String>,
    /// What an acknowledgement is worth.
    pub durability: Durability,
}

impl fmt::Display for Provisioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, api_level, replicas, durability, .. } = self;
        write!(f, "nats-server {server}, API level {api_level}, replicas {replicas}: {durability}")
    }
}

/// Why the streams are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The server is too old.
    #[error("nats-server {found} is too old; at least {} is needed", ServerVersion::MIN)]
    ServerTooOld {
        /// Its version.
        found: ServerVersion,
    },
    /// The server's version cannot be read.
    #[error(transparent)]
    BadVersion(#[from] BadVersion),
    /// The server's `JetStream` is too old.
    #[error("JetStream API level {found} is too low; at least {API_LEVEL_MIN} is needed")]
    ApiTooOld {
        /// Its level.
        found: usize,
    },
    /// Something exists and differs. It is never changed silently.
    #[error("the server differs from what is wanted: {}", drift::list(.0))]
    Drift(Vec<Drift>),
    /// The server does not create a stream.
    #[error("create stream {stream}: {reason}")]
    Create {
        /// Which one.
        stream: String,
        /// The server's words.
        reason: String,
    },
    /// `JetStream` does not answer.
    #[error("JetStream does not answer: {0}")]
    Unavailable(String),
}

/// Every stream and bucket as it should be.
#[must_use]
pub fn wanted(replicas: usize) -> Vec<Config> {
    [nats::streams::all(replicas), nats::buckets::all(replicas)].concat()
}

/// Makes sure that every stream and bucket is there, exactly as defined. Two instances may do it
/// at the same time.
///
/// # Errors
/// When the server is too old, something exists and differs, or `JetStream` does not answer.
pub async fn provision(
    client: &Client,
    options: &ProvisionOptions,
) -> Result<Provisioned, ProvisionError> {
    let context = jetstream::new(client.clone());
    let (server, api_level) = check_server(client, &context).await?;
    let (mut created, mut drifts) = (Vec::new(), Vec::new());
    for config in wanted(options.replicas) {
        let (found, is_new) = find_or_create(&context, &config).await?;
        drifts.extend(drift::between(&config, &found.config));
        if is_new {
            created.push(config.name);
        }
    }
    if !drifts.is_empty() {
        return Err(ProvisionError::Drift(drifts));
    }
    let durability = Durability::read(options.monitoring.as_deref()).await;
    Ok(Provisioned { server, api_level, replicas: options.replicas, created, durability })
}

/// The server's version and API level, if both are new enough.
///
/// # Errors
/// When they are not, or cannot be read.
pub async fn check_server(
    client: &Client,
    context: &Context,
) -> Result<(ServerVersion, usize), ProvisionError> {
    let server = supported(&client.server_info().version)?;
    let account = context.query_account().await.map_err(unavailable)?;
    let found = account.requests.level;
    if found < API_LEVEL_MIN {
        return Err(ProvisionError::ApiTooOld { found });
    }
    Ok((server, found))
}

fn supported(version: &str) -> Result<ServerVersion, ProvisionError> {
    let found: ServerVersion = version.parse()?;
    if found < ServerVersion::MIN {
        return Err(ProvisionError::ServerTooOld { found });
    }
    Ok(found)
}

fn unavailable(error: impl fmt::Display) -> ProvisionError {
    ProvisionError::Unavailable(error.to_string())
}

/// The stream as the server has it, or `None`.
///
/// # Errors
/// When `JetStream` does not answer.
pub async fn find(context: &Context, name: &str) -> Result<Option<Info>, ProvisionError> {
    let is_absent = |error: &GetStreamError| {
        matches!(error.kind(), GetStreamErrorKind::JetStream(error)
            if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
    };
    match context.get_stream(name).await {
        Ok(stream) => Ok(Some(stream.cached_info().clone())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

async fn find_or_create(
    context: &Context,
    config: &Config,
) -> Result<(Info, bool), ProvisionError> {
    if let Some(found) = find(context, &config.name).await? {
        return Ok((found, false));
    }
    let refused = |reason: String| ProvisionError::Create { stream: config.name.clone(), reason };
    match context.create_stream(config).await {
        Ok(stream) => Ok((stream.cached_info().clone(), true)),
        // Somebody else was faster; what they made is looked at like any other.
        Err(error) if is_taken(&error.kind()) => match find(context, &config.name).await? {
            Some(found) => Ok((found, false)),
            None => Err(refused(error.to_string())),
        },
        Err(error) => Err(refused(error.to_string())),
    }
}

fn is_taken(kind: &CreateStreamErrorKind) -> bool {
    matches!(kind, CreateStreamErrorKind::JetStream(error)
        if error.error_code() == ErrorCode::STREAM_NAME_EXIST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_refused_by_its_version() {
        for version in ["2.11.99", "2.9.25", "1.4.1"] {
            assert!(matches!(supported(version), Err(ProvisionError::ServerTooOld { .. })));
        }
        assert!(matches!(supported("new"), Err(ProvisionError::BadVersion(_))));
        for version in ["2.12.0", "2.15.1", "3.0.0-dev"] {
            assert!(supported(version).is_ok(), "{version}");
        }
    }

    #[test]
    fn every_stream_and_bucket_is_wanted_once() {
        let mut names: Vec<_> = wanted(1).into_iter().map(|config| config.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!((names.len(), count), (10, 10));
    }
}
