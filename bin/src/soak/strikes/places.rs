//! Instances that die, or stand still, at a named place. Not here: what those places are.

use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use infrastructure::fail_points;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{BEHIND, LIMIT, LOOK, PAUSE, Strikes};

impl Strikes<'_> {
    /// Lets an instance die at a named place, and brings about what leads there.
    pub(super) async fn place(&mut self, rng: &mut Rng) -> Result<()> {
        let Some(place) = self.places.pop() else { return self.kill(rng).await };
        self.places.insert(0, place);
        let (at, times) = (self.any_instance(rng), rng.u32(1..3));
        let few = ["takeover.", "begin.", "reset.", "generation.", "park.", "drain."];
        let times = if few.iter().any(|few| place.starts_with(few)) { 1 } else { times };
        self.tell(&format!("at {place}"));
        if let Some(instance) = self.world.instances.get_mut(at) {
            instance.restart(Some(&format!("{place}@{times}"))).await?;
        }
        let deadline = Instant::now() + LIMIT;
        self.bring_about(place, rng).await?;
        loop {
            let Some(instance) = self.world.instances.get_mut(at) else { return Ok(()) };
            if instance.ends_within(Duration::from_millis(250)).await {
                self.tell(&format!("died at {place}"));
                break;
            }
            if Instant::now() > deadline {
                break;
            }
            // A drain comes again and again only if somebody asks.
            self.ask_for_repairs().await;
        }
        match self.world.instances.get_mut(at) {
            Some(instance) => instance.restart(None).await,
            None => Ok(()),
        }
    }

    async fn bring_about(&mut self, place: &str, rng: &mut Rng) -> Result<()> {
        let rooms = ["park.", "drain.", "repayment."];
        if rooms.iter().any(|room| place.starts_with(room)) {
            self.strangers.come(BEHIND).await?;
        }
        if place.starts_with("generation.") {
            self.ask_for_a_rebuild(rng).await;
        }
        if place.starts_with("reset.") {
            self.ask_for_a_reset(rng).await;
        }
        Ok(())
    }

    /// Stops an instance at the moment at which it has handled something that waited.
    pub(super) async fn pause_in_drain(&mut self, rng: &mut Rng) -> Result<()> {
        self.tell("pause-in-drain");
        let at = self.any_instance(rng);
        let place = format!("drain.handled@{}=stop", rng.u32(2..6));
        // Alone, so that what it drains is surely its own.
        for (other, instance) in self.world.instances.iter_mut().enumerate() {
            let place = Some(place.as_str()).filter(|_| other == at && fail_points::ENABLED);
            instance.restart(place).await?;
        }
        self.strangers.come(2 * BEHIND).await?;
        let deadline = Instant::now() + LIMIT;
        loop {
            self.ask_for_repairs().await;
            let Some(instance) = self.world.instances.get_mut(at) else { return Ok(()) };
            if instance.stands() {
                self.tell("stopped in a drain");
                break;
            }
            if Instant::now() > deadline || !fail_points::ENABLED {
                instance.signal(Signal::STOP)?;
                break;
            }
            sleep(LOOK).await;
        }
        sleep(PAUSE).await;
        let Some(instance) = self.world.instances.get(at) else { return Ok(()) };
        instance.signal(Signal::CONT)
    }
}
