//! The faults of one run, one after the other, while callers go on. Not here: what they may change,
//! which is nothing.

mod asked;
mod places;
mod room;
mod rounds;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use async_nats::jetstream::{self, stream::Config};
use fastrand::Rng;
use infrastructure::{
    fail_points,
    readmodel::{StoreLocation, hold_writes},
};
use nats::names;
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use self::rounds::Rounds;
use super::{
    Progress,
    callers::Tally,
    mail_sink::Mood,
    plan::{Fault, Plan},
    strangers::Strangers,
    world::World,
};
use crate::contexts;

/// Longer than a lease lives.
const PAUSE: Duration = Duration::from_secs(8);
/// Longer than a writer waits for a lock.
const HELD: Duration = Duration::from_secs(6);
/// How long something is waited for that is to happen under load.
const LIMIT: Duration = Duration::from_secs(20);
/// The wait between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// Commits that wait behind an event that cannot be read.
const BEHIND: usize = 12;
/// What a mail server does to the service, in words.
const MOODS: [(Mood, &str); 4] = [
    (Mood::Hangs, "mail hangs"),
    (Mood::Cuts, "mail is cut"),
    (Mood::Away, "mail is away"),
    (Mood::Late(Duration::from_millis(300)), "mail is slow"),
];

/// The faults of one run.
pub(super) struct Strikes<'a> {
    plan: &'a Plan,
    world: World,
    strangers: Strangers,
    tally: Arc<Tally>,
    say: &'a (dyn Fn(&Progress) + Sync),
    rng: Rng,
    places: Vec<&'static str>,
    streams: Rounds<Config>,
    moods: Rounds<(Mood, &'static str)>,
    counts: BTreeMap<String, u32>,
}

impl<'a> Strikes<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        (world, strangers): (World, Strangers),
        tally: Arc<Tally>,
        say: &'a (dyn Fn(&Progress) + Sync),
    ) -> Self {
        let mut rng = Rng::with_seed(plan.seed);
        let mut places = plan.places.clone();
        rng.shuffle(&mut places);
        // Of its own, so that what a seed brings does not change with what there is to go round.
        let mut order = Rng::with_seed(!plan.seed);
        let (streams, moods) = (room::streams(&mut order), Rounds::new(MOODS.to_vec(), &mut order));
        let counts = BTreeMap::new();
        Self { plan, world, strangers, tally, say, rng, places, streams, moods, counts }
    }

    /// What is left when all is over.
    pub(super) fn over(self) -> (World, Strangers, BTreeMap<String, u32>) {
        (self.world, self.strangers, self.counts)
    }

    pub(super) async fn all(&mut self) -> Result<()> {
        for number in 0..self.plan.strikes {
            // Each gets numbers of its own: how one goes must not change the next one.
            let mut rng = self.rng.fork();
            let quiet = rng.u64(20..120);
            self.work_goes_on(quiet).await;
            let fault = self.next(number, &mut rng);
            self.strike(fault, &mut rng)
                .await
                .with_context(|| format!("while {fault:?} struck"))?;
        }
        self.work_goes_on(20).await;
        Ok(())
    }

    /// Each kind in turn, in an order of the seed's.
    fn next(&self, number: usize, rng: &mut Rng) -> Fault {
        let faults = &self.plan.faults;
        let places = fail_points::ENABLED;
        let usable: Vec<_> = faults.iter().filter(|it| places || **it != Fault::Place).collect();
        let turn = Rng::with_seed(self.plan.seed).usize(..usable.len().max(1));
        let all = number < usable.len();
        let at = if all { number + turn } else { rng.usize(..usable.len().max(1)) };
        usable.get(at % usable.len().max(1)).map_or(Fault::Kill, |fault| **fault)
    }

    /// Waits for so many answered commands.
    async fn work_goes_on(&self, answers: u64) {
        let until = self.tally.answered() + answers;
        let _ = within(LIMIT, async || self.tally.answered() >= until).await;
    }

    fn tell(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
        let doing = what.to_owned();
        let answered = self.tally.answered();
        (self.say)(&Progress { seed: self.plan.seed, doing, answered });
    }

    async fn strike(&mut self, fault: Fault, rng: &mut Rng) -> Result<()> {
        match fault {
            Fault::Kill => self.kill(rng).await,
            Fault::Place => self.place(rng).await,
            Fault::Pause => self.pause(rng).await,
            Fault::PauseInDrain => self.pause_in_drain(rng).await,
            Fault::Broker => self.broker().await,
            Fault::Poison => self.poison().await,
            Fault::Redeliver => self.redeliver(rng).await,
            Fault::Mail => self.mail(rng).await,
            Fault::Full => self.full().await,
            Fault::FullStream => self.full_stream(rng).await,
            Fault::Database => self.database().await,
            Fault::Rebuild => self.rebuild(rng).await,
        }
    }

    fn any_instance(&self, rng: &mut Rng) -> usize {
        rng.usize(..self.world.instances.len().max(1))
    }

    async fn kill(&mut self, rng: &mut Rng) -> Result<()> {
        self.tell("kill");
        let at = self.any_instance(rng);
        let down = Duration::from_millis(rng.u64(..500));
        let Some(instance) = self.world.instances.get_mut(at) else { return Ok(()) };
        instance.kill().await?;
        sleep(down).await;
        instance.restart(None).await
    }

    async fn pause(&mut self, rng: &mut Rng) -> Result<()> {
        self.tell("pause");
        let at = self.any_instance(rng);
        let Some(instance) = self.world.instances.get(at) else { return Ok(()) };
        instance.signal(Signal::STOP)?;
        sleep(PAUSE).await;
        instance.signal(Signal::CONT)
    }

    async fn broker(&mut self) -> Result<()> {
        self.tell("broker");
        self.world.restart_broker(None).await
    }

    async fn poison(&mut self) -> Result<()> {
        self.tell("poison");
        self.strangers.come(BEHIND).await?;
        self.work_goes_on(40).await;
        self.ask_for_repairs().await;
        Ok(())
    }

    /// Puts one policy's or effect's checkpoint back to the beginning while nobody has it.
    async fn redeliver(&mut self, rng: &mut Rng) -> Result<()> {
        self.tell("redeliver");
        for instance in &mut self.world.instances {
            instance.kill().await?;
        }
        let context = jetstream::new(self.world.connection.clone());
        let bucket = context.get_key_value(names::CHECKPOINTS).await?;
        let handlers = contexts::composition().handlers();
        let policies: Vec<_> = handlers.iter().map(|it| it.name).chain(["deliver-mail"]).collect();
        let start = rng.usize(..policies.len().max(1));
        for name in policies.iter().cycle().skip(start).take(policies.len()) {
            let Some(bytes) = bucket.get(*name).await? else { continue };
            let mut checkpoint: Value = serde_json::from_slice(&bytes)?;
            if let Some(position) = checkpoint.get_mut("position") {
                *position = 0.into();
                bucket.put(*name, serde_json::to_vec(&checkpoint)?.into()).await?;
                break;
            }
        }
        for instance in &mut self.world.instances {
            instance.restart(None).await?;
        }
        Ok(())
    }

    async fn mail(&mut self, rng: &mut Rng) -> Result<()> {
        let Some((mood, name)) = self.moods.next() else { return Ok(()) };
        self.tell(name);
        self.world.sink.set(mood);
        self.work_goes_on(rng.u64(40..160)).await;
        self.world.sink.set(Mood::Takes);
        Ok(())
    }

    async fn database(&mut self) -> Result<()> {
        self.tell("database");
        let store: StoreLocation = self.world.store.parse()?;
        let held = hold_writes(&store).await?;
        sleep(HELD).await;
        held.release().await;
        Ok(())
    }
}

/// Looks until something is so, or `limit` has passed.
pub(super) async fn within<F: Future<Output = bool>>(
    limit: Duration,
    is_so: impl Fn() -> F,
) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if is_so().await {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        sleep(LOOK).await;
    }
}
