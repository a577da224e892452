//! Named places at which a test ends, stops or holds an instance: between two writes, where a crash
//! hurts most. Without the feature `fail-points` a place is nothing, and nothing can be set.
//!
//! A test in the same process holds an instance with `FailPoints::hold`, and then drops or
//! releases it. Another process is told by `HEADWATER_FAIL_POINT=<name>` or `<name>@<times>`: it is
//! killed, as by `kill -9`, when it comes to the place for that time. With `=stop` behind it, it is
//! only stopped, as by SIGSTOP.

#[cfg(feature = "fail-points")]
pub use enabled::{FailPoints, Held, pass};

/// Whether this build has places at all.
pub const ENABLED: bool = cfg!(feature = "fail-points");

/// The variable that tells a process where it is to die.
pub const VARIABLE: &str = "HEADWATER_FAIL_POINT";

/// Every place.
pub const NAMES: [&str; 30] = [
    "append.before",
    "append.after",
    "reply.before",
    "durable.before-result",
    "durable.after-result",
    "takeover.checkpoint",
    "begin.counts",
    "reset.before",
    "reset.moved",
    "reset.told",
    "order.answered",
    "checkpoint.before",
    "checkpoint.after",
    "effect.intended",
    "effect.performed",
    "timers.written",
    "timers.before-command",
    "timers.after-command",
    "rows.before-commit",
    "rows.after-commit",
    "repayment.before-commit",
    "repayment.after-commit",
    "generation.before-change",
    "generation.after-change",
    "park.before",
    "park.after",
    "drain.begun",
    "drain.decided",
    "drain.handled",
    "drain.before-release",
];

/// The places of one instance: none, in this build.
#[cfg(not(feature = "fail-points"))]
#[derive(Debug, Clone, Copy, Default)]
pub struct FailPoints(());

#[cfg(not(feature = "fail-points"))]
impl FailPoints {
    /// Passes on.
    #[inline]
    pub async fn reach(&self, _name: &'static str) {}
}

/// Passes on.
#[cfg(not(feature = "fail-points"))]
#[inline]
pub const fn pass(_name: &'static str) {}

#[cfg(feature = "fail-points")]
mod enabled {
    use std::{
        collections::HashMap,
        env, process,
        sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    };

    use rustix::process::{Pid, Signal, kill_process};
    use tokio_util::sync::CancellationToken;

    /// The places of one instance. Clones share what is set.
    #[derive(Debug, Clone, Default)]
    pub struct FailPoints {
        held: Arc<Mutex<HashMap<String, Held>>>,
    }

    /// A place that holds whoever comes there.
    #[derive(Debug, Clone, Default)]
    pub struct Held {
        reached: CancellationToken,
        released: CancellationToken,
    }

    impl Held {
        /// Waits until somebody is held.
        pub async fn reached(&self) {
            self.reached.cancelled().await;
        }

        /// Lets everybody pass, now and from now on.
        pub fn release(&self) {
            self.released.cancel();
        }
    }

    impl FailPoints {
        /// Holds whoever comes to `name` from now on.
        #[must_use]
        pub fn hold(&self, name: &str) -> Held {
            let held = Held::default();
            locked(&self.held).insert(name.to_owned(), held.clone());
            held
        }

        /// Comes to the place `name`.
        pub async fn reach(&self, name: &'static str) {
            pass(name);
            let held = locked(&self.held).get(name).cloned();
            if let Some(held) = held {
                held.reached.cancel();
                held.released.cancelled().await;
            }
        }
    }

    /// What the environment of the process asks for.
    #[derive(Debug)]
    struct Asked {
        name: String,
        times: u32,
        signal: Signal,
    }

    impl Asked {
        fn parse(text: &str) -> Self {
            let (place, signal) = match text.strip_suffix("=stop") {
                Some(place) => (place, Signal::STOP),
                None => (text, Signal::KILL),
            };
            let (name, times) = place.split_once('@').unwrap_or((place, "1"));
            Self { name: name.to_owned(), times: times.parse().unwrap_or(1), signal }
        }
    }

    /// Comes to the place `name`, at which nobody is held, and the process may end.
    pub fn pass(name: &'static str) {
        static ASKED: OnceLock<Mutex<Option<Asked>>> = OnceLock::new();
        let asked = ASKED.get_or_init(|| {
            Mutex::new(env::var(super::VARIABLE).ok().map(|text| Asked::parse(&text)))
        });
        let mut asked = locked(asked);
        let Some(Asked { name: place, times, signal }) = &mut *asked else { return };
        if *place != name || *times == 0 {
            return;
        }
        *times -= 1;
        if *times == 0 {
            let pid = i32::try_from(process::id()).ok().and_then(Pid::from_raw);
            let ended = pid.map(|pid| kill_process(pid, *signal));
            tracing::warn!(name, ?signal, ?ended, "a signal of this process to itself");
        }
    }

    fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    fn places(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                places(&path, found);
            } else if path.extension().is_some_and(|it| it == "rs")
                && !path.ends_with("fail_points.rs")
            {
                let text = fs::read_to_string(&path).unwrap();
                for call in ["reach(\"", "fail_points::pass(\""] {
                    let calls = text.split(call).skip(1);
                    found.extend(calls.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
                }
            }
        }
    }

    #[test]
    fn every_place_is_listed_and_every_listed_place_is_there() {
        let mut found = BTreeSet::new();
        places(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let listed: BTreeSet<_> = super::NAMES.map(str::to_owned).into();
        assert_eq!(found, listed);
    }
}
