//! A person through the processor: what the rules need to know beyond the state reaches them.

use domain::person::{CONTACT_VERIFICATION, Person, PersonEvent, verification_code};
use infrastructure::{
    aggregates::Aggregates,
    envelope,
    memory::MemoryStore,
    problem::Problem,
    processor::{Processor, ProcessorOptions},
    request::{CommandRequest, Reply, Status},
};
use kit::Secret;
use serde_json::{Value, json};

const SECRET: Secret = Secret::new([9; 32]);

/// A service in this process, and the person `ada` in it.
struct Service {
    store: MemoryStore,
    processor: Processor,
}

impl Service {
    async fn with_ada() -> Self {
        let store = MemoryStore::new();
        let aggregates = Aggregates::new().with::<Person>();
        let processor = Processor::start(store.clone(), aggregates, ProcessorOptions::new(SECRET));
        let service = Self { store, processor };
        let name = json!({"given": ["Ada"], "family": ["Lovelace"]});
        service.ask("create-person", json!({"name": name, "source": "api"})).await.unwrap();
        service
    }

    async fn ask(&self, name: &str, body: Value) -> Result<Reply, Problem> {
        let id = "ada".parse().unwrap();
        self.processor.execute(CommandRequest::new("person", id, name, body.to_string())).await
    }

    /// The last event in the log.
    fn last(&self) -> PersonEvent {
        let commit = self.store.commits().pop().unwrap();
        let element = envelope::decode(&commit.body).unwrap().pop().unwrap();
        element.record::<PersonEvent>("person", commit.position, 0).unwrap().event
    }
}

#[tokio::test]
async fn a_contact_is_verified_with_the_code_that_the_secret_makes_of_the_challenge() {
    let service = Service::with_ada().await;
    let contact = json!({"contact_id": "mail", "kind": "email", "value": "Ada@Example.org"});
    service.ask("add-contact", contact).await.unwrap();
    service.ask("request-contact-verification", json!({"contact_id": "mail"})).await.unwrap();
    let PersonEvent::ContactVerificationRequested(requested) = service.last() else {
        panic!("no challenge: {:?}", service.last());
    };
    let challenge = requested.challenge_id;
    let code =
        verification_code(SECRET.digest(CONTACT_VERIFICATION, challenge.as_str().as_bytes()));
    let body = json!({"contact_id": "mail", "challenge_id": challenge, "code": code});
    let reply = service.ask("confirm-contact", body.clone()).await.unwrap();
    assert_eq!(reply.events[0].kind, "person.contact-verified");
    assert_eq!(service.ask("confirm-contact", body).await.unwrap().status, Status::Unchanged);
    let reply = service.ask("activate", json!({})).await.unwrap();
    assert_eq!(reply.events[0].kind, "person.person-activated");
}

#[tokio::test]
async fn nobody_endorses_their_own_skill() {
    let service = Service::with_ada().await;
    let skill = json!({"skill_id": "analysis", "name": "Analysis", "level": "expert"});
    service.ask("claim-skill", skill).await.unwrap();
    let endorsed = |by: &str| json!({"skill_id": "analysis", "endorser": by});
    let refused = service.ask("endorse-skill", endorsed("ada")).await.unwrap_err();
    assert_eq!(refused.code, "own-endorsement");
    service.ask("endorse-skill", endorsed("charles")).await.unwrap();
}

#[tokio::test]
async fn only_a_named_user_retracts_a_death() {
    let service = Service::with_ada().await;
    service.ask("record-death", json!({"date": "2025-11-27"})).await.unwrap();
    let body = json!({"reason": "mistaken identity"});
    let refused = service.ask("retract-death", body.clone()).await.unwrap_err();
    assert_eq!(refused.code, "actor-required");
    let id = "ada".parse().unwrap();
    let mut request = CommandRequest::new("person", id, "retract-death", body.to_string());
    request.user_id = Some("registrar".to_owned());
    service.processor.execute(request).await.unwrap();
}
