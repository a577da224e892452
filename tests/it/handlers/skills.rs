//! The skills of people in tables: joins and sums that no document has, the same on every store.

use domain::person::{CONTACT_VERIFICATION, verification_code};
use infrastructure::{
    composition::Composition, handler::Handlers, query::Queries, request::CommandRequest,
};
use kit::{Position, Secret};
use projections::Skills;
use serde_json::{Value, json};

use super::world::{World, json as read, table, with_every_store};

fn skills() -> Composition {
    table().tables(Skills)
}

async fn send(world: &World, id: &str, name: &str, body: Value) -> Position {
    let mut request = CommandRequest::new("person", id.parse().unwrap(), name, body.to_string());
    request.user_id = Some("registrar".to_owned());
    world.client.send(&request).await.unwrap().position
}

async fn create(world: &World, id: &str, given: &str, family: &str) {
    let name = json!({"given": [given], "family": [family]});
    send(world, id, "create-person", json!({"name": name, "source": "api"})).await;
}

async fn claim(world: &World, id: &str, skill: &str, name: &str, level: &str) {
    let body = json!({"skill_id": skill, "name": name, "level": level});
    send(world, id, "claim-skill", body).await;
}

/// Verifies an e-mail address, without which nobody takes part.
async fn activate(world: &World, id: &str) {
    let contact =
        json!({"contact_id": "mail", "kind": "email", "value": format!("{id}@example.org")});
    send(world, id, "add-contact", contact).await;
    send(world, id, "request-contact-verification", json!({"contact_id": "mail"})).await;
    let commit = world.messages().await.pop().unwrap().payload;
    let challenge = read(&commit)[0]["data"]["challenge_id"].as_str().unwrap().to_owned();
    // The secret of the world's service.
    let digest = Secret::new([1; 32]).digest(CONTACT_VERIFICATION, challenge.as_bytes());
    let code = verification_code(digest);
    let body = json!({"contact_id": "mail", "challenge_id": challenge, "code": code});
    send(world, id, "confirm-contact", body).await;
    send(world, id, "activate", json!({})).await;
}

async fn rows(handlers: &Handlers, name: &str, params: Value, after: Position) -> Vec<Value> {
    let mut params = params;
    params["after"] = after.0.into();
    params["wait_ms"] = 30_000.into();
    let body = params.to_string().into();
    let answer = handlers.queries().query("skills", name, body).await.unwrap();
    read(&answer)["rows"].as_array().unwrap().clone()
}

async fn people(handlers: &Handlers, params: Value, after: Position) -> Vec<String> {
    let rows = rows(handlers, "holders", params, after).await;
    rows.iter().map(|row| row["person"].as_str().unwrap().to_owned()).collect()
}

/// Three people with skills, of whom only Ada takes part; the end of the log.
async fn filled(world: &World) -> Position {
    for (id, given, family) in
        [("ada", "Ada", "Lovelace"), ("grace", "Grace", "Hopper"), ("alan", "Alan", "Turing")]
    {
        create(world, id, given, family).await;
    }
    claim(world, "ada", "s1", "Rust", "advanced").await;
    claim(world, "ada", "s2", "Poetry", "beginner").await;
    claim(world, "grace", "s1", " RUST ", "expert").await;
    claim(world, "alan", "s1", "rust", "beginner").await;
    for endorser in ["grace", "alan"] {
        send(world, "ada", "endorse-skill", json!({"skill_id": "s1", "endorser": endorser})).await;
    }
    let certificate = json!({"skill_id": "s1", "issuer": "Navy", "issued": "2024-01-01",
        "expires": "2099-01-01"});
    send(world, "grace", "certify-skill", certificate).await;
    activate(world, "ada").await;
    world.last().await
}

async fn it_is_known_who_can_do_what_how_well_and_who_says_so(world: World) {
    let handlers = world.handlers(&skills(), "one").await;
    let last = filled(&world).await;

    // By family name, whatever the case of the skill.
    assert_eq!(people(&handlers, json!({"skill": "RUST"}), last).await, ["grace", "ada", "alan"]);
    let able = json!({"skill": "rust", "at_least": "advanced"});
    assert_eq!(people(&handlers, able, last).await, ["grace", "ada"]);
    for (day, expected) in
        [("2023-12-31", &[][..]), ("2098-12-31", &["grace"]), ("2099-01-01", &[])]
    {
        let certified = json!({"skill": "rust", "certified_on": day});
        assert_eq!(people(&handlers, certified, last).await, expected, "{day}");
    }
    let free = json!({"skill": "rust", "available": true});
    assert_eq!(people(&handlers, free.clone(), last).await, ["ada"]);
    let ada = rows(&handlers, "holders", free, last).await.remove(0);
    assert_eq!(
        ada,
        json!({"person": "ada", "name": "Ada Lovelace", "place": "lovelace ada", "skill_id": "s1",
            "skill": "Rust", "level": "advanced", "issuer": null, "certified_from": null,
            "certified_until": null, "endorsements": 2, "available": true})
    );
    assert_eq!(
        rows(&handlers, "counts", json!({}), last).await,
        [
            json!({"skill": "poetry", "people": 1, "beginner": 1, "intermediate": 0, "advanced": 0,
                "expert": 0, "certified": 0}),
            json!({"skill": "rust", "people": 3, "beginner": 1, "intermediate": 0, "advanced": 1,
                "expert": 1, "certified": 1}),
        ]
    );
    let endorsed = rows(&handlers, "endorsed-by", json!({"endorser": "alan"}), last).await;
    assert_eq!(endorsed.len(), 1);
    assert_eq!(
        (&endorsed[0]["name"], &endorsed[0]["skill"]),
        (&json!("Ada Lovelace"), &json!("Rust"))
    );
    handlers.stop().await;
}

async fn what_changes_later_is_seen_in_every_answer(world: World) {
    let handlers = world.handlers(&skills(), "one").await;
    filled(&world).await;
    send(&world, "ada", "adjust-skill", json!({"skill_id": "s1", "level": "expert"})).await;
    let name = json!({"given": ["Ada"], "family": ["Byron"]});
    send(&world, "ada", "change-name", json!({"use": "official", "name": name})).await;
    send(&world, "ada", "suspend", json!({"reason": "away"})).await;
    send(&world, "alan", "remove-skill", json!({"skill_id": "s1"})).await;
    let last = world.last().await;
    let free = json!({"skill": "rust", "available": true});
    assert!(people(&handlers, free, last).await.is_empty());
    let able = json!({"skill": "rust", "at_least": "expert"});
    assert_eq!(people(&handlers, able, last).await, ["ada", "grace"], "Byron before Hopper");
    let of = rows(&handlers, "of", json!({"person": "ada"}), last).await;
    assert_eq!(
        (of.len(), &of[0]["level"], &of[0]["endorsements"]),
        (2, &json!("expert"), &json!(2))
    );
    // A skill that comes back under its old id is endorsed by nobody.
    send(&world, "ada", "remove-skill", json!({"skill_id": "s1"})).await;
    claim(&world, "ada", "s1", "Rust", "beginner").await;
    let of = rows(&handlers, "of", json!({"person": "ada"}), world.last().await).await;
    assert_eq!((&of[0]["level"], &of[0]["endorsements"]), (&json!("beginner"), &json!(0)));
    handlers.stop().await;
}

async fn a_level_or_a_day_that_does_not_exist_is_refused(world: World) {
    let handlers = world.handlers(&skills(), "one").await;
    for (params, says) in [
        (json!({}), "`skill` is missing"),
        (json!({"skill": "rust", "at_least": "wizard"}), "`at_least`: expected one of beginner"),
        (json!({"skill": "rust", "certified_on": "today"}), "`certified_on`: expected a day"),
        (json!({"skill": "rust", "available": "perhaps"}), "`available`: expected true or false"),
    ] {
        let body = params.to_string().into();
        let refused = handlers.queries().query("skills", "holders", body).await.unwrap_err();
        assert!(refused.code == "invalid" && refused.detail.starts_with(says), "{refused}");
    }
    handlers.stop().await;
}

with_every_store! {
    it_is_known_who_can_do_what_how_well_and_who_says_so,
    what_changes_later_is_seen_in_every_answer,
    a_level_or_a_day_that_does_not_exist_is_refused,
}
