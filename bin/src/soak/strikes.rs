//! The faults of one run, one after the other, while callers go on. Not here: what they may change,
//! which is nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use async_nats::jetstream;
use fastrand::Rng;
use infrastructure::{
    fail_points,
    readmodel::{self, GenerationAction, StoreLocation, hold_writes},
};
use nats::names;
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::{Instant, sleep};

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
/// Room that is left when there is to be none: some hundred commits.
const ROOM: u64 = 256 * 1024;

/// The faults of one run.
pub(super) struct Strikes<'a> {
    plan: &'a Plan,
    world: World,
    strangers: Strangers,
    tally: Arc<Tally>,
    say: &'a (dyn Fn(&Progress) + Sync),
    rng: Rng,
    places: Vec<&'static str>,
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
        let counts = BTreeMap::new();
        Self { plan, world, strangers, tally, say, rng, places, counts }
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

    /// Lets an instance die at a named place, and brings about what leads there.
    async fn place(&mut self, rng: &mut Rng) -> Result<()> {
        let Some(place) = self.places.pop() else { return self.kill(rng).await };
        self.places.insert(0, place);
        let (at, times) = (self.any_instance(rng), rng.u32(1..3));
        let few = ["takeover.", "begin.", "generation.", "park.", "drain."];
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
        Ok(())
    }

    /// In vain while the broker is away; whoever needs it asks again.
    async fn ask_for_repairs(&mut self) {
        if let Err(error) = self.strangers.repair().await {
            tracing::debug!(%error, "nothing was asked for");
        }
    }

    async fn pause(&mut self, rng: &mut Rng) -> Result<()> {
        self.tell("pause");
        let at = self.any_instance(rng);
        let Some(instance) = self.world.instances.get(at) else { return Ok(()) };
        instance.signal(Signal::STOP)?;
        sleep(PAUSE).await;
        instance.signal(Signal::CONT)
    }

    /// Stops an instance at the moment at which it has handled something that waited.
    async fn pause_in_drain(&mut self, rng: &mut Rng) -> Result<()> {
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
        let (mood, name) = match rng.u8(..5) {
            0 => (Mood::Hangs, "mail hangs"),
            1 => (Mood::Cuts, "mail is cut"),
            2 => (Mood::Away, "mail is away"),
            _ => (Mood::Late(Duration::from_millis(300)), "mail is slow"),
        };
        self.tell(name);
        self.world.sink.set(mood);
        self.work_goes_on(rng.u64(40..160)).await;
        self.world.sink.set(Mood::Takes);
        Ok(())
    }

    /// Leaves nearly no room, until somebody is refused for it.
    async fn full(&mut self) -> Result<()> {
        self.tell("full");
        let stored = self.world.stored().await?;
        self.world.restart_broker(Some(stored + ROOM)).await?;
        let filled = || async { self.world.stored().await.unwrap_or(0) > stored + ROOM / 2 };
        let _ = within(LIMIT, filled).await;
        // What is on its way meets a full store now, and handlers do, too.
        sleep(Duration::from_secs(3)).await;
        self.world.restart_broker(None).await
    }

    async fn database(&mut self) -> Result<()> {
        self.tell("database");
        let store: StoreLocation = self.world.store.parse()?;
        let held = hold_writes(&store).await?;
        sleep(HELD).await;
        held.release().await;
        Ok(())
    }

    async fn rebuild(&mut self, rng: &mut Rng) -> Result<()> {
        self.tell("rebuild");
        self.ask_for_a_rebuild(rng).await;
        self.work_goes_on(40).await;
        Ok(())
    }

    /// A refusal says that one is under way, which is as good.
    async fn ask_for_a_rebuild(&self, rng: &mut Rng) {
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
