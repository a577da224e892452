//! A stream whose reader has patience for a slow client, but not for ever: hyper has no limit for
//! writing, and a client that reads nothing, or a byte now and then, would keep its place.

use std::{
    future::Future as _,
    io::{self, ErrorKind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// What a client reads at least in each stretch of the patience, while more waits for it.
const FAIR_BYTES: usize = 16 * 1024;

/// A stream that fails once its peer does not read what waits for it.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    patience: Duration,
    /// While something waits to be written: until when, and how much of it went.
    waiting: Option<(Pin<Box<Sleep>>, usize)>,
    /// Whether something does, for others to see.
    unsent: Arc<AtomicBool>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, waiting: None, unsent: Arc::default() }
    }

    /// Tells whether something waits to be written.
    pub(super) fn unsent(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.unsent)
    }

    /// What an attempt to write came to, seen over the time that it has been tried.
    fn judge(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                if let Some((_, went)) = &mut self.waiting {
                    *went += bytes;
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(failed) => Poll::Ready(failed),
            Poll::Pending => {
                self.unsent.store(true, Ordering::Relaxed);
                let patience = self.patience;
                let (limit, went) =
                    self.waiting.get_or_insert_with(|| (Box::pin(sleep(patience)), 0));
                ready!(limit.as_mut().poll(cx));
                if *went < FAIR_BYTES {
                    return Poll::Ready(Err(ErrorKind::TimedOut.into()));
                }
                *went = 0;
                limit.as_mut().reset(Instant::now() + patience);
                // Registers for the new limit.
                let _ = limit.as_mut().poll(cx);
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked for only once everything is written: nothing waits any more.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waiting = None;
        self.unsent.store(false, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
