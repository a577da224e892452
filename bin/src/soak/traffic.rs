//! What callers ask for: a pure function of the seed. Not here: asking.

use std::time::Duration;

use chrono::{Days, NaiveDate, Utc};
use domain::person::{CONTACT_VERIFICATION, verification_code};
use fastrand::Rng;
use kit::{Actor, CommandId, Context, Secret};
use serde_json::{Value, json};

/// One command that a caller sends.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) aggregate: &'static str,
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) body: Value,
    pub(super) command: String,
    pub(super) way: Way,
    /// A field of the body that names a moment so long after the sending.
    pub(super) moment: Option<(&'static str, Duration)>,
}

/// How it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As a request.
    Once,
    /// As two requests with the same id at the same time.
    Twice,
    /// Through the queue of durable commands.
    Durable,
}

/// The commands of one caller, life after life.
#[derive(Debug)]
pub(super) struct Traffic {
    rng: Rng,
    caller: usize,
    lives: u32,
    secret: Secret,
    coming: Vec<Step>,
}

impl Traffic {
    pub(super) fn new(seed: u64, caller: usize, secret: Secret) -> Self {
        // Far apart, so that no two callers of neighbouring seeds are alike.
        let own = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (caller as u64 + 1);
        Self { rng: Rng::with_seed(own), caller, lives: 0, secret, coming: Vec::new() }
    }

    /// The next command.
    pub(super) fn next(&mut self) -> Step {
        loop {
            if let Some(step) = self.coming.pop() {
                return step;
            }
            self.lives += 1;
            let id = format!("p{}-{}", self.caller, self.lives);
            let mut life = if self.lives.is_multiple_of(2) {
                self.hurried(&format!("t{}-{}", self.caller, self.lives))
            } else {
                self.life(&id)
            };
            life.reverse();
            self.coming = life;
        }
    }

    /// Somebody who becomes known, proves an address, is onboarded, and goes on changing.
    fn life(&mut self, id: &str) -> Vec<Step> {
        let mut life = Life { id: id.to_owned(), steps: Vec::new() };
        let family = self.rng.u32(..1000).to_string();
        let name = json!({"given": ["Ada"], "family": [format!("L{family}")]});
        life.person(&mut self.rng, "create-person", json!({"name": name, "source": "api"}));
        // Some share an address: one of them loses it again.
        let address = match self.rng.u8(..6) {
            0 => format!("shared-{}@example.org", self.rng.u8(..3)),
            _ => format!("{id}@example.org"),
        };
        let home = json!({"contact_id": "home", "kind": "email", "value": address});
        life.person(&mut self.rng, "add-contact", home);
        self.changes(&mut life, 3);
        let asked = life.person(
            &mut self.rng,
            "request-contact-verification",
            json!({"contact_id": "home"}),
        );
        // The id of what a command makes follows from the command's own.
        if let Ok(command) = asked.parse::<CommandId>() {
            let decision = Context::new(Utc::now(), Actor::default(), command, self.secret.clone());
            let challenge = decision.id().to_string();
            let digest = self.secret.digest(CONTACT_VERIFICATION, challenge.as_bytes());
            let code = verification_code(digest);
            let body = json!({"contact_id": "home", "challenge_id": challenge, "code": code});
            life.person(&mut self.rng, "confirm-contact", body);
        }
        let skill = json!({"skill_id": "first", "name": "analysis", "level": "expert"});
        life.person(&mut self.rng, "claim-skill", skill);
        let certified = json!({"skill_id": "first", "issuer": "a school", "issued": "2020-01-01",
            "expires": "2099-12-31"});
        life.person(&mut self.rng, "certify-skill", certified);
        let more = self.rng.usize(4..16);
        self.changes(&mut life, more);
        life.steps
    }

    /// An onboarding whose deadline is near.
    fn hurried(&mut self, id: &str) -> Vec<Step> {
        let soon = Duration::from_millis(self.rng.u64(500..3000));
        vec![Step {
            aggregate: "onboarding",
            id: id.to_owned(),
            name: "start-onboarding",
            body: json!({}),
            command: format!("{id}-0"),
            way: Way::Once,
            moment: Some(("deadline", soon)),
        }]
    }

    fn changes(&mut self, life: &mut Life, count: usize) {
        for _ in 0..count {
            let rng = &mut self.rng;
            let number = rng.u64(..10_000);
            let contact = format!("c{}", number % 5);
            let (name, body) = match rng.u8(..10) {
                0..3 => ("tag", json!({"tag": format!("t{}", number % 12)})),
                3 => ("untag", json!({"tag": format!("t{}", number % 12)})),
                4 => {
                    let name = json!({"given": ["Ada"], "family": [format!("K{number}")]});
                    ("change-name", json!({"name": name}))
                }
                5 => ("set-birth-date", json!({"date": "1915-12-10"})),
                6 => {
                    let first = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default();
                    let date = (first + Days::new(number)).to_string();
                    ("correct-birth-date", json!({"date": date, "reason": "a better source"}))
                }
                7 => {
                    let value = format!("{contact}-{}@example.org", life.id);
                    let body = json!({"contact_id": contact, "kind": "email", "value": value});
                    ("add-contact", body)
                }
                8 => ("remove-contact", json!({"contact_id": contact})),
                _ => {
                    let skill = format!("s{}", number % 4);
                    let body = json!({"skill_id": skill, "name": skill, "level": "novice"});
                    ("claim-skill", body)
                }
            };
            life.person(rng, name, body);
        }
    }
}

struct Life {
    id: String,
    steps: Vec<Step>,
}

impl Life {
    /// Adds a command to the person; its id.
    fn person(&mut self, rng: &mut Rng, name: &'static str, body: Value) -> String {
        let command = format!("{}-{}", self.id, self.steps.len());
        let way = match rng.u8(..20) {
            0 => Way::Twice,
            1 if !self.steps.is_empty() => Way::Durable,
            _ => Way::Once,
        };
        self.steps.push(Step {
            aggregate: "person",
            id: self.id.clone(),
            name,
            body,
            command: command.clone(),
            way,
            moment: None,
        });
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, caller: usize) -> Vec<Step> {
        let mut traffic = Traffic::new(seed, caller, Secret::new([7; 32]));
        (0..200).map(|_| traffic.next()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_commands() {
        assert_eq!(first(7, 0), first(7, 0));
        assert_ne!(first(7, 0), first(7, 1));
        assert_ne!(first(7, 0), first(8, 0));
    }
}
