//! What becomes of commands on this instance, as observable instruments.
//! Not here: counting; the processor does that anyway.

use opentelemetry::KeyValue;

use super::meter;
use crate::processor::Watched;

/// Has a processor observed until the process ends: the last look, when it is drained, counts too.
pub(crate) fn observe(processor: &Watched) {
    let meter = meter();
    let seen = processor.clone();
    meter
        .u64_observable_counter("commands.answered")
        .with_unit("{command}")
        .with_description("Commands by what became of them")
        .with_callback(move |observer| {
            for (outcome, count) in seen.tally().answers() {
                observer.observe(count, &[KeyValue::new("outcome", outcome)]);
            }
        })
        .build();
    let seen = processor.clone();
    meter
        .u64_observable_counter("appends")
        .with_unit("{append}")
        .with_description("Attempts to append a commit by how they ended")
        .with_callback(move |observer| {
            for (outcome, count) in seen.tally().appends() {
                observer.observe(count, &[KeyValue::new("outcome", outcome)]);
            }
        })
        .build();
    let seen = processor.clone();
    meter
        .u64_observable_counter("events.appended")
        .with_unit("{event}")
        .with_description("Events that commands have led to")
        .with_callback(move |observer| {
            observer.observe(seen.tally().appended_events(), &[]);
        })
        .build();
    let seen = processor.clone();
    meter
        .u64_observable_gauge("commands.waiting")
        .with_unit("{command}")
        .with_description("Commands that are accepted and not yet answered")
        .with_callback(move |observer| {
            observer.observe(seen.waiting(), &[]);
        })
        .build();
}
