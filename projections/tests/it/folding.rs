//! The same log gives the same documents: twice, after a restart in the middle, and in cqrs-es.

use cqrs_es::{Aggregate, View};
use domain::{onboarding::Onboarding, person::Person};
use kit::{Projection, Recorded};
use projections::{Directory, OnboardingBoard, People, Timeline};
use proptest::prelude::*;

use crate::history::{any_onboarding, any_person, documents, log};

/// Folds the log in two parts, the documents stored as JSON in between.
fn agrees_after_a_restart<P: Projection>(log: &[Recorded<P::When>], at: usize) {
    let whole = documents::<P>(log);
    assert_eq!(whole, documents::<P>(log));
    let (before, after) = log.split_at(at.min(log.len()));
    let mut parts = documents::<P>(before);
    for document in parts.values_mut() {
        let stored = serde_json::to_string(document).unwrap();
        *document = serde_json::from_str(&stored).unwrap();
    }
    for event in after {
        if let Some(key) = P::key(event) {
            P::fold(parts.entry(key).or_default(), event);
        }
    }
    assert_eq!(parts, whole);
}

/// The view of cqrs-es after the same events.
fn view<A: Aggregate, V: View<A>>(log: &[Recorded<A::Event>]) -> V {
    let mut view = V::default();
    for recorded in log {
        kit::update_view::<A>(&mut view, recorded);
    }
    view
}

proptest! {
    #[test]
    fn folding_is_the_same_twice_and_across_a_restart(
        person in any_person(), onboarding in any_onboarding(), at in 0..40_usize,
    ) {
        let person = log("ada", &person);
        agrees_after_a_restart::<People>(&person, at);
        agrees_after_a_restart::<Directory>(&person, at);
        agrees_after_a_restart::<Timeline>(&person, at);
        agrees_after_a_restart::<OnboardingBoard>(&log("ada", &onboarding), at);
    }

    #[test]
    fn a_view_of_cqrs_es_is_the_same_document(
        person in any_person(), onboarding in any_onboarding(),
    ) {
        let (person, onboarding) = (log("ada", &person), log("ada", &onboarding));
        prop_assert_eq!(&documents::<People>(&person)["ada"], &view::<Person, _>(&person));
        prop_assert_eq!(&documents::<Directory>(&person)["ada"], &view::<Person, _>(&person));
        prop_assert_eq!(
            &documents::<OnboardingBoard>(&onboarding)["ada"],
            &view::<Onboarding, _>(&onboarding)
        );
    }
}
