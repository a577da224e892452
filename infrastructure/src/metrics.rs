//! What can be measured of a running instance, under the names that `docs/metrics.md` explains.
//!
//! Everything is an OpenTelemetry instrument of the global meter provider; without one, nothing is
//! measured. What the instance counts anyway is read when somebody collects. Not here: who
//! collects; the binary installs Prometheus and OTLP readers.

mod commands;
mod handlers;
mod streams;

use opentelemetry::{global, metrics::Meter};

pub(crate) use commands::observe as observe_commands;
pub(crate) use handlers::observe as observe_handlers;
pub(crate) use streams::{Watch, observe as observe_streams};

/// The meter of everything here.
pub(crate) fn meter() -> Meter {
    global::meter("headwater")
}
