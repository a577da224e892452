//! `headwater upcast`: what becomes of a payload that an older version wrote.

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    arguments::Global,
    contexts,
    exit::Advised,
    input::{self, Source},
    output::{Output, outline},
};

/// What `headwater upcast` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater upcast --type person.name-changed --version 1 --json '{…}'
  headwater upcast --type person.person-created --version 1 < payload.json")]
pub struct UpcastArgs {
    /// The event's type, such as person.person-created
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// The version that wrote the payload
    #[arg(long)]
    version: u32,
    /// The payload; without it, standard input is read
    #[arg(long, value_name = "PAYLOAD")]
    json: Option<String>,
}

/// Reads the payload as the service would, and prints its current shape.
///
/// # Errors
/// If there is no such event or version, or the payload does not have its shape.
pub async fn run(global: &Global, args: UpcastArgs) -> Result<()> {
    let source = args.json.map_or(Source::Stdin, Source::Text);
    let payload = input::whole(&source).await?;
    let (aggregate, name) = args.kind.split_once('.').unwrap_or((&args.kind, ""));
    let reader = contexts::readers().into_iter().find(|reader| reader.aggregate == aggregate);
    let kind = reader.and_then(|reader| reader.kinds.iter().find(|kind| kind.name == name));
    let (Some(reader), Some(kind)) = (reader, kind) else {
        return Err(unknown(&args.kind));
    };
    let data = reader.upcast(name, args.version, &payload).with_context(|| {
        Advised::new(
            format!("this is no payload of {} version {}", args.kind, args.version),
            "Payloads of every version ever written are in domain/tests/wire.",
        )
    })?;
    let data: Value = serde_json::from_slice(&data)?;
    let answer = json!({
        "type": args.kind,
        "from": args.version,
        "to": kind.version,
        "data": data,
    });
    Output::new(global).write(&answer, || {
        let heading = format!("{}: version {} becomes {}", args.kind, args.version, kind.version);
        format!("{heading}\n{}", outline(&data))
    })
}

fn unknown(kind: &str) -> anyhow::Error {
    let known = contexts::readers().into_iter().flat_map(|reader| {
        reader.kinds.iter().map(move |kind| format!("  {}.{}", reader.aggregate, kind.name))
    });
    let known = known.collect::<Vec<_>>().join("\n");
    Advised::new(format!("{kind} is no event of this service"), format!("There are:\n{known}"))
        .into()
}
