//! All aggregates and all policies in one memory: what happens until nothing follows any more.
//! Each policy has its own place in the history of each aggregate, as its lanes do in the service.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    design::Design, mail::Mail, onboarding::Onboarding, person::Person, reservation::Reservation,
    stripe_event::StripeEvent,
};
use kit::{
    Actor, Aggregate, AggregateId, BadCommand, Command, CommandId, Context, DomainError, Event,
    EventSet, HOPS_MAX, Order, Policy, Reaction, Recorded, Refused, Timer, TimerKey,
    scenario::{noon, recorded, secret},
};
use policies::{
    ActivateOnOnboarding, AnnounceDesign, CertificationExpiry, ExpireOnboarding,
    ExpireVerification, OnboardingDriver, RecordStripePayments, RemindOfOnboarding,
    ReserveVerifiedEmail, SendVerification, SetAsideUnfitPayments, Welcome,
};

/// An event as bytes, which every policy reads for itself.
#[derive(Debug, Clone)]
struct Stored {
    record: Recorded<Vec<u8>>,
    kind: &'static str,
    version: u32,
    hops: u8,
}

trait Reacts {
    fn name(&self) -> &'static str;
    fn reads(&self, aggregate: &str) -> bool;
    fn react(&self, event: &Stored) -> Vec<Reaction>;
    fn on_refused(&self, event: &Stored, refused: &Refused) -> Vec<Order>;
}

impl<P: Policy> Reacts for P {
    fn name(&self) -> &'static str {
        P::NAME
    }
    fn reads(&self, aggregate: &str) -> bool {
        P::When::aggregates().contains(&aggregate)
    }
    fn react(&self, event: &Stored) -> Vec<Reaction> {
        Policy::react(self, &read::<P>(event)).unwrap()
    }
    fn on_refused(&self, event: &Stored, refused: &Refused) -> Vec<Order> {
        Policy::on_refused(self, &read::<P>(event), refused).unwrap()
    }
}

fn read<P: Policy>(event: &Stored) -> Recorded<P::When> {
    let (aggregate, kind) = (event.record.aggregate.clone(), event.kind);
    let typed = |data: Vec<u8>| P::When::read(&aggregate, kind, event.version, &data).unwrap();
    event.record.clone().map(typed)
}

const POLICIES: [&dyn Reacts; 12] = [
    &ActivateOnOnboarding,
    &OnboardingDriver,
    &ReserveVerifiedEmail,
    &SendVerification,
    &Welcome,
    &ExpireVerification,
    &ExpireOnboarding,
    &RemindOfOnboarding,
    &CertificationExpiry,
    &RecordStripePayments,
    &SetAsideUnfitPayments,
    &AnnounceDesign,
];

/// The aggregate whose events set a timer, and the timer's name.
type TimerOf = (String, AggregateId, String);

/// A policy, and the aggregate whose history it goes through.
type Lane = (&'static str, &'static str, AggregateId);

/// One memory.
#[derive(Default)]
pub(crate) struct World {
    log: BTreeMap<(&'static str, AggregateId), Vec<Stored>>,
    places: BTreeMap<Lane, usize>,
    timers: BTreeMap<TimerOf, Timer>,
    passed: TimeDelta,
    commands: usize,
    /// The refusals that policies got, in order.
    pub(crate) refusals: Vec<String>,
}

impl World {
    /// The state of one aggregate.
    pub(crate) fn state<A: Aggregate>(&self, id: &AggregateId) -> A {
        let mut state = A::default();
        for stored in self.log.get(&(A::TYPE, id.clone())).into_iter().flatten() {
            let data = &stored.record.event;
            state.evolve(&A::Event::read(A::TYPE, stored.kind, stored.version, data).unwrap());
        }
        state
    }

    /// The aggregates of one type that exist.
    pub(crate) fn ids<A: Aggregate>(&self) -> Vec<AggregateId> {
        let here = self.log.iter().filter(|((of, _), events)| *of == A::TYPE && !events.is_empty());
        here.map(|((_, id), _)| id.clone()).collect()
    }

    /// Most policies that followed one another.
    pub(crate) fn hops(&self) -> u8 {
        self.log.values().flatten().map(|stored| stored.hops).max().unwrap_or_default()
    }

    /// Asks from outside, and expects it to be accepted.
    #[track_caller]
    pub(crate) fn send<A: Aggregate>(&mut self, id: &AggregateId, command: impl Into<A::Command>) {
        let order = Order::to::<A>(id, command).unwrap();
        assert_eq!(self.execute(&order, 0), Ok(()), "{order:?}");
    }

    /// Lets one policy take one event, which `choose` picks by number. False if nothing waits.
    pub(crate) fn step(&mut self, choose: impl FnOnce(usize) -> usize) -> bool {
        let mut waiting = Vec::new();
        for policy in POLICIES {
            for ((aggregate, id), events) in &self.log {
                let lane = (policy.name(), *aggregate, id.clone());
                let next = self.places.get(&lane).copied().unwrap_or_default();
                if policy.reads(aggregate) && next < events.len() {
                    waiting.push((policy, lane, events[next].clone()));
                }
            }
        }
        if waiting.is_empty() {
            return false;
        }
        let (policy, lane, event) = waiting.swap_remove(choose(waiting.len()) % waiting.len());
        *self.places.entry(lane).or_default() += 1;
        self.run(policy, &event);
        true
    }

    /// Lets the policies run until nothing follows any more.
    pub(crate) fn settle(&mut self) {
        while self.step(|_| 0) {}
    }

    /// Lets time pass, and every timer fire when its time has come. Those that are left are set
    /// for later.
    pub(crate) fn pass(&mut self, time: TimeDelta) {
        let end = self.now() + time;
        self.settle();
        while let Some((key, timer)) = self.next_timer().filter(|(_, timer)| timer.at <= end) {
            self.passed = self.passed.max(timer.at - noon());
            self.timers.remove(&key);
            if let Err(code) = self.execute(&timer.order, 1) {
                self.refusals.push(format!("{}: {code}", timer.order.name));
            }
            self.settle();
        }
        self.passed = end - noon();
    }

    /// How many timers wait.
    pub(crate) fn timers(&self) -> usize {
        self.timers.len()
    }

    fn next_timer(&self) -> Option<(TimerOf, Timer)> {
        let next = self.timers.iter().min_by_key(|(_, timer)| timer.at);
        next.map(|(key, timer)| (key.clone(), timer.clone()))
    }

    fn now(&self) -> DateTime<Utc> {
        noon() + self.passed
    }

    fn run(&mut self, policy: &dyn Reacts, event: &Stored) {
        let hops = event.hops + 1;
        assert!(hops <= HOPS_MAX, "{} goes round in circles at {event:?}", policy.name());
        let timer = |key: &TimerKey| {
            let Recorded { aggregate, aggregate_id, .. } = &event.record;
            (aggregate.clone(), aggregate_id.clone(), key.to_string())
        };
        for reaction in policy.react(event) {
            let order = match reaction {
                Reaction::Order(order) => order,
                Reaction::Set(set) => {
                    self.timers.insert(timer(&set.key), set);
                    continue;
                }
                Reaction::Cancel(key) => {
                    self.timers.remove(&timer(&key));
                    continue;
                }
            };
            let Err(code) = self.execute(&order, hops) else { continue };
            self.refusals.push(format!("{}: {code}", order.name));
            let refused = Refused { order, code, detail: String::new() };
            for answer in policy.on_refused(event, &refused) {
                assert_eq!(self.execute(&answer, hops), Ok(()), "{answer:?}");
            }
        }
    }

    fn execute(&mut self, order: &Order, hops: u8) -> Result<(), String> {
        match order.aggregate {
            Person::TYPE => self.decide::<Person>(order, hops),
            Onboarding::TYPE => self.decide::<Onboarding>(order, hops),
            Mail::TYPE => self.decide::<Mail>(order, hops),
            Reservation::TYPE => self.decide::<Reservation>(order, hops),
            Design::TYPE => self.decide::<Design>(order, hops),
            StripeEvent::TYPE => self.decide::<StripeEvent>(order, hops),
            other => panic!("{other} is not an aggregate"),
        }
    }

    fn decide<A: Aggregate>(&mut self, order: &Order, hops: u8) -> Result<(), String> {
        self.commands += 1;
        let bad = |bad: BadCommand| bad.to_string();
        let command = A::Command::read(order.name, order.body.as_bytes()).map_err(bad)?;
        let command_id: CommandId = format!("command-{}", self.commands).parse().unwrap();
        let context = Context::new(self.now(), Actor::default(), command_id, secret());
        let context = context.about(order.id.clone());
        let decided = self.state::<A>(&order.id).decide(&command, &context);
        let events = decided.map_err(|error| error.code().to_owned())?;
        let history = self.log.entry((A::TYPE, order.id.clone())).or_default();
        for event in events {
            let (kind, data) = (event.kind(), event.data().unwrap());
            let record = recorded(&order.id, history.len() as u64 + 1, event).map(|_| data);
            history.push(Stored { record, kind: kind.name, version: kind.version, hops });
        }
        Ok(())
    }
}
