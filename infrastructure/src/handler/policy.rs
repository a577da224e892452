//! Policies with their types erased, so that one runner runs them all.

use kit::{Order, Policy, Refused, Start};

use super::{Failure, Source, guarded};

/// Any [`Policy`].
pub(crate) trait AnyPolicy: Send + Sync {
    fn name(&self) -> &'static str;
    fn start(&self) -> Start;
    fn aggregates(&self) -> Vec<&'static str>;
    fn orders(&self, source: &Source<'_>) -> Result<Vec<Order>, Failure>;
    fn answers(&self, source: &Source<'_>, refused: &Refused) -> Result<Vec<Order>, Failure>;
}

impl<P: Policy> AnyPolicy for P {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn start(&self) -> Start {
        P::START
    }

    fn aggregates(&self) -> Vec<&'static str> {
        <P::When as kit::EventSet>::aggregates()
    }

    fn orders(&self, source: &Source<'_>) -> Result<Vec<Order>, Failure> {
        let event = source.record()?;
        guarded(|| self.react(&event).map_err(|error| unwritable(&error)))
    }

    fn answers(&self, source: &Source<'_>, refused: &Refused) -> Result<Vec<Order>, Failure> {
        let event = source.record()?;
        guarded(|| self.on_refused(&event, refused).map_err(|error| unwritable(&error)))
    }
}

fn unwritable(error: &serde_json::Error) -> Failure {
    Failure::Bug(format!("a command has no JSON form: {error}"))
}
