//! From a feed's pump to whoever takes its items: many at a time, and bounded by their number and by
//! their bytes. Not here: what the items are.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Items that go through together.
#[derive(Debug)]
struct Chunk<T> {
    items: VecDeque<T>,
    /// For their bytes, for as long as they wait.
    _room: OwnedSemaphorePermit,
}

#[derive(Debug)]
pub(super) struct Sender<T> {
    chunks: mpsc::Sender<Chunk<T>>,
    bytes_max: usize,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
pub(super) struct Receiver<T> {
    chunks: mpsc::Receiver<Chunk<T>>,
    /// What is left of the last chunk.
    items: VecDeque<T>,
}

/// At most so many chunks wait, and so many bytes, or one chunk that has more.
pub(super) fn channel<T>(chunks_max: usize, bytes_max: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, chunks) = mpsc::channel(chunks_max);
    let room = Arc::new(Semaphore::new(bytes_max));
    (Sender { chunks: sender, bytes_max, room }, Receiver { chunks, items: VecDeque::new() })
}

impl<T> Sender<T> {
    /// Waits until there is room; false if nobody takes items any more.
    pub(super) async fn send(&self, items: VecDeque<T>, bytes: usize) -> bool {
        let bytes = u32::try_from(bytes.min(self.bytes_max)).unwrap_or(u32::MAX);
        let room = tokio::select! {
            room = Arc::clone(&self.room).acquire_many_owned(bytes) => room,
            () = self.chunks.closed() => return false,
        };
        let Ok(_room) = room else { return false };
        self.chunks.send(Chunk { items, _room }).await.is_ok()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.chunks.is_closed()
    }
}

impl<T> Receiver<T> {
    /// The next item; none if no more can come. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<T> {
        while self.items.is_empty() {
            self.items = self.chunks.recv().await?.items;
        }
        self.items.pop_front()
    }

    /// The next item, if it is there already.
    pub(super) fn ready(&mut self) -> Option<T> {
        if self.items.is_empty() {
            self.items = self.chunks.try_recv().ok()?.items;
        }
        self.items.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_waits_is_bounded_by_chunks_and_by_bytes() {
        let (sender, mut receiver) = channel(3, 100);
        assert!(sender.send([1, 2].into(), 60).await);
        assert_eq!(sender.send([3].into(), 60).now_or_never(), None, "there is no room");
        assert!(sender.send([4].into(), 40).await);
        assert_eq!(receiver.next().await, Some(1));
        // The bytes of the first chunk no longer wait.
        assert!(sender.send([5].into(), 60).await);
        assert!(sender.send([6].into(), 0).await);
        assert_eq!(sender.send([7].into(), 0).now_or_never(), None, "three chunks wait");
        let taken: Vec<_> = std::iter::from_fn(|| receiver.ready()).collect();
        assert_eq!(taken, [2, 4, 5, 6]);
    }

    #[tokio::test]
    async fn a_chunk_of_more_bytes_than_may_wait_goes_alone() {
        let (sender, mut receiver) = channel(3, 100);
        assert!(sender.send([1].into(), 500).await);
        assert_eq!(sender.send([2].into(), 1).now_or_never(), None);
        assert_eq!(receiver.next().await, Some(1));
        assert!(sender.send([2].into(), 1).await);
    }

    #[tokio::test]
    async fn whoever_waits_for_room_hears_that_nobody_takes_items() {
        let (sender, receiver) = channel(3, 100);
        assert!(sender.send([1].into(), 100).await);
        let waiting = sender.send([2].into(), 100);
        drop(receiver);
        assert!(!waiting.await && sender.is_closed());
    }
}
