//! `headwater upcast`: what becomes of a payload that an older version wrote.

use anyhow::Result;
use clap::Args;
use infrastructure::problem::Problem;
use kit::{Unreadable, excerpt};
use serde_json::{Value, json};

use crate::{
    contexts,
    exit::Advised,
    input::{self, Source},
    options::Global,
    output::{Output, clean, outline},
    reader::Reader,
};

/// What `headwater upcast` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater upcast --type person.name-changed --version 1 --json '{…}'
  headwater upcast --type person.person-created --version 1 < payload.json

Use --output json for output that machines read.")]
pub struct UpcastArgs {
    /// The event's type, such as person.person-created
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// The version that wrote the payload
    #[arg(long)]
    version: u32,
    /// The payload, or @FILE; without it, standard input is read
    #[arg(long, value_name = "PAYLOAD")]
    json: Option<String>,
}

/// Reads the payload as the service would, and prints its current shape.
///
/// # Errors
/// If there is no such event or version, or the payload does not have its shape.
pub async fn run(global: &Global, args: UpcastArgs) -> Result<()> {
    let (aggregate, name) = args.kind.split_once('.').unwrap_or((&args.kind, ""));
    let reader = contexts::readers().into_iter().find(|reader| reader.aggregate == aggregate);
    let kind = reader.and_then(|reader| reader.kinds.iter().find(|kind| kind.name == name));
    let (Some(reader), Some(kind)) = (reader, kind) else {
        return Err(unknown(&args.kind, reader));
    };
    let payload = input::whole(&args.json.map_or(Source::Stdin, Source::of)).await?;
    let data = reader.upcast(name, args.version, &payload).map_err(|error| match error {
        Unreadable::Shape { source, .. } => {
            let (kind, version) = (&args.kind, args.version);
            let detail = format!("this is no payload of {kind} version {version}: {source}");
            Problem::invalid(detail)
        }
        _ => Problem::not_found(format!("{} has the versions 1 to {}", args.kind, kind.version)),
    })?;
    let data: Value = serde_json::from_slice(&data)?;
    let gone = gone(&serde_json::from_slice(&payload)?, &data);
    let answer = json!({
        "type": args.kind,
        "from": args.version,
        "to": kind.version,
        "data": data,
        "gone": gone,
    });
    Output::new(global).write(&answer, || {
        let heading = format!("{}: version {} becomes {}", args.kind, args.version, kind.version);
        let text = format!("{heading}\n{}", outline(&data));
        match gone.is_empty() {
            true => text,
            false => {
                format!("{text}\ngone, as no field holds it any more: {}", clean(&gone.join(", ")))
            }
        }
    })
}

/// The fields of `old` that `new` does not have, and whose values stand nowhere in it.
fn gone(old: &Value, new: &Value) -> Vec<String> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    leaves(old, "", &mut before);
    leaves(new, "", &mut after);
    let is_kept = |(path, value): &&(String, &Value)| {
        after.iter().any(|(other, kept)| path == other || value == kept)
    };
    before.iter().filter(|leaf| !is_kept(leaf)).map(|(path, _)| path.clone()).collect()
}

/// Every value in `value` that holds no others, with the way to it.
fn leaves<'a>(value: &'a Value, path: &str, into: &mut Vec<(String, &'a Value)>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        _ => format!("{path}.{name}"),
    };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, &below(name), into));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, value)| leaves(value, &below(&at.to_string()), into));
        }
        Value::Null => {}
        _ => into.push((path.to_owned(), value)),
    }
}

/// Names the events of the aggregate that was meant, or of all if there is no such aggregate.
fn unknown(kind: &str, meant: Option<Reader>) -> anyhow::Error {
    let readers = meant.map_or_else(contexts::readers, |reader| vec![reader]);
    let known = readers.iter().flat_map(|reader| {
        reader.kinds.iter().map(move |kind| format!("  {}.{}", reader.aggregate, kind.name))
    });
    let known = known.collect::<Vec<_>>().join("\n");
    let problem = Problem::not_found(format!("{:?} is no event of this service", excerpt(kind)));
    anyhow::Error::from(problem).context(Advised::new("", format!("There are:\n{known}")))
}
