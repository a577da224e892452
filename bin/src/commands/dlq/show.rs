//! `headwater dlq show`: one key, what failed, and everything that was done about it.

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use infrastructure::{
    deadletter::{Body, DeadLetter, DeadLetters, Entry, Key, Record},
    problem::Problem,
};
use serde_json::{Value, json};

use super::{export, filter, letter, problem};
use crate::{
    connection,
    options::{Global, JsonArgs},
    output::{Output, clean, outline},
};

/// What `headwater dlq show` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater dlq show onboarding-driver person ada
  headwater dlq show onboarding-driver person ada --payload --json")]
pub(super) struct ShowArgs {
    /// HANDLER AGGREGATE ID, or the key's subject
    #[arg(value_name = "KEY", num_args = 1..=3, required = true)]
    key: Vec<String>,
    /// Show the stored message and the data of overrides, too: they hold personal data
    #[arg(long)]
    payload: bool,
    #[command(flatten)]
    json: JsonArgs,
}

pub(super) async fn run(global: &Global, args: ShowArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let key = filter::key(&args.key)?;
    let client = connection::connect(global).await?;
    let letters = DeadLetters::open(&client).await.map_err(problem)?;
    let history = letters.history(&key).await.map_err(problem)?;
    if history.is_empty() {
        let detail = format!("nothing was ever recorded about {key}");
        return Err(Problem::not_found(detail).into());
    }
    let mut stands = letters.get(&key).await.map_err(problem)?;
    let mut waiting = None;
    if let Some(letter) = &mut stands {
        // Nothing waits behind a command.
        if key.handler != letter::COMMANDS {
            waiting = Some(letters.waiting(letter).await.map_err(problem)?);
        }
        if args.payload {
            export::complete(&client, letter).await?;
        }
    }
    let records = history.iter().map(|entry| told(entry, args.payload));
    let records = records.collect::<Result<Vec<_>>>()?;
    let mut value = json!({"key": named(&key), "head": null, "waiting": waiting});
    if let Some(letter) = &stands {
        value["head"] = export::value(letter, args.payload);
    }
    value["history"] = Value::Array(records);
    output.write(&value, || {
        let mut lines = vec![format!("{} {} {}", key.handler, key.aggregate, key.id)];
        match &stands {
            None => lines.push("  does not stand still".to_owned()),
            Some(letter) => head(&mut lines, letter, waiting, args.payload),
        }
        lines.push("history".to_owned());
        lines.extend(history.iter().map(line));
        lines.join("\n")
    })
}

fn named(key: &Key) -> Value {
    json!({"handler": key.handler, "aggregate": key.aggregate, "id": key.id})
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn head(lines: &mut Vec<String>, letter: &DeadLetter, waiting: Option<u64>, payload: bool) {
    let DeadLetter { parked, at, .. } = letter;
    let kind = clean(parked.event.kind.as_deref().unwrap_or("what cannot be read"));
    let id = parked.event.id.map(|id| format!(" {id}")).unwrap_or_default();
    let (class, standing) = (letter::class(parked.class), letter::standing(letter));
    lines.push(format!("  stands still at {at} ({standing}), class {class}"));
    let what = if waiting.is_some() { "event" } else { "command" };
    lines.push(format!("  {what:<9} {kind}{id} at {}", parked.event.at));
    for (index, error) in parked.errors.iter().enumerate() {
        let title = if index == 0 { "error" } else { "because" };
        lines.push(format!("  {title:<9} {}", clean(error)));
    }
    let (first, last) = (time(parked.first), time(parked.last));
    lines.push(format!("  attempts  {}, the first {first}, the last {last}", parked.attempts));
    for attempt in &parked.recent {
        lines.push(format!("            {} {}", time(attempt.time), clean(&attempt.error)));
    }
    if let Some(waiting) = waiting {
        lines.push(format!("  waiting   {waiting} commits behind it"));
    }
    let original = &parked.original;
    let size = match &original.body {
        Body::Text(text) => text.len(),
        Body::Base64(text) => text.len() / 4 * 3,
        Body::LeftOut(bytes) => *bytes,
    };
    lines.push(format!("  original  {}, {size} bytes", clean(&original.subject)));
    match &original.body {
        Body::Text(text) if payload => {
            let shown = serde_json::from_str(text).map(|value: Value| outline(&value));
            let shown = shown.unwrap_or_else(|_| clean(text));
            lines.extend(shown.lines().map(|line| format!("            {line}")));
        }
        Body::Base64(text) if payload => lines.push(format!("            base64 {text}")),
        _ => {}
    }
}

/// One record for machines; what may hold personal data only if that is wanted.
fn told(entry: &Entry, payload: bool) -> Result<Value> {
    let mut value = match &entry.record {
        Ok(record) => serde_json::from_slice(&record.encode()?)?,
        Err(error) => json!({"kind": "unreadable", "error": error.to_string()}),
    };
    if !payload && let Some(fields) = value.as_object_mut() {
        fields.remove("data");
        fields.remove("original");
    }
    Ok(json!({"sequence": entry.sequence, "stored": entry.time, "record": value}))
}

/// One record for people.
fn line(entry: &Entry) -> String {
    let asked = |who: &str, why: &str| format!("by {}: {}", clean(who), clean(why));
    let (kind, text) = match &entry.record {
        Ok(Record::Parked(it)) => {
            let (at, class) = (it.event.at, letter::class(it.class));
            ("parked", format!("at {at}, {class}: {}", clean(&it.errors.join(": "))))
        }
        Ok(Record::Requested(it)) => {
            let (action, at) = (letter::action(it.action), it.event.at);
            ("requested", format!("{action} of {at} {}", asked(&it.who, &it.why)))
        }
        Ok(Record::Declined(it)) => ("declined", clean(&it.reason)),
        Ok(Record::Discarded(it)) => {
            ("discarded", format!("{} {}", it.event.at, asked(&it.who, &it.why)))
        }
        Ok(Record::Overridden(it)) => {
            ("overridden", format!("{} {}", it.event.at, asked(&it.who, &it.why)))
        }
        Ok(Record::Drained(it)) => ("drained", format!("up to {}", it.to)),
        Ok(Record::Released(it)) => ("released", format!("everything up to {}", it.position)),
        Ok(Record::Owned(it)) => ("owned", format!("epoch {}", it.epoch)),
        // A handler's resets have a subject of their own.
        Ok(Record::Reset(_) | Record::Rewound(_) | Record::Restored(_)) => ("other", String::new()),
        Err(error) => ("unreadable", clean(&error.to_string())),
    };
    format!("{:>8}  {}  {kind:<10} {text}", entry.sequence, time(entry.time))
}
