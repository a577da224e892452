//! Counts the events that one handler has handled, and how long each took.
//! Not here: what is known of the handler as a whole; its status says that.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram},
};

use crate::metrics;

/// Types of events told apart in one handler; those of foreign messages must not add up for ever.
const TYPES_MAX: usize = 512;
/// What all further types are called.
const OTHER: &str = "other";
/// Upper bounds in seconds: an event in memory takes microseconds, one that waits for something
/// outside takes what that takes.
const SECONDS: [f64; 15] = [
    0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
    300.0,
];

/// The counts of one handler.
#[derive(Debug)]
pub(crate) struct EventMeter {
    handler: &'static str,
    processed: Counter<u64>,
    duration: Histogram<f64>,
    handled: AtomicU64,
    types: Mutex<HashMap<String, Arc<EventType>>>,
}

/// What events of one type are counted under, made once.
#[derive(Debug)]
pub(crate) struct EventType {
    processed: [KeyValue; 3],
    duration: [KeyValue; 2],
}

impl EventMeter {
    pub(crate) fn new(handler: &'static str) -> Self {
        let meter = metrics::meter();
        Self {
            handler,
            processed: meter
                .u64_counter("events.processed")
                .with_unit("{event}")
                .with_description("Events that a handler has handled")
                .build(),
            duration: meter
                .f64_histogram("events.processing_duration")
                .with_unit("s")
                .with_description("Time from the first attempt at an event until it was handled")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            handled: AtomicU64::new(0),
            types: Mutex::default(),
        }
    }

    /// What events of the full type `kind` of `aggregate` are counted under.
    pub(crate) fn of_type(&self, kind: &str, aggregate: &str) -> Arc<EventType> {
        let mut types = self.types.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = types.get(kind) {
            return Arc::clone(known);
        }
        let (kind, aggregate) =
            if types.len() < TYPES_MAX { (kind, aggregate) } else { (OTHER, OTHER) };
        let event = KeyValue::new("event_type", kind.to_owned());
        let handler = KeyValue::new("handler", self.handler);
        let aggregate = KeyValue::new("aggregate_type", aggregate.to_owned());
        let new = EventType {
            duration: [event.clone(), handler.clone()],
            processed: [event, aggregate, handler],
        };
        Arc::clone(types.entry(kind.to_owned()).or_insert_with(|| Arc::new(new)))
    }

    /// Counts one event that took `elapsed`.
    pub(crate) fn count(&self, event: &EventType, elapsed: Duration) {
        self.handled.fetch_add(1, Ordering::Relaxed);
        self.processed.add(1, &event.processed);
        self.duration.record(elapsed.as_secs_f64(), &event.duration);
    }

    /// Events counted so far.
    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }
}
