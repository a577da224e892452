//! The state of every handler of this instance, as observable instruments.
//! Not here: single events; each handler counts its own.

use std::sync::Arc;

use chrono::Utc;
use opentelemetry::{KeyValue, metrics::Meter};

use super::meter;
use crate::{
    composition::HandlerKind,
    handler::{BreakerState, Gauge, HandlerState, HandlerStatus},
};

/// Has the handlers behind `gauges` observed until the process ends: the last look, when they have
/// stopped, counts too.
pub(crate) fn observe(gauges: &Arc<[Gauge]>) {
    let seen = Seen { meter: meter(), gauges: Arc::clone(gauges) };
    seen.gauge("handlers.owned", "", "1 where this instance owns the handler", |status| {
        Some(u64::from(status.epoch.is_some()))
    });
    seen.gauge("handlers.epoch", "", "The epoch in which this instance owns it", |status| {
        status.epoch
    });
    seen.gauge("handlers.position", "", "The commit up to which all is handled", |status| {
        status.epoch.and(Some(status.position)).filter(|_| status.kind != HandlerKind::Duty)
    });
    seen.gauge("handlers.lag", "{commit}", "Commits that are not handled", |status| {
        status.epoch.and(Some(status.lag))
    });
    seen.gauge("handlers.parked_keys", "{key}", "Keys among the dead letters", |status| {
        status.epoch.and(Some(status.parked)).filter(|_| status.kind != HandlerKind::Duty)
    });
    let waiting = "Commits that wait among the dead letters";
    seen.gauge("handlers.parked_commits", "{commit}", waiting, |status| {
        status.epoch.and(Some(status.waiting)).filter(|_| status.kind != HandlerKind::Duty)
    });
    seen.counter("handlers.retries", "{attempt}", "Attempts beyond the first", |it| it.retries);
    seen.counter("handlers.skipped", "{event}", "Events that an effect passed over", |status| {
        status.skipped
    });
    seen.counter("handlers.refused", "{order}", "Orders that aggregates refused", |it| it.refused);
    seen.age();
    seen.state();
    seen.breakers();
}

struct Seen {
    meter: Meter,
    gauges: Arc<[Gauge]>,
}

impl Seen {
    fn gauge(
        &self,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        read: fn(&HandlerStatus) -> Option<u64>,
    ) {
        let gauges = Arc::clone(&self.gauges);
        let builder = self.meter.u64_observable_gauge(name).with_description(description);
        let observed = builder.with_unit(unit).with_callback(move |observer| {
            for_each(&gauges, |status| {
                if let Some(value) = read(status) {
                    observer.observe(value, &[handler(status)]);
                }
            });
        });
        observed.build();
    }

    fn counter(
        &self,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        read: fn(&HandlerStatus) -> u64,
    ) {
        let gauges = Arc::clone(&self.gauges);
        let builder = self.meter.u64_observable_counter(name).with_description(description);
        let observed = builder.with_unit(unit).with_callback(move |observer| {
            for_each(&gauges, |status| observer.observe(read(status), &[handler(status)]));
        });
        observed.build();
    }

    fn age(&self) {
        let gauges = Arc::clone(&self.gauges);
        let builder = self.meter.f64_observable_gauge("handlers.lag_duration").with_unit("s");
        let builder = builder.with_description("Age of the first commit that is not handled");
        let observed = builder.with_callback(move |observer| {
            for_each(&gauges, |status| {
                if status.epoch.is_some() {
                    observer.observe(status.lag_at(Utc::now()).as_secs_f64(), &[handler(status)]);
                }
            });
        });
        observed.build();
    }

    /// One series for each state, of which one is 1: so that a rule can name a state.
    fn state(&self) {
        let gauges = Arc::clone(&self.gauges);
        let builder = self.meter.u64_observable_gauge("handlers.state");
        let builder = builder.with_description("1 for the state that the handler is in");
        let observed = builder.with_callback(move |observer| {
            for_each(&gauges, |status| {
                for name in HandlerState::NAMES {
                    let is_it = u64::from(status.state.name() == name);
                    observer.observe(is_it, &[handler(status), KeyValue::new("state", name)]);
                }
            });
        });
        observed.build();
    }

    /// The same for the breaker of what a handler depends on.
    fn breakers(&self) {
        let gauges = Arc::clone(&self.gauges);
        let builder = self.meter.u64_observable_gauge("handlers.breaker_state");
        let builder = builder.with_description("1 for what the circuit breaker lets through");
        let observed = builder.with_callback(move |observer| {
            for_each(&gauges, |status| {
                let Some(breaker) = &status.breaker else { return };
                let dependency = KeyValue::new("dependency", breaker.dependency.clone());
                for (state, name) in BreakerState::ALL {
                    let labels =
                        [handler(status), dependency.clone(), KeyValue::new("state", name)];
                    observer.observe(u64::from(breaker.state == state), &labels);
                }
            });
        });
        observed.build();
    }
}

fn for_each(gauges: &[Gauge], see: impl Fn(&HandlerStatus)) {
    for gauge in gauges {
        see(&gauge.now());
    }
}

fn handler(status: &HandlerStatus) -> KeyValue {
    KeyValue::new("handler", status.name.clone())
}
