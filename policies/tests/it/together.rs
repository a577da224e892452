//! What the policies make of it together.

use chrono::TimeDelta;
use domain::{
    mail::{Mail, Template},
    onboarding::Onboarding,
    person::{
        AddContact, CONTACT_VERIFICATION, ClaimSkill, ConfirmContact, CreatePerson, LifecycleStage,
        Person, Reactivate, RemoveContact, RequestContactVerification, SkillLevel, Suspend,
        Verification, verification_code,
    },
    reservation::Reservation,
};
use kit::{
    AggregateId, PartId,
    scenario::{id, secret},
};
use proptest::prelude::*;
use serde_json::json;

use crate::world::World;

/// What people do, in the order in which they do it.
const STEPS: [fn(&mut World, &AggregateId); 5] = [create, add_email, request, confirm, claim_skill];

fn create(world: &mut World, person: &AggregateId) {
    let body = json!({ "name": { "given": ["Ada"] }, "source": "api" });
    world.send::<Person>(person, serde_json::from_value::<CreatePerson>(body).unwrap());
}

fn add_email(world: &mut World, person: &AggregateId) {
    let body = json!({ "contact_id": "mail", "kind": "email", "value": "ada@example.org" });
    world.send::<Person>(person, serde_json::from_value::<AddContact>(body).unwrap());
}

fn request(world: &mut World, person: &AggregateId) {
    let command = RequestContactVerification { contact_id: mail(), resend: false };
    world.send::<Person>(person, command);
}

/// Reads the code as the person would in the mail.
fn confirm(world: &mut World, person: &AggregateId) {
    let contact = world.state::<Person>(person).contacts.all[&mail()].clone();
    let Verification::Pending { challenge_id, .. } = contact.verification else {
        panic!("nothing to confirm: {contact:?}");
    };
    let digest = secret().digest(CONTACT_VERIFICATION, challenge_id.as_str().as_bytes());
    let code = verification_code(digest);
    world.send::<Person>(person, ConfirmContact { contact_id: mail(), challenge_id, code });
}

fn claim_skill(world: &mut World, person: &AggregateId) {
    let (name, level) = ("Analysis".parse().unwrap(), SkillLevel::Expert);
    world.send::<Person>(person, ClaimSkill { skill_id: None, name, level });
}

fn mail() -> PartId {
    "mail".parse().unwrap()
}

fn stage(world: &World, person: &AggregateId) -> LifecycleStage {
    world.state::<Person>(person).stage()
}

fn templates(world: &World) -> Vec<Template> {
    let letter = |id| world.state::<Mail>(id).letter().unwrap().template();
    world.ids::<Mail>().iter().map(letter).collect()
}

/// A person who did everything, and whose events were taken whenever `schedule` says.
fn onboarded(schedule: impl IntoIterator<Item = usize>) -> World {
    let (mut world, ada) = (World::default(), id("ada"));
    let mut schedule = schedule.into_iter();
    for step in STEPS {
        step(&mut world, &ada);
        for _ in 0..schedule.next().unwrap_or_default() % 4 {
            let choice = schedule.next().unwrap_or_default();
            world.step(|_| choice);
        }
    }
    while world.step(|_| schedule.next().unwrap_or_default()) {}
    world
}

#[test]
fn a_person_who_does_everything_is_verified_onboarded_activated_and_welcomed() {
    let (world, ada) = (onboarded([]), id("ada"));
    assert_eq!(stage(&world, &ada), LifecycleStage::Active);
    assert_eq!(world.state::<Onboarding>(&ada), Onboarding::Completed { contact: mail() });
    assert_eq!(templates(&world), [Template::VerifyContact, Template::Welcome]);
    assert_eq!(world.ids::<Reservation>().len(), 1);
    assert_eq!(world.refusals, [""; 0]);
    // Confirmed, reserved, noted, completed, activated.
    assert_eq!(world.hops(), 4);
}

#[test]
fn whoever_does_not_go_on_is_reminded_and_onboarding_expires_with_the_code() {
    let (mut world, ada) = (World::default(), id("ada"));
    for step in &STEPS[..3] {
        step(&mut world, &ada);
    }
    world.pass(TimeDelta::days(60));
    let contact = &world.state::<Person>(&ada).contacts.all[&mail()];
    assert_eq!(contact.verification, Verification::Unverified);
    let onboarding = world.state::<Onboarding>(&ada);
    let Onboarding::Expired(progress) = &onboarding else { panic!("{onboarding:?}") };
    assert_eq!(progress.reminders, 3);
    assert_eq!((world.timers(), world.refusals.as_slice()), (0, &[][..]));
}

#[test]
fn whoever_has_done_everything_leaves_no_timer_behind() {
    assert_eq!(onboarded([]).timers(), 0);
}

#[test]
fn whoever_verifies_a_taken_address_has_to_verify_another() {
    let (mut world, bob) = (onboarded([]), id("bob"));
    for step in [create, add_email, request, confirm] {
        step(&mut world, &bob);
        world.settle();
    }
    let contact = world.state::<Person>(&bob).contacts.all[&mail()].clone();
    assert!(!contact.is_verified());
    assert!(matches!(world.state::<Onboarding>(&bob), Onboarding::EmailAdded(_)));
    assert_eq!(stage(&world, &bob), LifecycleStage::Provisional);
    assert_eq!(world.refusals, ["reserve: contact-taken"]);
}

#[test]
fn an_address_that_is_removed_can_be_verified_by_another_person() {
    let (mut world, ada, bob) = (onboarded([]), id("ada"), id("bob"));
    world.send::<Person>(&ada, RemoveContact { contact_id: mail(), forced: true });
    world.settle();
    for step in STEPS {
        step(&mut world, &bob);
        world.settle();
    }
    assert_eq!(stage(&world, &bob), LifecycleStage::Active);
    assert_eq!(world.refusals, [""; 0]);
}

#[test]
fn a_person_from_a_trusted_source_is_not_onboarded() {
    let (mut world, eve) = (World::default(), id("eve"));
    let body = json!({ "name": { "given": ["Eve"] }, "source": "hr" });
    world.send::<Person>(&eve, serde_json::from_value::<CreatePerson>(body).unwrap());
    world.settle();
    assert!(world.ids::<Onboarding>().is_empty());
}

proptest! {
    #[test]
    fn a_person_who_is_suspended_meanwhile_takes_part_as_soon_as_the_suspension_ends(
        schedule in proptest::collection::vec(any::<usize>(), 0..100),
        taken in 0..60_usize,
    ) {
        let (mut world, ada, reason) = (World::default(), id("ada"), || "fees".parse().unwrap());
        let mut schedule = schedule.into_iter();
        for step in STEPS {
            step(&mut world, &ada);
        }
        world.send::<Person>(&ada, Suspend { reason: reason() });
        for _ in 0..taken {
            let choice = schedule.next().unwrap_or_default();
            world.step(|_| choice);
        }
        prop_assert_eq!(stage(&world, &ada), LifecycleStage::Suspended);
        world.send::<Person>(&ada, Reactivate { reason: reason() });
        while world.step(|_| schedule.next().unwrap_or_default()) {}
        prop_assert_eq!(stage(&world, &ada), LifecycleStage::Active);
    }

    #[test]
    fn nobody_is_activated_or_welcomed_at_a_taken_address_in_whatever_order(
        schedule in proptest::collection::vec(any::<usize>(), 0..100),
    ) {
        let (mut world, bob) = (onboarded([]), id("bob"));
        let mails = world.ids::<Mail>().len();
        for step in [create, add_email, claim_skill, request, confirm] {
            step(&mut world, &bob);
        }
        let mut schedule = schedule.into_iter();
        while world.step(|_| schedule.next().unwrap_or_default()) {}
        prop_assert_eq!(stage(&world, &bob), LifecycleStage::Provisional);
        let is_back = matches!(world.state::<Onboarding>(&bob), Onboarding::EmailAdded(_));
        prop_assert!(is_back);
        prop_assert_eq!(world.ids::<Mail>().len(), mails + 1);
    }

    #[test]
    fn the_end_is_the_same_in_whatever_order_the_policies_come_to_run(
        schedule in proptest::collection::vec(any::<usize>(), 0..200),
    ) {
        let (world, straight, ada) = (onboarded(schedule), onboarded([]), id("ada"));
        prop_assert_eq!(stage(&world, &ada), LifecycleStage::Active);
        prop_assert_eq!(
            world.state::<Onboarding>(&ada),
            straight.state::<Onboarding>(&ada)
        );
        prop_assert_eq!(templates(&world), templates(&straight));
        prop_assert_eq!(world.ids::<Reservation>(), straight.ids::<Reservation>());
        prop_assert_eq!(&world.refusals, &Vec::<String>::new());
    }
}
