//! A task that an instance cannot do without: its end is seen, and it does not outlive its owner.
//! Not here: what is done about its end.

use tokio::task::JoinError;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// A running task. Dropping this value ends it.
#[derive(Debug)]
pub(crate) struct Vital<T> {
    task: AbortOnDropHandle<T>,
    ended: CancellationToken,
}

impl<T: Send + 'static> Vital<T> {
    /// Starts `work` on the current Tokio runtime.
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        let ended = CancellationToken::new();
        // Dropped by a panic, and with the runtime, as well.
        let guard = ended.clone().drop_guard();
        let task = tokio::spawn(async move {
            let _guard = guard;
            work.await
        });
        Self { task: AbortOnDropHandle::new(task), ended }
    }

    /// Returns when the task has ended, however it did.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// What the task returns.
    pub(crate) async fn join(self) -> Result<T, JoinError> {
        self.task.await
    }
}
