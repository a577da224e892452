//! A certificate counts until the day it ends.
//! Not here: what the skill is without it.

use domain::person::{ExpireCertification, Person, PersonEvent};
use kit::{Order, Policy, Reaction, Recorded, Start, TimerKey};

/// Whenever a skill is certified until some day, the certification is to expire when that day
/// begins (UTC); whenever it is renewed for good or its skill is removed, it is not.
#[derive(Debug, Clone, Copy)]
pub struct CertificationExpiry;

impl Policy for CertificationExpiry {
    const NAME: &'static str = "expire-certification";
    // What was certified before there was this policy is to expire, too.
    const START: Start = Start::Beginning;
    type When = PersonEvent;

    fn react(&self, event: &Recorded<PersonEvent>) -> serde_json::Result<Vec<Reaction>> {
        let (skill_id, expires) = match &event.event {
            PersonEvent::SkillCertified(e) => (&e.skill_id, e.expires),
            PersonEvent::SkillRemoved(e) => (&e.skill_id, None),
            _ => return Ok(Vec::new()),
        };
        let timer = TimerKey::of("expire-certification", skill_id);
        let Some(midnight) = expires.and_then(|day| day.and_hms_opt(0, 0, 0)) else {
            return Ok(vec![timer.cancel()]);
        };
        let expire = ExpireCertification { skill_id: skill_id.clone() };
        let order = Order::to::<Person>(&event.aggregate_id, expire)?;
        Ok(vec![timer.set(midnight.and_utc(), order)])
    }
}
