//! `headwater dlq edit`: one failed event is handled with other data, which is checked before.

use anyhow::Result;
use clap::Args;
use infrastructure::{
    deadletter::{Action, DeadLetter, Json},
    problem::Problem,
};
use kit::{BadCommand, Unreadable, excerpt};
use nats::limits::{COMMAND_BYTES_MAX, COMMIT_BYTES_MAX};
use serde_json::{Value, json, value::RawValue};

use super::{
    ask::{Asker, Tally},
    filter, letter,
    wait::WaitArgs,
};
use crate::{
    contexts,
    exit::{Advised, Quietly},
    input::{self, Source},
    options::Global,
    output::{Output, outline},
    reader::Reader,
    repair::RepairArgs,
};

/// What `headwater dlq edit` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "The data is checked against the event's type first; the stored event stays \
as it is.

Examples:
  headwater dlq edit welcome person ada --json '{\"tag\":\"vip\"}' --why 'a typing error'
  headwater dlq edit welcome person ada --json @data.json --why 'a typing error' --yes --wait

Use --output json for output that machines read."
)]
pub(super) struct EditArgs {
    /// HANDLER AGGREGATE ID, or the key's subject
    #[arg(value_name = "KEY", num_args = 1..=3, required = true)]
    key: Vec<String>,
    /// The data to handle instead, @FILE, or - for standard input
    #[arg(long, value_name = "PAYLOAD")]
    json: String,
    /// The version of the data's shape [default: the current one]
    #[arg(long, value_name = "VERSION")]
    version: Option<u32>,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    repair: RepairArgs,
}

/// Data that can be read.
struct Checked {
    raw: Json,
    version: Option<u32>,
    /// What the service will see.
    current: Value,
}

pub(super) async fn run(global: &Global, args: EditArgs) -> Result<()> {
    let output = Output::new(global);
    let key = filter::key(&args.key)?;
    let payload = input::whole(&Source::of(args.json.clone())).await?;
    let letters = super::open(global).await?;
    let letter = filter::standing(&letters, &key).await?;
    let checked = check(&letter, args.version, &payload)?;
    if !args.repair.yes {
        let value = json!({
            "status": "planned",
            "action": "override",
            "handler": key.handler,
            "aggregate": key.aggregate,
            "id": key.id,
            "event": letter.parked.event,
            "schema_version": checked.version,
            "data": checked.current,
        });
        output.write(&value, || {
            let (at, kind) = (letter.parked.event.at, letter.parked.event.kind.as_deref());
            format!(
                "would hand {} the event {} at {at} with\n{}\nNothing has been done: repeat it with \
                 --yes.",
                key.handler,
                kind.unwrap_or_default(),
                outline(&checked.current)
            )
        })?;
        return Err(Quietly(2).into());
    }
    let repair = &args.repair;
    let asker = Asker { output, letters, action: Action::Override, repair, selection: None };
    let asked = asker.ask(&letter, Some((checked.raw, checked.version))).await?;
    let tally = Tally::of(asked.is_none());
    asker
        .finish(args.wait, asked.map(|sequence| (key, sequence)).into_iter().collect(), tally)
        .await
}

/// Reads `payload` as the service would read it in the place of the failed event or command.
fn check(letter: &DeadLetter, version: Option<u32>, payload: &[u8]) -> Result<Checked> {
    let event = &letter.parked.event;
    let is_command = letter.key.handler == letter::COMMANDS;
    let Some(kind) = event.kind.as_ref().filter(|_| is_command || event.id.is_some()) else {
        let what = if is_command { "the subject" } else { "the whole commit" };
        let detail = format!("{what} cannot be read: other data would not help");
        return Err(Problem::invalid(detail).into());
    };
    let (aggregate, name) = kind.split_once('.').unwrap_or((kind, ""));
    let reader = contexts::reader(aggregate)?;
    if is_command {
        return command(reader, kind, (name, version), payload);
    }
    let known = reader.kinds.iter().find(|known| known.name == name);
    let known = known.ok_or_else(|| {
        Problem::not_found(format!("{:?} is no event of this service", excerpt(kind)))
    })?;
    let version = version.unwrap_or(known.version);
    let current = reader.upcast(name, version, payload).map_err(|error| match error {
        Unreadable::Shape { source, .. } => {
            Problem::invalid(format!("this is no data of {kind} version {version}: {source}"))
        }
        _ => Problem::not_found(format!("{kind} has the versions 1 to {}", known.version)),
    })?;
    checked((payload, COMMIT_BYTES_MAX), Some(version), &current)
}

/// The same of a command's body, which has no versions.
fn command(
    reader: Reader,
    kind: &str,
    (name, version): (&str, Option<u32>),
    payload: &[u8],
) -> Result<Checked> {
    if version.is_some() {
        let advice = "Leave --version out: the body of a command has none.";
        return Err(Advised::usage(format!("{kind} is a command"), advice).into());
    }
    let current = reader.command(name, payload).map_err(|error| match error {
        BadCommand::Unknown(_) => {
            Problem::not_found(format!("{:?} is no command of this service", excerpt(kind)))
        }
        BadCommand::Body(why) => Problem::invalid(format!("this is no body of {kind}: {why}")),
    })?;
    checked((payload, COMMAND_BYTES_MAX), None, &current)
}

fn checked(
    (payload, most): (&[u8], usize),
    version: Option<u32>,
    current: &[u8],
) -> Result<Checked> {
    let bytes = payload.len();
    if bytes > most {
        let detail = format!("the data has {bytes} bytes, {most} are allowed");
        return Err(Problem::too_large(detail).into());
    }
    let raw = RawValue::from_string(String::from_utf8(payload.to_vec())?)?;
    Ok(Checked { raw: Json(raw), version, current: serde_json::from_slice(current)? })
}
