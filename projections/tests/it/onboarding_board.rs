//! How far everybody's onboarding is.

use domain::onboarding::{Onboarding, OnboardingEvent, examples};
use kit::{Machine, Projection, scenario::fold};
use projections::{
    OnboardingBoard,
    onboarding_board::{BoardEntry, BoardState},
};
use proptest::prelude::*;

use crate::history::{ada, any_onboarding};

fn started() -> OnboardingEvent {
    examples::events().remove(0)
}

#[test]
fn a_card_shows_the_state_the_deadline_and_the_email() {
    let email = OnboardingEvent::OnboardingEmailAdded(domain::onboarding::OnboardingEmailAdded {
        contact: examples::contact(),
    });
    let card = ada::<OnboardingBoard>(&[started(), email]);
    assert_eq!((card.person.as_str(), card.state), ("ada", BoardState::EmailAdded));
    assert_eq!(card.contact, Some(examples::contact()));
    assert_eq!(OnboardingBoard::order(&card), "2026-01-16T03:04:05Z");
    let terms = OnboardingBoard::terms(&card);
    assert_eq!((terms[0].field, terms[0].value.as_str()), ("state", "email-added"));
}

/// The stage's name as the board spells it.
fn kebab(stage: &str) -> String {
    let mut text = String::new();
    for letter in stage.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

proptest! {
    #[test]
    fn the_board_and_the_aggregate_agree_on_any_history(history in any_onboarding()) {
        let (card, onboarding) = (ada::<OnboardingBoard>(&history), fold::<Onboarding>(&history));
        let stage: &str = onboarding.stage().into();
        prop_assert_eq!(card.state.as_str(), kebab(stage));
        if let Some(progress) = onboarding.progress() {
            prop_assert_eq!(card.deadline, Some(progress.deadline));
            prop_assert_eq!(card.reminders, progress.reminders);
        }
        let json = serde_json::to_value(&card).unwrap();
        prop_assert_eq!(serde_json::from_value::<BoardEntry>(json).unwrap(), card);
    }
}
