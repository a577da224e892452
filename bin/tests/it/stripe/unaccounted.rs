//! Money that pays for nothing is seen by whoever looks after the service.

use serde_json::{Value, json};
use tests::{LIMIT, StripeEvent, eventually};

use super::world::World;
use crate::kit::{Finished, binary, finish};

async fn run(world: &World, arguments: &[&str]) -> Finished {
    let mut command = binary().await;
    command.args(arguments).args(["--nats", world.server.url()]);
    finish(command, "").await
}

#[tokio::test]
async fn the_doctor_warns_of_money_that_pays_for_nothing_and_one_query_lists_it() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let intent = world.intent("r-1").await;
    let paid = world.fake.pay(&intent);
    // As if it had been made elsewhere.
    let text = paid.text.replace("\"r-1\"", "\"r-9\"");
    world.bring(&[StripeEvent { text, ..paid.clone() }]).await;
    assert_eq!(world.set_aside(&paid.id).await, "not-found");
    let now = json!({"after": world.commits().await, "wait_ms": 30_000});
    world.client.query("stripe-inbox", "unaccounted", &now).await.unwrap();

    let report: Value = eventually("the doctor finds an instance", LIMIT, async || {
        serde_json::from_str(&run(&world, &["doctor", "--json"]).await.stdout).ok()
    })
    .await;
    let warnings = report["warnings"].as_array().unwrap().iter().filter_map(Value::as_str);
    let expected = "money that pays for nothing: payments 1 (49.00 EUR); `headwater query \
                    stripe-inbox unaccounted` lists it";
    assert_eq!(warnings.filter(|told| told.contains("money")).collect::<Vec<_>>(), [expected]);

    let listed = run(&world, &["query", "stripe-inbox", "unaccounted", "--json"]).await;
    let rows = listed.json().remove(0)["rows"].clone();
    let told = ["id", "intent_id", "request_id", "amount", "currency", "status", "code"];
    assert_eq!(
        json!(told.map(|column| rows[0][column].clone())),
        json!([paid.id, intent, "r-9", 49.0, "eur", "set-aside", "not-found"])
    );
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    assert!(world.service.stop().await);
}
