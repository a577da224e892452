//! What is refused: each time with a code, and with nothing added to the log.

use super::*;

/// One attempt, and what becomes of it.
type Attempt<'a> = (Method, String, Value, u16, &'a str);

fn event(id: &str, kind: &str, data: Value) -> (Method, String, Value) {
    let path = "/rest/v1/rpc/add_design_request_event".to_owned();
    let mut body = json!({"p_request_id": id, "p_event_type": kind});
    body["p_event_data"] = data;
    (Method::POST, path, body)
}

fn answer(id: &str, more: &Value) -> (Method, String, Value) {
    let mut body = json!({"p_request_id": id, "p_question_id": "q-1"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (Method::POST, "/rest/v1/rpc/add_design_request_answer_history".to_owned(), body)
}

fn row(body: Value) -> (Method, String, Value) {
    (Method::POST, "/rest/v1/design_requests".to_owned(), body)
}

fn read(query: &str) -> (Method, String, Value) {
    (Method::GET, format!("/rest/v1/{query}"), Value::Null)
}

/// Rows, and what rows say.
fn about_rows() -> Vec<Attempt<'static>> {
    let change = |method, table: &str| (method, format!("/rest/v1/{table}?id=eq.1"), json!({}));
    [
        (row(json!({"product_id": "nothing"})), 422, "unknown-product"),
        (row(json!({"id": "a.b"})), 400, "22P02"),
        (row(json!({"id": "*", "design_code": "D"})), 400, "22P02"),
        (row(json!({"product_id": "'; DROP TABLE design_requests; --"})), 400, "22P02"),
        (row(json!({"status": "PAID"})), 422, "not-a-draft"),
        (row(json!({"is_admin": true})), 400, "PGRST204"),
        (row(json!({"email": "no address"})), 400, "invalid"),
        (row(json!({"design_code": "D\r\nNats-Msg-Id: 1"})), 400, "invalid"),
        (row(json!([{"design_code": "D"}, {"design_code": "E"}])), 400, "0A000"),
        (row(json!("text")), 400, "PGRST102"),
        (change(Method::PATCH, "design_request_states"), 405, "25006"),
        (change(Method::DELETE, "design_request_events"), 405, "25006"),
        (change(Method::PUT, "design_request_answers_history"), 405, "25006"),
        (change(Method::POST, "design_request_events"), 405, "25006"),
        (change(Method::POST, "people"), 404, "PGRST205"),
        (read("design_request_events?request_id=eq.x'%20OR%20'1'='1"), 400, "22P02"),
        (read("design_request_events?select=*,products(*)&request_id=eq.1"), 400, "PGRST200"),
        (read("design_request_events"), 400, "0A000"),
        (read("design_requests?or=(id.eq.1,id.eq.2)"), 400, "0A000"),
        (read("design_requests%3BDROP%20TABLE%20x"), 404, "PGRST205"),
        (read("rpc/add_design_request_event"), 405, "PGRST101"),
    ]
    .map(|((method, path, body), status, code)| (method, path, body, status, code))
    .into()
}

/// Events and answers of the request `draft`, which costs 49.90 euro.
fn about_events() -> Vec<Attempt<'static>> {
    let paid = |data| event("draft", "PAYMENT_SUCCEEDED", data);
    let by = json!({"p_answer_text": "x", "p_created_by": "ada\r\nUser-Id: root"});
    [
        (event("draft", "DESIGN_STARTED", json!({})), 422, "not-while"),
        (event("draft", "DESIGN_COMPLETED", json!({})), 422, "not-while"),
        (event("draft", "REQUEST_SUBMITTED", json!({})), 400, "invalid"),
        (event("draft", "REQUEST_CREATED", json!({"design_code": "E"})), 422, "request-exists"),
        (event("draft", "REQUEST_DELETED'; --", json!({})), 400, "unknown-event-type"),
        (event("draft", "ANSWER_VERSIONED", json!({})), 400, "unknown-event-type"),
        (event("nobody", "REQUEST_CANCELLED", json!({})), 404, "not-found"),
        (event("no.body", "REQUEST_CANCELLED", json!({})), 400, "22P02"),
        (event("new", "REQUEST_CREATED", json!({"product_id": "nothing"})), 422, "unknown-product"),
        (paid(json!({"amount": 49.8, "currency": "eur"})), 422, "amount-mismatch"),
        (paid(json!({"amount": 49.9, "currency": "usd"})), 422, "currency-mismatch"),
        (paid(json!({"amount": -49.9, "currency": "eur"})), 422, "invalid-amount"),
        (paid(json!({"amount": 49.901, "currency": "eur"})), 422, "invalid-amount"),
        (paid(json!({"amount": 1, "currency": "coin"})), 422, "invalid-currency"),
        (
            event("draft", "PAYMENT_FEES_RECORDED", json!({"fee": 1, "net": 1})),
            422,
            "payment-not-found",
        ),
        (answer("nobody", &json!({"p_answer_text": "x"})), 404, "not-found"),
        (answer("draft", &json!({})), 422, "empty-answer"),
        (answer("draft", &json!({"p_answer_file_url": "javascript:alert(1)"})), 400, "invalid"),
        (answer("draft", &json!({"p_answer_text": "a\u{0}"})), 400, "invalid"),
        (answer("draft", &by), 400, "invalid"),
        (answer("draft", &json!({"p_nothing": 1})), 404, "PGRST202"),
        (answer("draft", &json!({"p_answer_text": "x".repeat(10 << 20)})), 413, "too-large"),
    ]
    .map(|((method, path, body), status, code)| (method, path, body, status, code))
    .into()
}

#[tokio::test]
async fn bad_input_is_refused_with_a_code_and_adds_nothing() {
    let shop = Shop::open().await;
    let draft = json!({"id": "draft", "design_code": "D-7"});
    let (status, _) =
        shop.ask(Method::POST, "/rest/v1/design_requests", Some(&shop.admin), Some(&draft)).await;
    assert_eq!(status, 201);
    let quote = r#"{"amount":4990,"currency":"eur"}"#;
    shop.installation.send(["design", "draft", "quote"], quote).await;
    let before = shop.log().await;
    for (method, path, body, expected, code) in about_rows().into_iter().chain(about_events()) {
        let body = Some(&body).filter(|body| !body.is_null());
        let (status, said) = shop.ask(method.clone(), &path, Some(&shop.admin), body).await;
        let asked =
            body.map_or_else(String::new, |body| body.to_string().chars().take(200).collect());
        assert_eq!(
            (status.as_u16(), &said["code"]),
            (expected, &json!(code)),
            "{method} {path} {asked}: {said}"
        );
        assert!(said["message"].as_str().is_some_and(|message| !message.is_empty()), "{said}");
        assert_eq!(shop.log().await, before, "{method} {path} {asked}");
    }
}

#[tokio::test]
async fn a_payment_of_less_than_the_product_costs_is_refused_though_nobody_quoted() {
    let shop = Shop::open().await;
    let (method, path, body) = row(json!({"id": "cheap", "product_id": "poster"}));
    assert_eq!(shop.ask(method, &path, Some(&shop.admin), Some(&body)).await.0, 201);
    for (data, code) in [
        (json!({"amount": 0.01, "currency": "usd"}), "no-price"),
        (json!({"amount": 0.01, "currency": "eur"}), "amount-mismatch"),
        (json!({"amount": 80, "currency": "jpy"}), "amount-mismatch"),
    ] {
        let (method, path, body) = event("cheap", "PAYMENT_SUCCEEDED", data);
        let (status, said) = shop.ask(method, &path, Some(&shop.admin), Some(&body)).await;
        assert_eq!((status.as_u16(), &said["code"]), (422, &json!(code)), "{said}");
    }
    assert_eq!(told(&shop, "cheap").await, json!(["REQUEST_CREATED"]), "not even a quote");
    // What Stripe has is taken in all the same, and does not pay for it.
    for (event_id, amount, currency) in [("evt_1", 0.01, "usd"), ("evt_2", 0.01, "eur")] {
        let data = json!({"amount": amount, "currency": currency, "stripe_event_id": event_id,
            "payment_intent_id": event_id});
        let (method, path, body) = event("cheap", "PAYMENT_SUCCEEDED", data);
        let (status, said) = shop.ask(method, &path, Some(&shop.admin), Some(&body)).await;
        assert_eq!(status, 200, "{said}");
    }
    let expected =
        ["REQUEST_CREATED", "PAYMENT_HELD", "REQUEST_QUOTED", "PAYMENT_UNFIT", "PAYMENT_UNFIT"];
    assert_eq!(told(&shop, "cheap").await, json!(expected));
}

#[tokio::test]
async fn what_is_posted_on_a_condition_is_refused_as_nobody_would_check_it() {
    let shop = Shop::open().await;
    let (method, rows, body) = row(json!({"id": "draft", "design_code": "D-7"}));
    assert_eq!(shop.ask(method, &rows, Some(&shop.admin), Some(&body)).await.0, 201);
    let log = shop.log().await;
    let (_, function, cancel) = event("draft", "REQUEST_CANCELLED", json!({}));
    let more = json!({"answers": [{"question_id": "q-1", "text": "blue"}]});
    for (path, body) in [(function.as_str(), cancel), ("/api/design-applications/draft", more)] {
        let body = (Some(body.to_string()), &[("if-match", "\"1\"")][..]);
        let (status, said) = shop.ask_with(Method::POST, path, Some(&shop.admin), body).await;
        assert_eq!((status.as_u16(), &said["code"]), (400, &json!("invalid")), "{path}: {said}");
    }
    assert_eq!(shop.log().await, log);
}

/// What has become of the request `id`.
async fn told(shop: &Shop, id: &str) -> Value {
    let path = format!("/rest/v1/design_request_events?select=event_type&request_id=eq.{id}");
    let (status, events) = shop.ask(Method::GET, &path, Some(&shop.client), None).await;
    assert_eq!(status, 200, "{events}");
    events.as_array().unwrap().iter().map(|event| event["event_type"].clone()).collect()
}

#[tokio::test]
async fn what_is_not_offered_cannot_be_asked_for_at_any_route_of_the_shop() {
    let shop = Shop::open().await;
    shop.installation.send(["product", "poster", "retire-product"], "{}").await;
    let before = shop.log().await;
    for (product, code) in [("nothing", "unknown-product"), ("poster", "product-retired")] {
        let of = json!({ "id": "new", "product_id": product });
        let application = (Method::POST, "/api/design-applications".to_owned(), of.clone());
        for (method, path, body) in
            [application, row(of.clone()), event("new", "REQUEST_CREATED", of)]
        {
            let (status, said) = shop.ask(method, &path, Some(&shop.admin), Some(&body)).await;
            assert_eq!((status.as_u16(), &said["code"]), (422, &json!(code)), "{path}: {said}");
            assert_eq!(shop.log().await, before, "{path}");
        }
    }
    // The command itself is decided by the request alone, and what has no price is never sold.
    let path = "/v1/commands/design/new/create-request";
    let body = json!({"product_id": "poster"});
    assert_eq!(shop.ask(Method::POST, path, Some(&shop.admin), Some(&body)).await.0, 201);
}

#[tokio::test]
async fn money_for_what_has_no_price_is_held_and_of_a_cancelled_request_none_is_asked() {
    let shop = Shop::open().await;
    let paid = json!({"amount": 12.5, "currency": "eur", "payment_intent_id": "pi_1"});
    let add = async |id: &str, kind: &str, data: &Value| {
        let (method, path, body) = event(id, kind, data.clone());
        let (status, said) = shop.ask(method, &path, Some(&shop.admin), Some(&body)).await;
        assert_eq!(status, 200, "{kind} of {id}: {said}");
        said
    };
    for id in ["retired", "cancelled"] {
        let (method, path, body) = row(json!({"id": id, "product_id": "poster"}));
        assert_eq!(shop.ask(method, &path, Some(&shop.admin), Some(&body)).await.0, 201);
    }
    add("cancelled", "REQUEST_CANCELLED", &json!({})).await;
    add("cancelled", "PAYMENT_SUCCEEDED", &paid).await;
    let expected =
        ["REQUEST_CREATED", "REQUEST_CANCELLED", "PAYMENT_SUCCEEDED", "REFUND_REQUESTED"];
    assert_eq!(told(&shop, "cancelled").await, json!(expected));

    shop.installation.send(["product", "poster", "retire-product"], "{}").await;
    add("retired", "PAYMENT_FAILED", &paid).await;
    let held = add("retired", "PAYMENT_SUCCEEDED", &paid).await;
    assert_eq!(add("retired", "PAYMENT_SUCCEEDED", &paid).await, held, "it is the same again");
    let expected = ["REQUEST_CREATED", "PAYMENT_FAILED", "PAYMENT_HELD"];
    assert_eq!(told(&shop, "retired").await, json!(expected));
}

#[tokio::test]
async fn who_may_not_is_told_so_in_the_form_that_the_client_reads() {
    let shop = Shop::open().await;
    let before = shop.log().await;
    let (method, path, body) = row(json!({"design_code": "D-7"}));
    let (status, said) = shop.ask(method.clone(), &path, None, Some(&body)).await;
    assert_eq!((status.as_u16(), &said["code"]), (401, &json!("unauthenticated")), "{said}");
    assert!(said["message"].is_string() && said.get("title").is_none(), "{said}");
    for kind in ["INTENT_CREATED", "SUCCEEDED", "FAILED", "CANCELLED", "FEES_RECORDED"] {
        let data = json!({"amount": 1, "currency": "eur", "fee": 1, "net": 1});
        let (method, path, body) = event("draft", &format!("PAYMENT_{kind}"), data);
        let (status, said) = shop.ask(method, &path, Some(&shop.client), Some(&body)).await;
        assert_eq!((status.as_u16(), &said["code"]), (403, &json!("forbidden")), "{kind}: {said}");
    }
    for (name, value) in [
        ("prefer", "return=representation,resolution=merge-duplicates"),
        ("prefer", "tx=rollback"),
        ("accept", "text/csv"),
        ("content-profile", "auth"),
    ] {
        let body = (Some(body.to_string()), &[(name, value)][..]);
        let (status, said) = shop.ask_with(method.clone(), &path, Some(&shop.client), body).await;
        assert!(matches!(status.as_u16(), 400 | 406), "{name}: {value}: {status} {said}");
    }
    assert_eq!(shop.log().await, before);
}
