//! `headwater handlers history`: who owned a handler, and who had it go through events again.
//! Not here: its dead letters; `headwater dlq show` has the history of each.

use anyhow::Result;
use chrono::SecondsFormat;
use clap::Args;
use infrastructure::{
    deadletter::Record,
    handler::{self, Told},
};
use serde_json::{Value, json};

use crate::{
    connection,
    options::{Global, JsonArgs},
    output::{Output, clean},
};

/// What `headwater handlers history` takes.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// The handler
    #[arg(value_name = "NAME")]
    handler: String,
    #[command(flatten)]
    json: JsonArgs,
}

pub(super) async fn run(global: &Global, args: &HistoryArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let client = connection::connect(global).await?;
    for told in handler::told_of(&client, &args.handler).await? {
        output.write(&value(&told)?, || line(&told))?;
    }
    Ok(())
}

fn value(told: &Told) -> Result<Value> {
    let record = match &told.record {
        Ok(record) => serde_json::from_slice(&record.encode()?)?,
        Err(error) => json!({"kind": "unreadable", "error": error.to_string()}),
    };
    Ok(json!({"sequence": told.sequence, "stored": told.time, "record": record}))
}

fn line(told: &Told) -> String {
    let (kind, text) = match &told.record {
        Ok(Record::Owned(it)) => {
            ("owned", format!("by {} in epoch {}", clean(&it.instance), it.epoch))
        }
        Ok(Record::Reset(it)) => {
            let (from, at, who, why) = (it.from, it.checkpoint, clean(&it.who), clean(&it.why));
            ("reset", format!("from {from}, seen at {at}, by {who}: {why} ({})", it.request))
        }
        Ok(Record::Rewound(it)) => {
            let (from, at, epoch) = (it.from, it.checkpoint, it.epoch);
            ("rewound", format!("from {at} back before {from} in epoch {epoch} ({})", it.request))
        }
        Ok(Record::Restored(it)) => {
            let (at, to, who, why) = (it.checkpoint, it.to, clean(&it.who), clean(&it.why));
            ("restored", format!("from {at} back to the log's end at {to}, by {who}: {why}"))
        }
        Ok(_) => ("other", String::new()),
        Err(error) => ("unreadable", clean(&error.to_string())),
    };
    let time = told.time.to_rfc3339_opts(SecondsFormat::Millis, true);
    format!("{:>8}  {time}  {kind:<10} {text}", told.sequence)
}
