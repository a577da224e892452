//! Roles: what somebody may do, as lists of patterns. What is on none of them is refused.
//! Not here: who has a role.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::pattern::{CommandPattern, HistoryPattern, QueryPattern};

/// What a role allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    /// Commands that may be sent, `<aggregate>.<id>.<command>`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<CommandPattern>,
    /// Queries that may be asked, `<projection>.<query>`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<QueryPattern>,
    /// Aggregates whose events and state may be read, `<aggregate>.<id>`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub histories: Vec<HistoryPattern>,
    /// Aggregate types of which the role reaches only what the caller has begun itself, each with the
    /// parameter by which queries name one. The queries of such a role must name one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub own: BTreeMap<Box<str>, Box<str>>,
}

impl Role {
    pub(super) fn allows_command(&self, command: [&str; 3]) -> bool {
        self.commands.iter().any(|pattern| pattern.allows(command))
    }

    pub(super) fn allows_query(&self, query: [&str; 2]) -> bool {
        self.queries.iter().any(|pattern| pattern.allows(query))
    }

    pub(super) fn allows_history(&self, history: [Option<&str>; 2]) -> bool {
        self.histories.iter().any(|pattern| pattern.allows_all(history))
    }
}

/// Roles by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(BTreeMap<Box<str>, Arc<Role>>);

impl Roles {
    /// The role of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Role>> {
        self.0.get(name)
    }

    /// Every role with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Role)> {
        self.0.iter().map(|(name, role)| (name.as_ref(), role.as_ref()))
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These and `others`, which take the place of those of the same name.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        self.0.extend(others.0.iter().map(|(name, role)| (name.clone(), Arc::clone(role))));
        self
    }
}
