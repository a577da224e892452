//! Refusals on the wire: an HTTP status, a stable code, and an RFC 9457 body.

use serde::{Deserialize, Serialize};

/// Why a command or query was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    /// The kind of problem in words, the same for every occurrence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// The stable code that callers branch on.
    pub code: String,
    /// This occurrence in words; never personal data.
    pub detail: String,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $title:literal;)*) => {
        impl Problem {
            $($(#[$doc])* pub fn $name(detail: impl Into<String>) -> Self {
                Self { title: $title.into(), status: $status, code: $code.into(), detail: detail.into() }
            })*

            /// Status, code and title of every problem that is not a domain's own.
            pub const ALL: &'static [(u16, &'static str, &'static str)] =
                &[$(($status, $code, $title)),*];
        }
    };
}

problems! {
    /// The request cannot be read.
    invalid = 400 "invalid" "The request cannot be read";
    /// No such aggregate type.
    unknown_aggregate = 404 "unknown-aggregate" "No such aggregate type";
    /// The aggregate has no such command.
    unknown_command = 404 "unknown-command" "The aggregate has no such command";
    /// No such query.
    unknown_query = 404 "unknown-query" "No such query";
    /// Nothing there.
    not_found = 404 "not-found" "There is nothing there";
    /// Other writers kept winning.
    conflict = 409 "conflict" "Other writers kept winning";
    /// The aggregate is not at the expected version.
    wrong_version = 409 "wrong-version" "The aggregate is not at the expected version";
    /// The command id stands for another command.
    id_reused = 409 "id-reused" "The command id stands for another command";
    /// The instance has another secret than those before it.
    secret_differs = 409 "secret-differs" "The instance has another secret than those before it";
    /// The instance lacks the master key of those before it.
    master_key_differs = 409 "master-key-differs" "The instance lacks the master key of others";
    /// What the command says about a person could only be written under a key that is destroyed.
    personal_data_erased = 422 "personal-data-erased" "The personal data are erased";
    /// Too many policies followed one another.
    too_many_hops = 422 "too-many-hops" "Too many policies followed one another";
    /// Larger than the limit.
    too_large = 413 "too-large" "The request or its result is larger than the limit";
    /// The stored history cannot be read.
    corrupt = 500 "corrupt" "The stored history cannot be read";
    /// A bug in this service.
    internal = 500 "internal" "The service has a bug";
    /// Too much work is waiting.
    busy = 503 "busy" "Too much work is waiting";
    /// A part that the service needs is away.
    unavailable = 503 "unavailable" "A part that the service needs is away";
    /// The read model lives in another store.
    store_elsewhere = 503 "store-elsewhere" "The read model lives in another store";
    /// The deadline has passed.
    deadline = 504 "deadline" "The deadline has passed";
    /// It is not known whether the command was carried out; repeat it with the same id.
    outcome_unknown = 504 "outcome-unknown" "It is not known whether the command was carried out";
    /// The read model has not reached the position.
    timeout = 504 "timeout" "The read model has not reached the position";
}

impl Problem {
    /// A refusal by the domain's own rules.
    #[must_use]
    pub fn refused(code: &str, detail: impl Into<String>) -> Self {
        Self {
            title: "The domain refuses the command".to_owned(),
            status: 422,
            code: code.to_owned(),
            detail: detail.into(),
        }
    }

    /// Whether the same request may succeed later without being changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 503 | 504) || self.code == "conflict"
    }
}
