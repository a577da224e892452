//! The string map of `cqrs-es` and our metadata: the same names, nothing lost silently.

use std::collections::HashMap;

use kit::{CommandId, Metadata};
use uuid::Uuid;

/// Metadata that the envelope has no place for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMetadata {
    /// The envelope's attributes are fixed.
    #[error("metadata {0:?} has no place in the envelope")]
    Unknown(String),
    /// The value does not fit the attribute.
    #[error("metadata {0:?} does not have its form")]
    Form(&'static str),
}

/// What a caller may say. Without a command id the commit gets a new one; without a correlation id
/// the command begins a conversation.
pub(super) fn from_map(mut map: HashMap<String, String>) -> Result<Metadata, BadMetadata> {
    let command_id: CommandId = match map.remove("command_id") {
        Some(text) => text.parse().map_err(|_| BadMetadata::Form("command_id"))?,
        None => Uuid::now_v7().into(),
    };
    let hops = map.remove("hops").map(|text| text.parse());
    let metadata = Metadata {
        correlation_id: map.remove("correlation_id").unwrap_or_else(|| command_id.to_string()),
        command_id,
        // The framework does not show us the command, so its hash is whatever the caller says.
        command_hash: map.remove("command_hash").unwrap_or_default(),
        causation_id: map.remove("causation_id"),
        user_id: map.remove("user_id"),
        session_id: map.remove("session_id"),
        request_id: map.remove("request_id"),
        hops: hops.transpose().map_err(|_| BadMetadata::Form("hops"))?.unwrap_or_default(),
        traceparent: map.remove("traceparent"),
    };
    map.into_keys().next().map_or(Ok(metadata), |key| Err(BadMetadata::Unknown(key)))
}
