//! What people ask the service for amid everything else: repairs, a rebuild, to go back.
//! Not here: whether it is done.

use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use infrastructure::{
    composition::HandlerKind,
    handler,
    problem::Problem,
    readmodel::{self, GenerationAction},
};
use kit::Position;
use tokio::time::sleep;

use super::Strikes;
use crate::contexts;

impl Strikes<'_> {
    /// In vain while the broker is away; whoever needs it asks again.
    pub(super) async fn ask_for_repairs(&mut self) {
        if let Err(error) = self.strangers.repair().await {
            tracing::debug!(%error, "nothing was asked for");
        }
    }

    pub(super) async fn rebuild(&mut self, rng: &mut Rng) -> Result<()> {
        self.tell("rebuild");
        self.ask_for_a_rebuild(rng).await;
        self.work_goes_on(40).await;
        Ok(())
    }

    /// A refusal says that one is under way, which is as good.
    pub(super) async fn ask_for_a_rebuild(&self, rng: &mut Rng) {
        let names = ["people", "directory", "timeline", "onboarding-board"];
        let Some(name) = rng.choice(names) else { return };
        let client = &self.world.connection;
        let actions = [
            GenerationAction::Drop { generation: None },
            GenerationAction::Rebuild { accept: false },
        ];
        for action in actions {
            let asked = readmodel::request_generation(client, name, action, "soak").await;
            if let Err(error) = asked {
                tracing::debug!(%error, "no rebuild was asked for");
            }
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// Has every policy go back a little; one that is asked already goes back once.
    pub(super) async fn ask_for_a_reset(&self, rng: &mut Rng) {
        let back = rng.u64(1..200);
        for handler in contexts::composition().handlers() {
            if handler.kind == HandlerKind::Projection {
                continue;
            }
            if let Err(error) = self.ask_back(handler.name, back).await {
                tracing::debug!(%error, "a handler was not asked to go back");
            }
        }
    }

    async fn ask_back(&self, handler: &str, back: u64) -> Result<(), Problem> {
        let client = &self.world.connection;
        let stands = handler::standpoint(client, handler).await?;
        let from = Position(stands.checkpoint.0.saturating_sub(back)).max(stands.since.next());
        if !stands.is_past(from)? {
            return Ok(());
        }
        stands.ask(client, from, ("soak", "to see what becomes of it"), None).await.map(drop)
    }
}
