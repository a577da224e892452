//! Reading samples: pairs of a name and a text, as they stand on the wire.
//! Not here: the samples; each context has its own.

use kit::{Command, Event};

/// The events that `samples` tell. One that cannot be read is left out; a test of its context misses it.
pub(crate) fn events<E: Event>(samples: &[(&str, &str)]) -> Vec<E> {
    let read = |(name, data): &(&str, &str)| {
        let kind = E::KINDS.iter().find(|kind| kind.name == *name)?;
        E::read(E::AGGREGATE, name, kind.version, data.as_bytes()).ok()
    };
    samples.iter().filter_map(read).collect()
}

/// The commands that `samples` tell, likewise.
pub(crate) fn commands<C: Command>(samples: &[(&str, &str)]) -> Vec<C> {
    samples.iter().filter_map(|(name, body)| C::read(name, body.as_bytes()).ok()).collect()
}
