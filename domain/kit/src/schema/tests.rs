use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::*;
use crate::AggregateId;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Home,
    Work,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only read into")]
enum Way {
    Mail { to: String },
    Call(u8),
    Nothing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read into")]
struct Place {
    street: String,
    #[serde(default)]
    floor: i16,
    kind: Option<Kind>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read into")]
struct Whole {
    id: AggregateId,
    at: DateTime<Utc>,
    day: Option<NaiveDate>,
    key: Uuid,
    amount: i64,
    share: f64,
    places: Vec<Place>,
    prices: BTreeMap<String, u32>,
    pair: (u8, u8),
    way: Way,
    notes: Value,
    #[serde(default)]
    inner: Option<Box<Self>>,
}

fn example() -> Value {
    json!({
        "id": "a", "at": "2026-11-21T12:00:00Z", "key": Uuid::nil(), "amount": 1, "share": 0.5,
        "places": [{"street": "x"}], "prices": {"eur": 1}, "pair": [1, 2], "way": "nothing",
        "notes": null,
    })
}

#[test]
fn a_schema_says_what_the_reader_asks_for() {
    let example = example();
    let schema = of::<Whole>(Some(&example));
    let properties = &schema["properties"];
    for (field, expected) in [
        ("id", json!({"type": "string"})),
        ("at", json!({"type": "string", "format": "date-time"})),
        ("day", json!({"type": ["string", "null"], "format": "date"})),
        ("key", json!({"type": "string", "format": "uuid"})),
        ("amount", json!({"type": "integer", "format": "int64"})),
        ("share", json!({"type": "number"})),
        (
            "prices",
            json!({"type": "object", "additionalProperties":
                {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32}}),
        ),
        ("pair", json!({"type": "array", "minItems": 2, "maxItems": 2})),
        ("notes", json!({})),
    ] {
        assert_eq!(properties[field], expected, "{field}");
    }
    assert_eq!(
        properties["places"]["items"],
        json!({
            "type": "object",
            "properties": {
                "street": {"type": "string"},
                "floor": {"type": "integer", "minimum": -32_768, "maximum": 32_767},
                "kind": {"anyOf": [
                    {"type": "string", "enum": ["home", "work"]}, {"type": "null"}]},
            },
            "required": ["street"],
            "additionalProperties": false,
        })
    );
}

#[test]
fn what_must_be_there_is_what_the_example_is_not_read_without() {
    let schema = of::<Whole>(Some(&example()));
    let required: Vec<_> = schema["required"].as_array().unwrap().clone();
    let all = ["id", "at", "key", "amount", "share", "places", "prices", "pair", "way", "notes"];
    assert_eq!(required, all);
    assert!(of::<Whole>(None).get("required").is_none());
    assert!(schema.get("additionalProperties").is_none(), "it takes unknown fields");
}

#[test]
fn each_case_of_an_enum_has_its_own_form() {
    let way = &of::<Whole>(None)["properties"]["way"]["oneOf"];
    assert_eq!(way[0], json!({"type": "string", "enum": ["nothing"]}));
    assert_eq!(way[1]["properties"]["mail"]["properties"], json!({"to": {"type": "string"}}));
    assert_eq!(way[2]["properties"]["call"]["maximum"], 255);
    assert_eq!(way[2]["required"], json!(["call"]));
}

#[test]
fn a_type_that_holds_itself_has_an_end() {
    let text = of::<Whole>(None).to_string();
    assert!(text.contains("inner"));
}
