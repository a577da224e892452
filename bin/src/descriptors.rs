//! Open files: how many this process may have, and how many connections of HTTP that leaves room for. Each
//! connection is one, and whoever opens many of them must not take those that the service itself needs.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the service needs for itself: connections to NATS and to stores, and files.
const OWN: u64 = 256;

/// How many of `wanted` connections there is room for. Asks the system for as many files as that takes: it
/// mostly begins with fewer than it allows.
pub(crate) fn room_for(wanted: usize) -> usize {
    let needed = OWN + u64::try_from(wanted).unwrap_or(u64::MAX);
    let found = getrlimit(Resource::Nofile);
    let Some(now) = found.current.filter(|now| *now < needed) else { return wanted };
    let raised = found.maximum.map_or(needed, |most| needed.min(most));
    let limit = Rlimit { current: Some(raised), maximum: found.maximum };
    let files = if setrlimit(Resource::Nofile, limit).is_ok() { raised } else { now };
    let room = usize::try_from(files.saturating_sub(OWN)).unwrap_or(usize::MAX);
    let room = room.min(wanted);
    if room < wanted {
        tracing::warn!(
            files,
            room,
            wanted,
            "the limit of open files leaves room for fewer connections"
        );
    }
    room
}
