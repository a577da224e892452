//! A service under faults, and whether it kept its promises.
//!
//! A throw-away broker, instances of this very program as processes, callers with seeded commands,
//! seeded faults, and then a [`check`] of everything that is left behind.
//!
//! The same seed gives the same commands and the same faults in the same order; when exactly each
//! comes is the machine's. Not here: the command line; `commands/soak` has that.

mod callers;
pub mod check;
pub mod evidence;
mod instance;
mod mail_sink;
mod plan;
mod rest;
mod strangers;
mod strikes;
mod traffic;
mod world;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, bail};
use serde::Serialize;

use self::{
    callers::Callers,
    check::{Summary, Violation},
    evidence::Evidence,
    strangers::Strangers,
    strikes::Strikes,
    world::World,
};
pub use self::{
    plan::{Fault, Plan},
    world::SECRET,
};

/// How often the log may go on while everything is read.
const READINGS_MAX: u32 = 20;

/// How one run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What was kept, or the first promise that was not.
    pub verdict: Result<Summary, Violation>,
    /// What was left behind.
    pub evidence: Evidence,
    /// What happened to the service and how often.
    pub strikes: BTreeMap<String, u32>,
    /// Why attempts failed for the moment, and how often.
    pub transient: BTreeMap<String, u64>,
}

/// What is said while a run goes on.
#[derive(Debug, Clone, Serialize)]
pub struct Progress {
    /// The run's seed.
    pub seed: u64,
    /// What has just been done.
    pub doing: String,
    /// Commands answered so far.
    pub answered: u64,
}

/// Runs `plan` to its end and checks what is left. What is said on the way goes to `say`.
///
/// # Errors
/// If the run itself cannot be carried out: a process does not start, the broker does not come
/// back. That is no verdict about the promises.
pub async fn run(plan: &Plan, say: &(dyn Fn(&Progress) + Sync)) -> Result<Outcome> {
    let world = World::start(plan).await?;
    let callers = Callers::start(plan, &world);
    let counted = Arc::clone(&callers.tally);
    let strangers = Strangers::open(&world.connection, plan.seed).await?;
    let mut strikes = Strikes::new(plan, (world, strangers), Arc::clone(&counted), say);
    strikes.all().await?;
    let (said, transient) = callers.stop().await;
    let (mut world, mut strangers, counts) = strikes.over();
    let (seed, answered) = (plan.seed, counted.answered());
    let word = |doing: &str| say(&Progress { seed, doing: doing.to_owned(), answered });
    let (rested, evidence) = 'still: {
        for _ in 0..READINGS_MAX {
            let rested = rest::until_quiet(&mut world, &mut strangers, &word).await?;
            let before = world.end_of_log().await?;
            let evidence = evidence::gather(&world, said.clone(), strangers.written()).await?;
            // A timer whose time comes while everything is read makes the log go on, and what was
            // read does not fit together.
            if rested.is_some() || world.end_of_log().await? == before {
                break 'still (rested, evidence);
            }
        }
        bail!("the log goes on and on");
    };
    let verdict = match rested {
        Some(violation) => Err(violation),
        None => check::verdict(&evidence, &world.secret),
    };
    world.stop().await?;
    Ok(Outcome { verdict, evidence, strikes: counts, transient })
}
