//! Applications as a form's page sends them.

use uuid::Uuid;

use super::*;

const PATH: &str = "/api/design-applications";

fn application() -> Value {
    json!({
        "product_id": "poster", "design_code": "D-7", "email": "ada@example.org",
        "answers": [{"question_id": "q-1", "text": "blue"}, {"question_id": "q-2", "text": "large"}],
    })
}

impl Shop {
    async fn apply(&self, key: &str, body: &Value) -> (StatusCode, Value) {
        let body = (Some(body.to_string()), &[("idempotency-key", key)][..]);
        self.ask_with(Method::POST, PATH, Some(&self.client), body).await
    }
}

#[tokio::test]
async fn an_application_is_created_answered_and_submitted_once() {
    let shop = Shop::open().await;
    let (status, made) = shop.apply("first", &application()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        (&made["current_status"], &made["product_name"]),
        (&json!("SUBMITTED"), &json!("Poster"))
    );
    assert_eq!(made["answers"].as_array().unwrap().len(), 2, "{made}");
    assert_eq!(made["id"], made["request_id"], "what it is called is where it is found");
    assert_ne!(made["id"], made["event_id"], "{made}");
    let id = made["id"].as_str().unwrap();

    let log = shop.log().await;
    let (status, again) = shop.apply("first", &application()).await;
    assert_eq!((status.as_u16(), &again["request_id"]), (200, &made["request_id"]), "{again}");
    let mut other = application();
    other["design_code"] = json!("E-8");
    let (status, refused) = shop.apply("first", &other).await;
    assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("id-reused")), "{refused}");
    other["answers"] = json!([{"question_id": "q-1"}]);
    let (status, refused) = shop.apply("second", &other).await;
    assert_eq!((status.as_u16(), &refused["code"]), (422, &json!("empty-answer")), "{refused}");
    assert_eq!(shop.log().await, log);

    let (status, shown) =
        shop.ask(Method::GET, &format!("{PATH}/{id}"), Some(&shop.client), None).await;
    assert_eq!((status.as_u16(), &shown), (200, &made));
    let list = format!("{PATH}?email=ada%40example.org&current_status=SUBMITTED&limit=5");
    let (_, listed) = shop.ask(Method::GET, &list, Some(&shop.client), None).await;
    for name in ["id", "request_id", "event_id"] {
        assert_eq!(listed["applications"][0][name], made[name], "{listed}");
    }
    let (status, nobody) =
        shop.ask(Method::GET, &format!("{PATH}/nobody"), Some(&shop.client), None).await;
    assert_eq!((status.as_u16(), &nobody["code"]), (404, &json!("not-found")));
    let more = json!({"answers": [{"question_id": "q-1", "text": "blue"}]});
    let (status, nobody) =
        shop.ask(Method::POST, &format!("{PATH}/nobody"), Some(&shop.client), Some(&more)).await;
    assert_eq!((status.as_u16(), &nobody["code"]), (404, &json!("not-found")), "{nobody}");
}

#[tokio::test]
async fn who_may_not_read_what_is_answered_is_refused_before_anything_is_done() {
    let shop = Shop::open().await;
    let create = ["keys", "create", "--name", "form", "--role", "payments", "--output", "json"];
    let key = shop.installation.run(&create).await.json().remove(0);
    let key = key["key"].as_str().unwrap();
    eventually("the key of the form is taken", LIMIT, async || {
        let asked = shop.ask(Method::GET, PATH, Some(key), None).await;
        (asked.0 == StatusCode::FORBIDDEN).then_some(())
    })
    .await;
    let (_, made) = shop.apply("first", &application()).await;
    let log = shop.log().await;
    let more = json!({"answers": [{"question_id": "q-3", "text": "soon"}]});
    let path = format!("{PATH}/{}", made["request_id"].as_str().unwrap());
    for (path, body) in [(PATH, &application()), (path.as_str(), &more)] {
        let (status, refused) = shop.ask(Method::POST, path, Some(key), Some(body)).await;
        assert_eq!((status.as_u16(), &refused["code"]), (403, &json!("forbidden")), "{refused}");
    }
    assert_eq!(shop.log().await, log);
}

#[tokio::test]
async fn a_repeat_finishes_what_an_attempt_that_died_has_begun() {
    let shop = Shop::open().await;
    // As far as the first attempt came: its first command has the id that the repeat gives it.
    let namespace = Uuid::from_u128(0x5f0b_7c14_2ae9_5d36_91c8_e3d2_40b7_6a0f);
    let caller = format!("key:{}", shop.client.split('_').nth(1).unwrap());
    let meaning = Uuid::new_v5(&namespace, format!("{}:{caller}\nhalf", caller.len()).as_bytes());
    let body = r#"{"product_id":"poster","design_code":"D-7","provenance":{"created_by":"ada@example.org"}}"#;
    let id = meaning.to_string();
    let command_id = format!("application-{}-0", meaning.simple());
    let arguments = ["send", "design", &id, "create-request", "--json", body, "--command-id"];
    let who = [command_id.as_str(), "--user", &caller];
    shop.installation.run(&[&arguments[..], &who].concat()).await.ok();

    let log = shop.log().await;
    let (status, finished) = shop.apply("half", &application()).await;
    assert_eq!(status, 200, "{finished}");
    assert_eq!(finished["request_id"], json!(id));
    assert_eq!(finished["current_status"], json!("SUBMITTED"));
    assert!(shop.log().await >= log + 3);
    let events = format!("/rest/v1/design_request_events?select=event_type&request_id=eq.{id}");
    let (_, events) = shop.ask(Method::GET, &events, Some(&shop.client), None).await;
    let types = ["REQUEST_CREATED", "ANSWER_VERSIONED", "ANSWER_VERSIONED", "REQUEST_SUBMITTED"];
    let types = types.map(|kind| json!({"event_type": kind}));
    assert_eq!(events, json!(types));
}

#[tokio::test]
async fn what_is_handed_in_later_is_carried_out_as_a_whole_or_not_at_all() {
    let shop = Shop::open().await;
    let (_, made) = shop.apply("first", &application()).await;
    let path = format!("{PATH}/{}", made["request_id"].as_str().unwrap());
    let hand_in = async |key: &str, body: Value| {
        let body = (Some(body.to_string()), &[("idempotency-key", key)][..]);
        let (status, answer) = shop.ask_with(Method::POST, &path, Some(&shop.client), body).await;
        (status.as_u16(), answer)
    };
    let log = shop.log().await;
    let good = json!({"question_id": "q-3", "text": "1"});
    for half in [
        json!({"answers": [good, {"question_id": "q-4"}]}),
        json!({"answers": [good], "email": "bob@example.org"}),
    ] {
        let (status, refused) = hand_in("half", half).await;
        assert_eq!(status, 422, "{refused}");
    }
    assert_eq!(shop.log().await, log);
    let more = json!({"answers": [good]});
    assert_eq!(hand_in("more", more.clone()).await.0, 200);
    // A repeat passes, although nothing could be handed in any more.
    let id = made["request_id"].as_str().unwrap();
    shop.installation.send(["design", id, "cancel-request"], "{}").await;
    let (status, again) = hand_in("more", more).await;
    assert_eq!((status, &again["current_status"]), (200, &json!("CANCELLED")), "{again}");
}
