//! Whoever completes onboarding takes part.
//! Not here: what a suspended person's activation is answered with.

use domain::{
    onboarding::OnboardingEvent,
    person::{Activate, Person},
};
use kit::{Order, Policy, Reaction, Recorded};

/// Whenever an onboarding is completed, its person is activated.
#[derive(Debug, Clone, Copy)]
pub struct ActivateOnOnboarding;

impl Policy for ActivateOnOnboarding {
    const NAME: &'static str = "activate-on-onboarding";
    type When = OnboardingEvent;

    fn react(&self, event: &Recorded<OnboardingEvent>) -> serde_json::Result<Vec<Reaction>> {
        match &event.event {
            OnboardingEvent::OnboardingCompleted(_) => {
                Ok(vec![Order::to::<Person>(&event.aggregate_id, Activate {})?.into()])
            }
            _ => Ok(Vec::new()),
        }
    }
}
