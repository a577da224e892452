//! A thread with a Tokio runtime of its own.
//!
//! What runs on it hands work from task to task without waking another thread, which costs more
//! than the work itself when a command passes through half a dozen tasks (see ADR 4).
//! Not here: what runs on it.

use std::{io, thread};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running thread. It ends when this value is dropped, with every task on it.
#[derive(Debug)]
pub struct OwnThread {
    runtime: Handle,
    _stop: DropGuard,
}

impl OwnThread {
    /// Starts a thread with this name.
    ///
    /// # Errors
    /// If the system gives no thread or no event queue.
    pub fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, stop) = (runtime.handle().clone(), CancellationToken::new());
        let stopped = stop.clone();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || runtime.block_on(stopped.cancelled()))?;
        Ok(Self { runtime: handle, _stop: stop.drop_guard() })
    }

    /// Runs `work` on the thread; what it spawns stays there.
    ///
    /// # Errors
    /// If `work` panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<T> {
        self.runtime.spawn(work).await.map_err(io::Error::other)
    }
}
