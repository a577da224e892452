//! An onboarding has a deadline.
//! Not here: how long it may take; the start says until when.

use domain::onboarding::{Expire, Onboarding, OnboardingEvent};
use kit::{Order, Policy, Reaction, Recorded, Start, TimerKey};

/// Whenever an onboarding starts or is reopened, it is to expire at its deadline; whenever it ends
/// before, it is not.
#[derive(Debug, Clone, Copy)]
pub struct ExpireOnboarding;

impl Policy for ExpireOnboarding {
    const NAME: &'static str = "expire-onboarding";
    // What started before there was this policy has a deadline, too.
    const START: Start = Start::Beginning;
    type When = OnboardingEvent;

    fn react(&self, event: &Recorded<OnboardingEvent>) -> serde_json::Result<Vec<Reaction>> {
        use OnboardingEvent as E;
        let timer = TimerKey::from("expire");
        let deadline = match &event.event {
            E::OnboardingStarted(e) => e.deadline,
            E::OnboardingReopened(e) => e.deadline,
            E::OnboardingCompleted(_) | E::OnboardingCancelled(_) => {
                return Ok(vec![timer.cancel()]);
            }
            _ => return Ok(Vec::new()),
        };
        let order = Order::to::<Onboarding>(&event.aggregate_id, Expire {})?;
        Ok(vec![timer.set(deadline, order)])
    }
}
