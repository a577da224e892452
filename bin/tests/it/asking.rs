//! Asking what there is: commands, projections, pages.

use serde_json::json;

use crate::kit::Installation;

#[tokio::test]
async fn the_commands_are_listed_with_their_fields_as_the_service_has_them() {
    let installation = Installation::start().await;
    let all = installation.run(&["commands", "--json"]).await.json();
    for (aggregate, name) in [("person", "create-person"), ("onboarding", "start-onboarding")] {
        let listed = all.iter().find(|each| each["name"] == name).unwrap();
        assert_eq!(listed["aggregate"], aggregate);
    }
    assert!(all.iter().all(|each| each["example"].is_object()), "each has a body to start from");

    let person = installation.run(&["commands", "person"]).await;
    for line in [
        "person add-contact",
        "  * kind             string",
        "    contact_id       string",
        "    use              one of home, work, mobile, other",
        "  * name             object of given, family, prefix, suffix",
        "    external_ids     array of object of system, value",
        r#"    {"tag":"vip"}"#,
    ] {
        assert!(person.ok().lines().any(|said| said == line), "{line:?} in {}", person.stdout);
    }
    assert!(!person.stdout.contains("start-onboarding"), "{}", person.stdout);
    assert_eq!(installation.run(&["commands", "animal"]).await.code, Some(5));
    let fly = installation.run(&["send", "person", "ada", "fly"]).await;
    assert!(fly.stderr.contains("headwater commands"), "{fly:?}");
}

#[tokio::test]
async fn an_example_of_a_command_can_be_sent_as_it_stands() {
    let installation = Installation::start().await;
    let person = installation.run(&["commands", "person", "--json"]).await.json();
    for listed in person {
        let (name, body) = (listed["name"].as_str().unwrap(), listed["example"].to_string());
        let sent = installation.run(&["send", "person", "ada", name, "--json", &body]).await;
        assert!(matches!(sent.code, Some(0 | 3 | 5)), "it is read and decided: {name} {sent:?}");
    }
}

#[tokio::test]
async fn a_projection_or_query_that_does_not_exist_is_not_found_and_those_there_are_are_named() {
    let installation = Installation::start().await;
    for arguments in [["query", "persons", "get"], ["query", "Per sons", "get"]] {
        let refused = installation.run(&arguments).await;
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(refused.stderr.starts_with("unknown-query: "), "{refused:?}");
    }
    let unknown = installation.run(&["query", "persons", "get"]).await;
    assert!(unknown.stderr.contains("directory, onboarding-board, people"), "{unknown:?}");
    for (projection, known) in [
        ("people", "count, get and list"),
        ("commands", "result"),
        ("skills", "holders(skill, at_least?, certified_on?, available?)"),
    ] {
        let unknown = installation.run(&["query", projection, "fly"]).await;
        assert_eq!(unknown.code, Some(5), "{unknown:?}");
        assert!(unknown.stderr.contains(known), "{unknown:?}");
    }
}

#[tokio::test]
async fn the_place_of_the_next_page_can_be_pasted_into_a_shell() {
    let installation = Installation::start().await;
    let mut last = json!(0);
    for id in ["a", "b", "c"] {
        last = installation.create(id).await["position"].clone();
    }
    let list = ["query", "directory", "list", "--limit", "2", "--after", &last.to_string()];
    let page = installation.run(&list).await;
    let cursor = page.ok().lines().find_map(|line| line.strip_prefix("more: --cursor ")).unwrap();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    assert!(cursor.bytes().all(word), "{cursor}");
    let next =
        installation.run(&[&list[..], &["--cursor", cursor, "--json"]].concat()).await.json();
    assert_eq!(next[0]["documents"].as_array().unwrap().len(), 1);
    let bad = installation.run(&[&list[..], &["--cursor", "nonsense"]].concat()).await;
    assert_eq!(bad.code, Some(7), "{bad:?}");
}

#[tokio::test]
async fn a_bad_body_is_refused_in_the_words_of_the_wire() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let contact = r#"{"kind":"email","value":7}"#;
    let component = r#"{"component_type":"website","data":{"link":"x"}}"#;
    for (command, body, words) in [
        ("tag", "{}", "tag: /tag is missing"),
        ("tag", r#"{"tag":5}"#, "tag: /tag: expected a string, found a number"),
        ("tag", r#"{"tug":"x"}"#, "tag: /tug is no field here; there is `tag`"),
        ("tag", r#"{"tag":"x""#, "tag: this is not JSON: EOF while parsing an object"),
        ("tag", "[]", "tag: the body: expected an object, found an array"),
        ("change-name", r#"{"name":"Ada"}"#, "change-name: /name: expected an object"),
        ("add-contact", contact, "add-contact: /value: expected a string, found a number"),
        ("add-component", component, "add-component: /data/link is no field here"),
    ] {
        let sent = installation.run(&["send", "person", "ada", command, "--json", body]).await;
        assert_eq!(sent.code, Some(7), "{sent:?}");
        assert!(sent.stderr.starts_with(&format!("invalid: {words}")), "{sent:?}");
    }
    let query = ["query", "directory", "list", "--param", "colour=red"];
    let refused = installation.run(&query).await;
    assert!(refused.stderr.starts_with("invalid: parameters: /colour is no field"), "{refused:?}");
    let upcast = ["upcast", "--type", "person.name-changed", "--version", "1", "--json", "{}"];
    let refused = installation.run(&upcast).await;
    assert!(refused.stderr.contains("/given is missing"), "{refused:?}");
}
