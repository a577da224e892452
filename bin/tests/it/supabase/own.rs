//! Customers with keys of their own: each reaches what it has begun itself, by every route.

use serde_json::json;

use super::*;

impl Shop {
    /// A new key that may do what customers may.
    async fn customer(&self, name: &str) -> String {
        self.customer_and(name, &[]).await
    }

    /// The same with further roles.
    async fn customer_and(&self, name: &str, roles: &[&str]) -> String {
        let mut create =
            vec!["keys", "create", "--name", name, "--role", "client", "--output", "json"];
        create.extend(roles.iter().flat_map(|role| ["--role", *role]));
        let made = self.installation.run(&create).await.json().remove(0);
        let key = made["key"].as_str().unwrap().to_owned();
        eventually("the key is taken", LIMIT, async || {
            let asked = self.ask(Method::GET, "/v1/nothing/here", Some(&key), None).await;
            (asked.0 == StatusCode::FORBIDDEN).then_some(())
        })
        .await;
        key
    }
}

#[tokio::test]
async fn a_customer_acts_on_its_own_request_and_on_nobody_elses() {
    let shop = Shop::open().await;
    let (ada, eve) = (shop.customer("ada").await, shop.customer("eve").await);
    let application = json!({
        "product_id": "poster", "design_code": "D-7",
        "answers": [{"question_id": "q-1", "text": "Green"}],
    });
    let path = "/api/design-applications";
    let (status, made) = shop.ask(Method::POST, path, Some(&ada), Some(&application)).await;
    assert_eq!(status, 201, "{made}");
    let id = made["request_id"].as_str().unwrap().to_owned();
    let log = shop.log().await;

    let more =
        json!({"email": "eve@example.org", "answers": [{"question_id": "q-1", "text": "No"}]});
    let event = json!({
        "p_request_id": id, "p_event_type": "REQUEST_CANCELLED", "p_event_data": {},
        "p_created_by": "ada@example.org",
    });
    let answer = json!({"p_request_id": id, "p_question_id": "q-1", "p_answer_text": "No"});
    let row = json!({"id": id, "product_id": "poster", "design_code": "D-7", "status": "DRAFT"});
    let of = |path: &str| path.replace("ID", &id);
    let mut taken = application.clone();
    taken["id"] = json!(id);
    for (method, path, body) in [
        (Method::GET, "/api/design-applications/ID", None),
        (Method::POST, "/api/design-applications/ID", Some(&more)),
        (Method::POST, "/api/design-applications", Some(&taken)),
        (Method::GET, "/api/design-applications", None),
        (Method::GET, "/api/design-applications?design_code=D-7", None),
        (Method::POST, "/api/create-payment-intent", Some(&json!({"request_id": id}))),
        (Method::POST, "/rest/v1/design_requests", Some(&row)),
        (Method::POST, "/rest/v1/rpc/add_design_request_event", Some(&event)),
        (Method::POST, "/rest/v1/rpc/add_design_request_answer_history", Some(&answer)),
        (Method::GET, "/rest/v1/design_requests", None),
        (Method::GET, "/rest/v1/design_requests?id=eq.ID", None),
        (Method::GET, "/rest/v1/design_request_states?request_id=eq.ID", None),
        (Method::GET, "/rest/v1/design_request_events?request_id=eq.ID", None),
        (Method::GET, "/v1/design-requests/current-state?request_id=ID", None),
        (Method::GET, "/v1/design-requests/states?design_code=D-7", None),
    ] {
        let (status, refused) = shop.ask(method, &of(path), Some(&eve), body).await;
        assert_eq!(status, 403, "{path}: {refused}");
    }
    assert_eq!(shop.log().await, log, "nothing was appended");

    for (method, path, body) in [
        (Method::POST, "/api/design-applications/ID", Some(&more)),
        (Method::GET, "/api/design-applications/ID", None),
        (Method::GET, "/rest/v1/design_request_events?request_id=eq.ID", None),
        (Method::GET, "/v1/design-requests/current-state?request_id=ID", None),
        (Method::POST, "/rest/v1/rpc/add_design_request_event", Some(&event)),
    ] {
        let (status, told) = shop.ask(method, &of(path), Some(&ada), body).await;
        assert_eq!(status, 200, "{path}: {told}");
    }
}

#[tokio::test]
async fn a_customer_sees_prices_with_the_role_for_it_and_no_more() {
    let shop = Shop::open().await;
    let ada = shop.customer("ada").await;
    let eve = shop.customer_and("eve", &["catalogue"]).await;
    let prices = "/v1/design-requests/products?product_id=poster";
    let (status, refused) = shop.ask(Method::GET, prices, Some(&ada), None).await;
    assert_eq!(status, 403, "{refused}");
    let told = eventually("the product is told", LIMIT, async || {
        let (status, told) = shop.ask(Method::GET, prices, Some(&eve), None).await;
        assert_eq!(status, 200, "{told}");
        (told["rows"].as_array()?.len() == 2).then_some(told)
    })
    .await;
    assert_eq!(
        json!(["currency", "price", "price_minor"].map(|it| told["rows"][0][it].clone())),
        json!(["eur", 49.9, 4990])
    );
    // Of requests it still reaches its own only, and it prices nothing.
    let states = "/v1/design-requests/states?design_code=D-7";
    assert_eq!(shop.ask(Method::GET, states, Some(&eve), None).await.0, 403);
    let price = json!({"currency": "eur", "amount": 1});
    let path = "/v1/commands/product/poster/change-price";
    assert_eq!(shop.ask(Method::POST, path, Some(&eve), Some(&price)).await.0, 403);
}
