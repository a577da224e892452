//! Any sequence of commands: bodies out of small pools, so that they meet, and a clock that moves.
//! Not here: what must hold; see `properties`.

use chrono::{DateTime, TimeDelta, Utc};
use domain::person::{
    CONTACT_VERIFICATION, Person, PersonCommand, Verification, verification_code,
};
use kit::{Command, PartId, scenario::secret};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any},
    sample::select,
};
use serde_json::{Value, json};

/// One step: time passes, and somebody asks for something.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) minutes: i64,
    pub(super) named: bool,
    request: Request,
}

/// What is asked for. Challenges are made by decisions, so they are looked up when asked.
#[derive(Debug, Clone)]
enum Request {
    Body(&'static str, Value),
    Confirm { contact: &'static str, right: bool },
    Expire { contact: &'static str },
}

impl Step {
    /// The command as it is asked of `person`.
    #[track_caller]
    pub(super) fn command(&self, person: &Person) -> PersonCommand {
        let (name, body) = match &self.request {
            Request::Body(name, body) => (*name, body.clone()),
            Request::Confirm { contact, right } => {
                let challenge = challenge(person, contact);
                let digest = secret().digest(CONTACT_VERIFICATION, challenge.as_str().as_bytes());
                let code = if *right { verification_code(digest) } else { "no code".to_owned() };
                let body = json!({"contact_id": contact, "challenge_id": challenge, "code": code});
                ("confirm-contact", body)
            }
            Request::Expire { contact } => {
                let challenge = challenge(person, contact);
                (
                    "expire-contact-verification",
                    json!({"contact_id": contact, "challenge_id": challenge}),
                )
            }
        };
        PersonCommand::read(name, body.to_string().as_bytes()).unwrap()
    }

    /// The time of the step after `before`.
    pub(super) fn time(&self, before: DateTime<Utc>) -> DateTime<Utc> {
        before + TimeDelta::minutes(self.minutes)
    }
}

/// The challenge of a contact, or one that nobody made.
fn challenge(person: &Person, contact: &str) -> PartId {
    match person.contacts.all.get(&contact.parse().unwrap()).map(|contact| &contact.verification) {
        Some(Verification::Pending { challenge_id, .. }) => challenge_id.clone(),
        _ => "nobodys".parse().unwrap(),
    }
}

/// Sequences of up to `length` steps, some of them five times in a row. One of the first two
/// creates the person.
pub(super) fn steps(length: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (minutes(), any::<bool>(), request()).prop_map(|(minutes, named, request)| Step {
        minutes,
        named,
        request,
    });
    let several = (step, select(vec![1, 1, 1, 5])).prop_map(|(step, times)| vec![step; times]);
    let source = select(vec!["api", "hr"]);
    (source, 0..2_usize, vec(several, 0..length)).prop_map(move |(source, at, steps)| {
        let mut steps: Vec<_> = steps.concat();
        steps.truncate(length);
        let body = json!({"name": {"given": ["Ada"]}, "source": source});
        let create =
            Step { minutes: 0, named: true, request: Request::Body("create-person", body) };
        steps.insert(at.min(steps.len()), create);
        steps
    })
}

/// Mostly little; a day or more goes by in some sequences.
fn minutes() -> impl Strategy<Value = i64> {
    proptest::prop_oneof![40 => 0..30_i64, 4 => Just(61), 3 => Just(1_500)]
}

fn request() -> impl Strategy<Value = Request> {
    proptest::prop_oneof![
        4 => contact_request(),
        3 => skill_request(),
        3 => select(profile()).prop_map(|(name, body)| Request::Body(name, body)),
        2 => select(lifecycle()).prop_map(|(name, body)| Request::Body(name, body)),
    ]
}

fn contact_request() -> impl Strategy<Value = Request> {
    let contact = || select(vec!["one", "one", "one", "two"]);
    let value = select(vec!["ada@example.org", "ADA@example.org", "ada@example.com"]);
    let about = [
        ("request-contact-verification", json!({})),
        ("request-contact-verification", json!({"resend": true})),
        ("mark-contact-undeliverable", json!({"reason": "bounced"})),
        ("set-preferred-contact", json!({})),
        ("remove-contact", json!({})),
        ("remove-contact", json!({"forced": true})),
        ("release-contact", json!({"reason": "contact-taken"})),
    ];
    proptest::prop_oneof![
        3 => (contact(), value).prop_map(|(contact, value)| {
            Request::Body("add-contact", json!({"contact_id": contact, "kind": "email", "value": value}))
        }),
        4 => (contact(), select(about.to_vec())).prop_map(|(contact, (name, mut body))| {
            body["contact_id"] = json!(contact);
            Request::Body(name, body)
        }),
        6 => (contact(), proptest::bool::weighted(0.4))
            .prop_map(|(contact, right)| Request::Confirm { contact, right }),
        2 => contact().prop_map(|contact| Request::Expire { contact }),
    ]
}

fn skill_request() -> impl Strategy<Value = Request> {
    let about = [
        ("claim-skill", json!({"name": "Analysis", "level": "advanced"})),
        ("claim-skill", json!({"name": "Weaving", "level": "expert"})),
        ("adjust-skill", json!({"level": "expert"})),
        ("endorse-skill", json!({"endorser": "charles"})),
        ("endorse-skill", json!({"endorser": "self"})),
        ("certify-skill", json!({"issuer": "A", "issued": "2025-01-01", "expires": "2026-01-04"})),
        ("certify-skill", json!({"issuer": "A", "issued": "2025-01-01", "expires": "2026-01-03"})),
        ("certify-skill", json!({"issuer": "B", "issued": "2026-01-02"})),
        ("expire-certification", json!({})),
        ("expire-certification", json!({})),
        ("remove-skill", json!({})),
    ];
    (select(vec!["one", "one", "two"]), select(about.to_vec())).prop_map(
        |(skill, (name, mut body))| {
            body["skill_id"] = json!(skill);
            Request::Body(name, body)
        },
    )
}

fn profile() -> Vec<(&'static str, Value)> {
    let website = |url: &str| json!({"component_id": "page", "component_type": "website", "data": {"url": url}});
    vec![
        ("change-name", json!({"name": {"given": ["Ada"], "family": ["King"]}})),
        ("change-name", json!({"use": "nickname", "name": {"given": ["Ada"]}})),
        ("set-birth-date", json!({"date": "1985-12-10"})),
        ("correct-birth-date", json!({"date": "1985-12-11", "reason": "a letter"})),
        ("add-component", website("https://example.org/1")),
        ("add-component", json!({"component_type": "location", "data": {"place": "London"}})),
        ("update-component", website("https://example.org/2")),
        ("remove-component", json!({"component_id": "page"})),
        ("tag", json!({"tag": "vip"})),
        ("tag", json!({"tag": "new"})),
        ("untag", json!({"tag": "vip"})),
        ("set-preferences", json!({"language": "en"})),
        ("set-preferences", json!({})),
        ("activate", json!({})),
    ]
}

/// The ways back come more often than the ways out, so that most of a sequence is spent alive.
fn lifecycle() -> Vec<(&'static str, Value)> {
    vec![
        ("suspend", json!({"reason": "x"})),
        ("reactivate", json!({"reason": "x"})),
        ("record-death", json!({"date": "2026-01-01"})),
        ("retract-death", json!({"reason": "x"})),
        ("retract-death", json!({"reason": "x"})),
        ("retract-death", json!({"reason": "x"})),
        ("archive", json!({"reason": "x"})),
        ("restore", json!({"reason": "x"})),
        ("restore", json!({"reason": "x"})),
        ("restore", json!({"reason": "x"})),
    ]
}
