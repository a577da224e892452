//! The engine's loop: takes in what has ended and what has arrived, lets the engine decide, and
//! starts what it asks for. Not here: what any of it means.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
};

use futures::{
    StreamExt,
    future::{BoxFuture, Either},
    stream::FuturesUnordered,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    ProcessorOptions,
    admission::Submission,
    engine::Engine,
    load::{last, load},
    work::{Append, Done, Work},
};
use crate::{settle::settle, store::Store};

/// Most that is taken in at once. It bounds how long a turn takes, and with it how long the
/// engine keeps its thread.
const TAKEN_MAX: usize = 1024;

/// Runs `engine` until everything accepted is answered and either `draining` is cancelled or
/// nobody can submit any more.
pub(super) async fn run<S: Store>(
    mut engine: Engine,
    store: S,
    mut inbox: mpsc::UnboundedReceiver<Submission>,
    draining: CancellationToken,
) {
    let mut appends = FuturesUnordered::new();
    let mut others = FuturesUnordered::<BoxFuture<'static, Done>>::new();
    let mut queued = VecDeque::new();
    let (mut arrived, mut ended) = (Vec::with_capacity(TAKEN_MAX), Vec::with_capacity(TAKEN_MAX));
    let mut drained = pin!(draining.cancelled());
    let (mut open, mut accepting) = (true, true);
    while open || !appends.is_empty() || !others.is_empty() {
        poll_fn(|cx| {
            if accepting && drained.as_mut().poll(cx).is_ready() {
                accepting = false;
                inbox.close();
            }
            take(&mut appends, &mut ended, cx);
            take(&mut others, &mut ended, cx);
            match inbox.poll_recv_many(cx, &mut arrived, TAKEN_MAX) {
                Poll::Ready(0) if open => {
                    open = false;
                    Poll::Ready(())
                }
                Poll::Ready(1..) => Poll::Ready(()),
                _ if ended.is_empty() => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
        ended.drain(..).for_each(|done| engine.done(done));
        arrived.drain(..).for_each(|submission| engine.submit(submission));
        engine.turn();
        for work in engine.work.drain(..) {
            match work {
                Work::Append(append) => appends.push(Either::Left(start_append(&store, append))),
                // Its time-out must not wait for the reads of others.
                settle @ Work::Settle(_) => {
                    let settling = start_other(&store, settle, &engine.options);
                    appends.push(Either::Right(settling));
                }
                other => queued.push_back(other),
            }
        }
        while others.len() < engine.options.reads_max.max(1) {
            let Some(work) = queued.pop_front() else { break };
            others.push(start_other(&store, work, &engine.options));
        }
    }
}

fn take<F: Future<Output = Done>>(
    from: &mut FuturesUnordered<F>,
    into: &mut Vec<Done>,
    cx: &mut Context<'_>,
) {
    while into.len() < TAKEN_MAX {
        match from.poll_next_unpin(cx) {
            Poll::Ready(Some(done)) => into.push(done),
            Poll::Ready(None) | Poll::Pending => return,
        }
    }
    // What is left must wake the loop again.
    if !from.is_empty() {
        cx.waker().wake_by_ref();
    }
}

fn start_append<S: Store>(store: &S, append: Append) -> impl Future<Output = Done> + Send + use<S> {
    let Append { slot, key, expected, body } = append;
    let appending = store.append(&key, expected, body);
    async move { Done::Appended { slot, result: appending.await } }
}

fn start_other<S: Store>(
    store: &S,
    work: Work,
    options: &ProcessorOptions,
) -> BoxFuture<'static, Done> {
    let (store, snapshots) = (store.clone(), options.snapshots.clone());
    let keys = options.keys.clone();
    let (read_timeout, settle_timeout) = (options.read_timeout, options.settle_timeout);
    Box::pin(async move {
        match work {
            Work::Append(Append { slot, key, expected, body }) => {
                Done::Appended { slot, result: store.append(&key, expected, body).await }
            }
            Work::Settle(Append { slot, key, expected, body }) => {
                let deadline = Instant::now() + settle_timeout;
                let result = settle(&store, &key, expected, &body, deadline).await;
                Done::Settled { slot, result }
            }
            Work::Load(asked) => {
                let slot = asked.slot;
                let result =
                    load(&store, (snapshots.as_ref(), keys.as_ref()), asked, read_timeout).await;
                Done::Loaded { slot, result }
            }
            Work::Search { slot, key, mut search } => {
                let result = search.run(&store, &key, read_timeout).await;
                Done::Searched { slot, search, result }
            }
            Work::Save { key, snapshot } => {
                if let Some(snapshots) = snapshots {
                    snapshots.put(&key, &snapshot).await;
                }
                Done::Saved
            }
            Work::Last { slot, key } => {
                Done::Last { slot, result: last(&store, &key, read_timeout).await }
            }
        }
    })
}
