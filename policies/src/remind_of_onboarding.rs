//! Whoever does not go on with onboarding is reminded, a few times.
//! Not here: how often, and when; onboarding says when the next reminder is due.

use domain::onboarding::{Onboarding, OnboardingEvent, Remind};
use kit::{Order, Policy, Reaction, Recorded, Start, TimerKey};

/// Whenever an onboarding names the time of its next reminder, it is to be reminded then; whenever
/// it ends or has been reminded for the last time, it is not.
#[derive(Debug, Clone, Copy)]
pub struct RemindOfOnboarding;

impl Policy for RemindOfOnboarding {
    const NAME: &'static str = "remind-of-onboarding";
    // What started before there was this policy is reminded of, too.
    const START: Start = Start::Beginning;
    type When = OnboardingEvent;

    fn react(&self, event: &Recorded<OnboardingEvent>) -> serde_json::Result<Vec<Reaction>> {
        use OnboardingEvent as E;
        let timer = TimerKey::from("remind");
        let next = match &event.event {
            E::OnboardingStarted(e) => Some(e.remind_at),
            E::OnboardingReopened(e) => Some(e.remind_at),
            E::OnboardingReminded(e) => e.remind_at,
            E::OnboardingCompleted(_) | E::OnboardingCancelled(_) | E::OnboardingExpired(_) => None,
            _ => return Ok(Vec::new()),
        };
        let Some(next) = next else { return Ok(vec![timer.cancel()]) };
        let order = Order::to::<Onboarding>(&event.aggregate_id, Remind {})?;
        Ok(vec![timer.set(next, order)])
    }
}
