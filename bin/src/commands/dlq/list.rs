//! `headwater dlq list`: the keys that stand still.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::Args;
use infrastructure::deadletter::DeadLetter;
use serde_json::json;

use super::{filter::Filters, letter};
use crate::{
    options::{Global, JsonArgs},
    output::{Output, clean},
};

/// What `headwater dlq list` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater dlq list --group
  headwater dlq list --handler welcome --class schema --older-than 1h --json")]
pub(super) struct ListArgs {
    /// Count them by error, handler, event type and age, the largest group first
    #[arg(long)]
    group: bool,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    filters: Filters,
}

/// Keys that stand still for the same reason.
struct Group<'a> {
    count: usize,
    oldest: DateTime<Utc>,
    example: &'a DeadLetter,
}

pub(super) async fn run(global: &Global, args: ListArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let found = args.filters.find(&super::open(global).await?).await?;
    let now = Utc::now();
    if args.group {
        return grouped(output, &found, now);
    }
    if !output.is_json() {
        output.line(if found.is_empty() {
            "nothing stands still".to_owned()
        } else {
            letter::title()
        })?;
    }
    for it in &found {
        output.write(&letter::value(it), || letter::line(it, now))?;
    }
    Ok(())
}

fn grouped(output: Output, found: &[DeadLetter], now: DateTime<Utc>) -> Result<()> {
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for it in found {
        let (parked, first) = (&it.parked, it.parked.first);
        let (error, kind) = (letter::error(it), parked.event.kind.as_deref().unwrap_or("-"));
        let by = (error, it.key.handler.as_str(), kind, since(first, now));
        let group = groups.entry(by).or_insert(Group { count: 0, oldest: first, example: it });
        group.count += 1;
        group.oldest = group.oldest.min(first);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
    if !output.is_json() {
        output.line(if groups.is_empty() {
            "nothing stands still".to_owned()
        } else {
            format!(
                "{:>6} {:<26} {:<34} {:<15} error, and one of them",
                "keys", "handler", "type", "age"
            )
        })?;
    }
    for ((error, handler, kind, age), Group { count, oldest, example }) in groups {
        let value = json!({
            "count": count,
            "handler": handler,
            "type": kind,
            "class": letter::class(example.parked.class),
            "age": age,
            "oldest": oldest,
            "error": error,
            "example": {"aggregate": example.key.aggregate, "id": example.key.id},
        });
        output.write(&value, || {
            let (kind, key) = (clean(kind), &example.key);
            format!(
                "{count:>6} {handler:<26} {kind:<34} {age:<15} {error}\n{:>7}{} {}",
                "", key.aggregate, key.id
            )
        })?;
    }
    Ok(())
}

/// The stretch of time in which it failed first.
fn since(first: DateTime<Utc>, now: DateTime<Utc>) -> &'static str {
    match (now - first).num_seconds() {
        ..3_600 => "within an hour",
        3_600..86_400 => "within a day",
        86_400..604_800 => "within a week",
        _ => "longer",
    }
}
