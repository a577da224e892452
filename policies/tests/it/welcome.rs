//! Whoever completes onboarding is welcomed once.

use domain::{
    mail::{Letter, Mail, RequestMail},
    onboarding::{OnboardingCompleted, OnboardingEvent, OnboardingSkillsAdded},
};
use kit::{
    Policy, Reaction,
    scenario::{id, recorded},
};
use policies::Welcome;

use crate::sentence::{happened, order, whenever};

fn completed() -> OnboardingEvent {
    OnboardingCompleted { contact: "mail".parse().unwrap() }.into()
}

#[test]
fn a_completed_onboarding_is_welcomed_at_the_verified_contact() {
    let letter = Letter::Welcome { person: id("ada"), contact: "mail".parse().unwrap() };
    let event = happened::<OnboardingEvent, _>(completed());
    whenever(&Welcome, &event, [order::<Mail>("welcome-ada", RequestMail(letter))]);
}

#[test]
fn nobody_is_welcomed_before() {
    whenever(&Welcome, &happened::<OnboardingEvent, _>(OnboardingSkillsAdded {}), []);
}

#[test]
fn a_person_with_the_longest_id_is_welcomed_under_an_id_of_their_own() {
    let mail_of = |person: String| {
        let event = recorded(&person.parse().unwrap(), 3, completed());
        let Reaction::Order(order) = Welcome.react(&event).unwrap().remove(0) else {
            panic!("a welcome is an order");
        };
        order.id
    };
    let (ada, bob) = (mail_of("a".repeat(128)), mail_of("b".repeat(128)));
    assert_ne!(ada, bob);
    assert_eq!(ada, mail_of("a".repeat(128)));
}
