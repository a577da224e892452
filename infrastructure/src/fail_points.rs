//! Named places at which a test ends or holds an instance: between two writes, where a crash hurts
//! most. Without the feature `fail-points` a place is nothing, and nothing can be set.
//!
//! A test in the same process holds an instance with [`FailPoints::hold`], and then drops or
//! releases it. Another process is told by `HEADWATER_FAIL_POINT=<name>` or `<name>@<times>`: it is
//! killed, as by `kill -9`, when it comes to the place for that time.

#[cfg(feature = "fail-points")]
pub use enabled::{FailPoints, Held};

/// The places of one instance: none, in this build.
#[cfg(not(feature = "fail-points"))]
#[derive(Debug, Clone, Copy, Default)]
pub struct FailPoints(());

#[cfg(not(feature = "fail-points"))]
impl FailPoints {
    /// Nothing.
    #[must_use]
    pub const fn from_env() -> Self {
        Self(())
    }

    /// Passes on.
    #[inline]
    pub async fn reach(&self, _name: &'static str) {}
}

#[cfg(feature = "fail-points")]
mod enabled {
    use std::{
        collections::HashMap,
        env, process,
        sync::{Arc, Mutex, MutexGuard, PoisonError},
    };

    use rustix::process::{Pid, Signal, kill_process};
    use tokio_util::sync::CancellationToken;

    /// The places of one instance. Clones share what is set.
    #[derive(Debug, Clone, Default)]
    pub struct FailPoints {
        held: Arc<Mutex<HashMap<String, Held>>>,
        killed: Arc<Mutex<Option<(String, u32)>>>,
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
        /// What the environment of the process asks for.
        #[must_use]
        pub fn from_env() -> Self {
            let asked =
                env::var("HEADWATER_FAIL_POINT").ok().map(|asked| match asked.split_once('@') {
                    Some((name, times)) => (name.to_owned(), times.parse().unwrap_or(1)),
                    None => (asked, 1),
                });
            Self { held: Arc::default(), killed: Arc::new(Mutex::new(asked)) }
        }

        /// Holds whoever comes to `name` from now on.
        #[must_use]
        pub fn hold(&self, name: &str) -> Held {
            let held = Held::default();
            locked(&self.held).insert(name.to_owned(), held.clone());
            held
        }

        /// Comes to the place `name`.
        pub async fn reach(&self, name: &'static str) {
            self.count(name);
            let held = locked(&self.held).get(name).cloned();
            if let Some(held) = held {
                held.reached.cancel();
                held.released.cancelled().await;
            }
        }

        fn count(&self, name: &str) {
            let mut killed = locked(&self.killed);
            let Some((asked, times)) = &mut *killed else { return };
            if asked != name {
                return;
            }
            *times = times.saturating_sub(1);
            if *times == 0 {
                let pid = i32::try_from(process::id()).ok().and_then(Pid::from_raw);
                let ended = pid.map(|pid| kill_process(pid, Signal::KILL));
                tracing::error!(name, ?ended, "this process was to be dead by now");
            }
        }
    }

    fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
