//! What browsers are told: nothing, unless a page's origin is listed.

use gateway::access::{AccessFile, ApiKey, Origins};
use reqwest::Method;

use super::house::{Answer, House, Setting, entry};

const PAGE: &str = "https://www.example.org";

async fn preflight(house: &House, origin: &str) -> Answer {
    let request = house.http.request(Method::OPTIONS, format!("{}/who", house.url));
    let request = request.header("origin", origin).header("access-control-request-method", "GET");
    Answer::of(request.header("access-control-request-headers", "apikey,prefer")).await
}

#[tokio::test]
async fn without_a_list_no_page_from_elsewhere_may_ask() {
    let (house, key) = House::with_key("admin").await;
    let refused = preflight(&house, PAGE).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, ""));
    let bearer = format!("Bearer {}", key.reveal());
    let answer = house.ask(&[("origin", PAGE), ("authorization", &bearer)]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn only_pages_of_the_list_may_ask_and_they_see_refusals() {
    let key = ApiKey::generate().unwrap();
    let file = AccessFile { keys: vec![entry(&key, "admin")], ..AccessFile::default() };
    let origins = Origins::of([PAGE]).unwrap();
    let house = House::start_with(file, Setting { origins, ..Setting::default() }).await;
    let allowed = preflight(&house, PAGE).await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, PAGE));
    let headers = allowed.header("access-control-allow-headers").to_owned();
    assert!(headers.contains("apikey") && headers.contains("prefer"), "{headers}");
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    let other = preflight(&house, "https://www.example.net").await;
    assert_eq!(other.header("access-control-allow-origin"), "");
    let refused = house.ask(&[("origin", PAGE)]).await;
    refused.refused(401, "unauthenticated", "send a key");
    assert_eq!(refused.header("access-control-allow-origin"), PAGE);
}
