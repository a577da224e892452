//! `headwater query`: asks a projection.

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value};

use crate::{
    connection,
    options::{Global, JsonArgs},
    output::{Output, outline},
};

/// What `headwater query` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater query people get --key ada --after 12
  headwater query directory list --where name=lovel --where tag=vip --limit 20
  headwater query directory count --by lifecycle
  headwater query skills holders --param skill=rust --param at_least=advanced
  headwater query commands result --param command_id=0197…")]
pub struct QueryArgs {
    /// The projection
    projection: String,
    /// The query: get, list or count, or what the projection declares
    name: String,
    /// Which document
    #[arg(long)]
    key: Option<String>,
    /// Only documents with this value in this field; may be given several times
    #[arg(long = "where", value_name = "FIELD=VALUE", value_parser = pair)]
    wheres: Vec<(String, String)>,
    /// The field to count by
    #[arg(long, value_name = "FIELD")]
    by: Option<String>,
    /// Wait until the projection has reached this position
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    /// How long to wait for it, in milliseconds
    #[arg(long, value_name = "MILLISECONDS")]
    wait_ms: Option<u64>,
    /// Most documents or rows in the answer
    #[arg(long)]
    limit: Option<u64>,
    /// Where the previous page ended: its `next`
    #[arg(long)]
    cursor: Option<String>,
    /// A parameter that the projection declares; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    #[command(flatten)]
    json: JsonArgs,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn texts(pairs: Vec<(String, String)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}

impl QueryArgs {
    fn params(self) -> Map<String, Value> {
        let mut params = texts(self.param);
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                params.insert(name.to_owned(), value);
            }
        };
        set("key", self.key.map(Value::from));
        set("by", self.by.map(Value::from));
        set("after", self.after.map(Value::from));
        set("wait_ms", self.wait_ms.map(Value::from));
        set("limit", self.limit.map(Value::from));
        set("cursor", self.cursor.map(Value::from));
        if !self.wheres.is_empty() {
            set("where", Some(Value::Object(texts(self.wheres))));
        }
        params
    }
}

/// Asks, and prints the answer.
///
/// # Errors
/// The service's problem.
pub async fn run(global: &Global, args: QueryArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let client = connection::client(global).await?;
    let (projection, name) = (args.projection.clone(), args.name.clone());
    let answer = client.query(&projection, &name, &args.params()).await?;
    if output.is_json() {
        return output.line(answer.get());
    }
    let answer: Value = serde_json::from_str(answer.get())?;
    output.line(human(&answer))
}

/// The documents or rows first, then where they stand.
fn human(answer: &Value) -> String {
    let many = answer.get("documents").or_else(|| answer.get("rows"));
    let mut text = match (many, answer.get("document"), answer.get("counts")) {
        (Some(Value::Array(documents)), ..) if documents.is_empty() => "(none)".to_owned(),
        (Some(Value::Array(documents)), ..) => {
            documents.iter().map(outline).collect::<Vec<_>>().join("\n\n")
        }
        (_, Some(document), _) => outline(document),
        (_, _, Some(counts)) => outline(counts),
        _ => return outline(answer),
    };
    if let Some(position) = answer.get("position") {
        text.push_str(&format!("\n\nat position {position}"));
    }
    if answer.get("status").and_then(Value::as_str) == Some("parked") {
        text.push_str(", without what waits behind a dead letter");
    }
    if let Some(parked) = answer.get("parked").filter(|parked| parked.as_u64() > Some(0)) {
        text.push_str(&format!(", {parked} parked"));
    }
    if let Some(next) = answer.get("next").and_then(Value::as_str) {
        text.push_str(&format!("\nmore: --cursor {next}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_shown_like_documents_and_what_is_missing_from_them_is_told() {
        let answer = serde_json::json!({
            "status": "parked", "position": 12, "parked": 1, "next": null,
            "rows": [{"skill": "rust", "people": 2}],
        });
        let expected = "people: 2\nskill: rust\n\nat position 12, without what waits behind a dead \
                        letter, 1 parked";
        assert_eq!(human(&answer), expected);
        let none = serde_json::json!({"rows": [], "position": 12});
        assert_eq!(human(&none), "(none)\n\nat position 12");
    }

    #[test]
    fn a_page_says_how_to_get_the_next_one() {
        let answer = serde_json::json!({
            "status": "ready", "position": 12, "parked": 1, "next": "abc",
            "documents": [{"name": "Ada"}, {"name": "Grace"}],
        });
        let expected = "name: Ada\n\nname: Grace\n\nat position 12, 1 parked\nmore: --cursor abc";
        assert_eq!(human(&answer), expected);
    }
}
