//! What is answered, on the wire.

use infrastructure::{client::Client, request::Status};
use kit::Version;
use serde_json::{Value, json};
use tests::Server;

use super::{CREATE, Stand, TAG, command};

#[tokio::test]
async fn a_reply_and_a_refusal_on_the_wire() {
    let stand = Stand::start().await;
    let created = stand.raw("command.person.ada.create-person", &[], CREATE).await;
    assert_eq!(created.headers, None);
    let reply: Value = serde_json::from_slice(&created.payload).unwrap();
    insta::assert_json_snapshot!("committed", reply, { ".events[].id" => "[uuid]" });

    let headers = [("Expected-Version", "9")];
    let refused = stand.raw("command.person.ada.tag", &headers, TAG).await;
    let mut lines: Vec<_> = refused
        .headers
        .iter()
        .flat_map(|map| map.iter().map(|(name, values)| format!("{name}: {}", values[0])))
        .collect();
    lines.sort();
    lines.push(String::from_utf8(refused.payload.to_vec()).unwrap());
    insta::assert_snapshot!("refused", lines.join("\n"));

    let domain = stand.refusal("command.person.nobody.tag", &[], TAG).await;
    insta::assert_json_snapshot!("refused-by-the-domain", domain);
}

#[tokio::test]
async fn the_same_command_again_gets_the_first_answer_and_asking_for_what_is_so_changes_nothing() {
    let stand = Stand::start().await;
    let request = command("ada", "create-person", CREATE).identified();
    let first = stand.client.send(&request).await.unwrap();
    let again = stand.client.send(&request).await.unwrap();
    assert_eq!((first.status, again.status), (Status::Committed, Status::Replayed));
    assert_eq!(first.events, again.events);
    let tag = stand.client.send(&command("ada", "tag", TAG)).await.unwrap();
    let same = stand.client.send(&command("ada", "tag", TAG)).await.unwrap();
    assert_eq!((tag.status, same.status), (Status::Committed, Status::Unchanged));
    assert_eq!((same.version, same.position), (Version(first.version.0 + 1), tag.position));
    assert_eq!(stand.commits().await, 2);
}

#[tokio::test]
async fn tools_find_every_command_in_the_catalogue() {
    let stand = Stand::start().await;
    let info = stand.raw("$SRV.INFO.headwater", &[], "").await;
    let info: Value = serde_json::from_slice(&info.payload).unwrap();
    let endpoints = info["endpoints"].as_array().unwrap();
    let commands = endpoints.iter().find(|each| each["subject"] == "command.>").unwrap();
    let catalogue = commands["metadata"]["commands"].as_str().unwrap();
    let catalogue: Value = serde_json::from_str(catalogue).unwrap();
    let tag = catalogue["person"].as_array().unwrap().iter().find(|each| each["name"] == "tag");
    let expected = json!({
        "name": "tag",
        "fields": [{"name": "tag", "type": "string", "required": true}],
        "example": {"tag": "vip"},
    });
    assert_eq!(tag, Some(&expected));
}

#[tokio::test]
async fn without_a_service_the_client_says_what_to_start() {
    let server = Server::start().await;
    let client = Client::new(server.client().await);
    let problem = client.send(&command("ada", "tag", TAG)).await.unwrap_err();
    assert_eq!(problem.code, "unavailable");
    assert!(problem.detail.contains("headwater serve"), "{}", problem.detail);
    let problem = client.enqueue(&command("ada", "tag", TAG)).await.unwrap_err();
    assert_eq!(problem.code, "unavailable", "{}", problem.detail);
}
