//! One endpoint: where it is reached, what it says about itself, and how it has been doing.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use nats::names;
use serde_json::{Value, json};

use crate::problem::Problem;

/// An endpoint of the service.
#[derive(Debug)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// Where it is reached.
    pub subject: String,
    /// What it offers, as JSON, under one metadata key.
    pub metadata: (&'static str, String),
    /// Its counts.
    pub stats: Stats,
}

/// What an endpoint has answered since the service started.
#[derive(Debug, Default)]
pub struct Stats {
    requests: AtomicU64,
    errors: AtomicU64,
    nanos: AtomicU64,
    last_error: Mutex<String>,
}

impl Stats {
    /// Counts one answer that took `elapsed`.
    pub fn count(&self, elapsed: Duration, problem: Option<&Problem>) {
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        if let Some(problem) = problem {
            self.errors.fetch_add(1, Ordering::Relaxed);
            let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
            // The code and no more: a detail is for the caller, not for everyone who monitors.
            *last = format!("{}:{}", problem.status, problem.code);
        }
    }
}

impl Endpoint {
    pub(super) fn info(&self) -> Value {
        let (key, value) = &self.metadata;
        json!({
            "name": self.name,
            "subject": self.subject,
            "queue_group": names::SERVICE,
            "metadata": { *key: value },
        })
    }

    pub(super) fn counts(&self) -> Value {
        let requests = self.stats.requests.load(Ordering::Relaxed);
        let nanos = self.stats.nanos.load(Ordering::Relaxed);
        let last = self.stats.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "name": self.name,
            "subject": self.subject,
            "queue_group": names::SERVICE,
            "num_requests": requests,
            "num_errors": self.stats.errors.load(Ordering::Relaxed),
            "last_error": *last,
            "processing_time": nanos,
            "average_processing_time": nanos.checked_div(requests).unwrap_or_default(),
        })
    }
}
