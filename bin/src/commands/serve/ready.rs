//! What an operator is told at the start: which roles run and which do not, or why nothing does.
//! Not here: starting.

use anyhow::Error;
use clap::ValueEnum as _;
use infrastructure::{
    handler::HandlersError,
    problem::Problem,
    runtime::{Runtime, RuntimeError},
};
use serde::Serialize;

use super::Role;
use crate::{connection, exit::Advised};

/// What is said once requests are taken.
#[derive(Debug, Serialize)]
pub(super) struct Ready {
    status: &'static str,
    instance: String,
    durability: String,
    roles: Vec<Role>,
    refused: Vec<RefusedRole>,
    #[serde(flatten)]
    addresses: Addresses,
}

/// Where an instance can be asked.
#[derive(Debug, Serialize)]
pub(super) struct Addresses {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metrics: Option<String>,
}

/// A role that this instance was to have and has not.
#[derive(Debug, Serialize)]
struct RefusedRole {
    role: Role,
    code: String,
    detail: String,
}

impl Ready {
    pub(super) fn new(
        runtime: &Runtime,
        instance: String,
        mut roles: Vec<Role>,
        addresses: Addresses,
    ) -> Self {
        let refused = runtime.projections_refused().map(|problem| RefusedRole {
            role: Role::Projections,
            code: problem.code.clone(),
            detail: problem.detail.clone(),
        });
        roles.retain(|role| refused.as_ref().is_none_or(|refused| refused.role != *role));
        let durability = runtime.provisioned().to_string();
        Self {
            status: "ready",
            instance,
            durability,
            roles,
            refused: refused.into_iter().collect(),
            addresses,
        }
    }

    pub(super) fn in_words(&self) -> String {
        let names: Vec<_> = self.roles.iter().map(|role| name(*role)).collect();
        let mut text =
            format!("{}\nready as {}: {}", self.durability, self.instance, names.join(", "));
        for RefusedRole { role, code, detail } in &self.refused {
            text.push_str(&format!("; not {}: {code}: {detail}", name(*role)));
        }
        let Addresses { http, metrics } = &self.addresses;
        for (what, url) in [("http", http), ("metrics", metrics)] {
            if let Some(url) = url {
                text.push_str(&format!("\n{what} {url}"));
            }
        }
        text
    }
}

fn name(role: Role) -> String {
    role.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The failure with what an operator does about it.
pub(in crate::commands) fn not_started(error: RuntimeError) -> Error {
    match error {
        RuntimeError::Handlers(HandlersError::Elsewhere(problem)) => {
            advised(problem, "Choose other --roles, or read on under `headwater store --help`.")
        }
        RuntimeError::Handlers(error @ HandlersError::LogBehind(_)) => Advised::new(
            error.to_string(),
            "Restore a newer backup. If there is none: `headwater handlers rewind --help` for \
             policies and effects, and delete the store's file for projections.",
        )
        .into(),
        RuntimeError::Restoring(problem) => {
            advised(problem, "`headwater restore --help` says how to go on with it.")
        }
        RuntimeError::Connect(error) => connection::explained(&error),
        error => Error::from(error).context("the service does not start"),
    }
}

fn advised(problem: Problem, advice: &str) -> Error {
    Error::from(problem).context(Advised::new("the service does not start", advice))
}
