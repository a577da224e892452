//! The dead letters of one projection, for all who run its generations in one epoch.
//! Not here: doing what they ask for.

use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    deadletter::{Book, Followed},
    handler::{Feed, Waits},
};

/// What one owner knows of its dead letters.
pub(crate) struct Letters {
    pub(crate) book: Book,
    pub(crate) waits: Mutex<Waits>,
}

impl Letters {
    /// Follows `incoming` until what is given back is dropped, and answers what a former owner
    /// wrote too late. Cancels `lost` when a later epoch has begun.
    pub(crate) fn follow(self: &Arc<Self>, incoming: Feed, lost: CancellationToken) -> JoinSet<()> {
        let mut following = JoinSet::new();
        following.spawn(Arc::clone(self).listen(incoming, lost));
        following
    }

    async fn listen(self: Arc<Self>, mut incoming: Feed, lost: CancellationToken) {
        let mut stale = self.book.stale();
        loop {
            for key in stale.drain(..) {
                if let Err(error) = self.book.repair(&key).await {
                    tracing::warn!(key, "a late dead letter is not answered: {error}");
                }
            }
            let Some(item) = incoming.next().await else { return lost.cancel() };
            match self.book.follow(&item) {
                // Rows are not folded twice: a rebuild folds them anew.
                Followed::Nothing | Followed::Due(_) | Followed::Reset => {}
                Followed::Stale(key) => stale.push(key),
                Followed::Fenced => return lost.cancel(),
            }
        }
    }
}
