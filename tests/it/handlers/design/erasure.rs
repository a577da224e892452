//! Personal data are blanked where they are erased, and a rebuild gives the same rows.

use infrastructure::{
    envelope::decode,
    sealing::{Keys, MasterKeys},
};
use serde_json::{Value, json};

use super::{World, rebuilt_the_same, requests, rows, sent, state};
use crate::handlers::world::with_every_store;

/// What nobody may find any more.
const PERSONAL: [&str; 6] = ["ada@", "moss", "192.0.2.77", "Ada's card", "changed-mind", "by Ada"];

/// A request with everything personal that there can be.
async fn filled(world: &World, id: &str, of: &str) {
    let provenance = json!({"created_by": format!("by {of}"), "metadata": {"ip": format!("192.0.2.77 {of}")},
        "data": {"email": format!("{of}@example.org")}});
    for (name, body) in [
        ("create-request", json!({"design_code": "D-7", "email": format!("{of}@example.org")})),
        (
            "answer-question",
            json!({"question_id": "colour", "text": format!("moss {of}"),
            "file_url": format!("https://example.org/moss-{of}.png"), "options": {"shade": format!("moss {of}")}}),
        ),
        ("answer-question", json!({"question_id": "colour", "text": format!("more moss {of}")})),
        ("submit-request", json!({"email": format!("{of}@example.org"), "provenance": provenance})),
        (
            "record-payment",
            json!({"intent_id": "pi_1", "fact": "failed", "amount": 4900, "currency": "eur",
            "at": "2026-01-02T03:04:05Z", "stripe_event_id": format!("evt_{id}"),
            "failure_code": "declined", "failure_reason": format!("{of}'s card")}),
        ),
        ("cancel-request", json!({"reason": format!("changed-mind {of}")})),
    ] {
        sent("design", world, id, name, body).await;
    }
}

async fn nothing_personal_is_left_in_the_rows_and_a_rebuild_gives_the_same(world: World) {
    let composition = requests();
    let handlers = world.handlers(&composition, "one").await;
    filled(&world, "ada", "Ada").await;
    filled(&world, "bob", "Bob").await;
    sent("design", &world, "ada", "erase-personal-data", json!({})).await;
    // What comes later about the payment holds nothing personal, and stays.
    let late = json!({"intent_id": "pi_1", "fact": "failed", "amount": 4900, "currency": "eur",
        "at": "2026-01-02T03:05:05Z", "stripe_event_id": "evt_late", "failure_code": "late",
        "failure_reason": "Ada's card", "provenance": {"created_by": "by Ada"}});
    sent("design", &world, "ada", "record-payment", late).await;

    tests::eventually("the key is destroyed", tests::LIMIT, async || {
        let keys = Keys::new(world.connection.clone(), MasterKeys::new(&[1; 32], &[]));
        let first = world.messages_by(&keys).await.swap_remove(0);
        decode(&first.payload).unwrap()[0].erased.is_some().then_some(())
    })
    .await;

    let all = async |id: &str| {
        let mut all = vec![state(&world, &handlers, id).await];
        for name in ["events", "answers", "audit"] {
            all.extend(rows(&world, &handlers, name, json!({"request_id": id})).await);
        }
        Value::from(all).to_string().to_lowercase()
    };
    let (ada, bob) = (all("ada").await, all("bob").await);
    for personal in PERSONAL {
        assert!(!ada.contains(&personal.to_lowercase()), "{personal} in {ada}");
        let bobs = personal.to_lowercase().replace("ada", "bob");
        assert!(bob.contains(&bobs), "{bobs} is not in {bob}");
    }
    assert!(
        ada.contains("personal_data_erased") && ada.contains("\"payment_failure_code\":\"late\"")
    );
    assert_eq!(ada.matches("answer_text").count(), 2, "that there were answers stays known");

    rebuilt_the_same(&world).await;
    assert_eq!((all("ada").await, all("bob").await), (ada, bob));
    let verdict = world.verified("design-requests", &composition).await;
    assert!(verdict.is_sound(), "{verdict:?}");
    handlers.stop().await;
}

with_every_store! {
    nothing_personal_is_left_in_the_rows_and_a_rebuild_gives_the_same,
}
