//! No room: for any stream, or for one of them. Not here: who is refused for it, which is whoever comes.

use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::jetstream::{self, stream::Config};
use fastrand::Rng;
use nats::names;
use tokio::time::sleep;

use super::{BEHIND, LIMIT, Strikes, rounds::Rounds, within};

/// Room that is left when there is to be none: some hundred commits.
const ROOM: u64 = 256 * 1024;
/// Streams whose room is needed for more than keys that they have: they are full before others.
const FIRST: [&str; 3] = [names::EVENTS, names::DLQ, names::COMMANDS];

impl Strikes<'_> {
    /// Leaves nearly no room, until somebody is refused for it.
    pub(super) async fn full(&mut self) -> Result<()> {
        self.tell("full");
        let stored = self.world.stored().await?;
        self.world.restart_broker(Some(stored + ROOM)).await?;
        let filled = || async { self.world.stored().await.unwrap_or(0) > stored + ROOM / 2 };
        let _ = within(LIMIT, filled).await;
        // What is on its way meets a full store now, and handlers do, too.
        sleep(Duration::from_secs(3)).await;
        self.world.restart_broker(None).await
    }

    /// Leaves one stream no room at all for some seconds, also for longer than leases live.
    pub(super) async fn full_stream(&mut self, rng: &mut Rng) -> Result<()> {
        let Some(stream) = self.streams.next() else { return Ok(()) };
        self.tell(&format!("{} is full", stream.name));
        let context = jetstream::new(self.world.connection.clone());
        let bytes = context.get_stream(&stream.name).await?.cached_info().state.bytes;
        let max_bytes = i64::try_from(bytes.max(1))?;
        context.update_stream(Config { max_bytes, ..stream.clone() }).await?;
        // Otherwise nobody would need that room.
        if stream.name == names::DLQ {
            self.strangers.come(BEHIND).await?;
        }
        sleep(Duration::from_millis(rng.u64(2_000..9_000))).await;
        context.update_stream(&stream).await.context("the stream gets no room again")?;
        self.ask_for_repairs().await;
        Ok(())
    }
}

/// The streams that refuse what they have no room for; `TIMERS` would let go of its oldest messages.
pub(super) fn streams(rng: &mut Rng) -> Rounds<Config> {
    let mut all = [nats::streams::all(1), nats::buckets::all(1)].concat();
    all.retain(|stream| stream.name != names::TIMERS);
    Rounds::new(all, rng).first(|stream| FIRST.contains(&stream.name.as_str()))
}
