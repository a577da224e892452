//! Asking the owners for something about one key or many: chosen, shown, kept, and then requested,
//! each after the last record that was seen. Not here: other data for an event (`edit`).

use anyhow::Result;
use chrono::Utc;
use clap::Args;
use infrastructure::deadletter::{
    Action, DeadLetter, DeadLetters, DeadLettersError, Json, Key, Requested, Standing,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    filter::{self, Filters},
    letter, problem,
    selection::{Now, Selection},
    wait::{self, Ended, WaitArgs},
};
use crate::{
    exit::{Advised, Quietly},
    options::{Global, JsonArgs},
    output::{Output, clean},
    repair::RepairArgs,
};

/// Keys that a dry run shows.
const SAMPLE: usize = 10;

macro_rules! help {
    ($action:literal) => {
        concat!(
            "Without --yes nothing is done: it shows how many keys are meant and some of them, and \
             keeps\nthem as a selection. A key about which something was recorded since then is left \
             alone.\n\nExit codes: 1, if a key stands still again or the owner declined; 4, if a key \
             has moved;\n6, if --wait ended before the owner had acted.\n\nExamples:\n  headwater dlq ",
            $action,
            " welcome person ada --why 'fixed in 1.4' --yes --wait\n  headwater dlq ",
            $action,
            " --handler welcome --class schema --why 'fixed in 1.4'\n  headwater dlq ",
            $action,
            " --selection 019e... --why 'fixed in 1.4' --yes"
        )
    };
}
pub(super) use help;

/// What is asked about, why, and whether to wait for it.
#[derive(Debug, Args)]
pub(super) struct AskArgs {
    /// One key: HANDLER AGGREGATE ID, or its subject
    #[arg(value_name = "KEY", num_args = 1..=3)]
    key: Vec<String>,
    /// Every key that stands still
    #[arg(long)]
    all: bool,
    /// The keys of an earlier dry run, as far as they stand as they did
    #[arg(long, value_name = "ID")]
    selection: Option<Uuid>,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    repair: RepairArgs,
}

pub(super) async fn run(global: &Global, action: Action, args: &AskArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let one_way =
        [!args.key.is_empty(), args.all, args.selection.is_some(), !args.filters.is_none()];
    if one_way.into_iter().filter(|given| *given).count() != 1 {
        let advice = "Name one key, or filters, or --selection ID of a dry run, or --all.";
        return Err(Advised::usage("it must be said once which keys are meant", advice).into());
    }
    let letters = super::open(global).await?;
    let (selection, known) = match args.selection {
        Some(id) => (Selection::read(&global.data, id)?, true),
        None => (Selection::of(&args.choose(&letters).await?), false),
    };
    let all = letters.list(None).await.map_err(problem)?;
    let keys = selection.compare(all);
    if keys.is_empty() {
        let value = json!({"status": "unchanged"});
        return output.write(&value, || "nothing stands still that is meant".to_owned());
    }
    // A key that was named needs no list of names.
    let kept = args.key.is_empty() || !args.repair.yes;
    if kept && !known {
        selection.store(&global.data)?;
    }
    if !args.repair.yes {
        return planned(output, action, selection.id, &keys);
    }
    let asker = Asker {
        output,
        letters,
        action,
        repair: &args.repair,
        selection: kept.then(|| selection.id.to_string()),
    };
    let mut tally = Tally::default();
    let mut asked = Vec::new();
    for key in keys {
        match key {
            Now::Same(letter) => match asker.ask(&letter, None).await? {
                Some(sequence) => asked.push((letter.key, sequence)),
                None => tally.moved = true,
            },
            Now::Moved(key, how) => {
                asker.say(&key, "moved", Some(&how))?;
                tally.moved = true;
            }
        }
    }
    asker.finish(args.wait, asked, tally).await
}

impl AskArgs {
    async fn choose(&self, letters: &DeadLetters) -> Result<Vec<DeadLetter>> {
        if !self.key.is_empty() {
            return Ok(vec![filter::standing(letters, &filter::key(&self.key)?).await?]);
        }
        let mut found = self.filters.find(letters).await?;
        // Somebody else's request is under way; to come between takes the key's name.
        found.retain(|letter| letter.standing == Standing::Parked);
        Ok(found)
    }
}

fn planned(output: Output, action: Action, selection: Uuid, keys: &[Now]) -> Result<()> {
    let same = |now: &Now| match now {
        Now::Same(letter) => Some((**letter).clone()),
        Now::Moved(..) => None,
    };
    let stand: Vec<_> = keys.iter().filter_map(same).collect();
    let (count, moved) = (stand.len(), keys.len() - stand.len());
    let word = letter::action(action);
    let sample: Vec<_> = stand.iter().take(SAMPLE).map(letter::value).collect();
    let value = json!({
        "status": "planned",
        "action": word,
        "count": count,
        "moved": moved,
        "selection": selection,
        "sample": sample,
    });
    output.write(&value, || {
        let now = Utc::now();
        let mut lines =
            vec![format!("would {word} the failed events of {}:", keys_of(count)), letter::title()];
        lines.extend(stand.iter().take(SAMPLE).map(|it| letter::line(it, now)));
        if count > SAMPLE {
            lines.push(format!("... and {} more", count - SAMPLE));
        }
        if moved > 0 {
            lines.push(format!("moved since they were selected: {}", keys_of(moved)));
        }
        lines.push(format!(
            "Nothing has been done: repeat it with --selection {selection} --yes for exactly these."
        ));
        lines.join("\n")
    })?;
    Err(Quietly(2).into())
}

fn keys_of(count: usize) -> String {
    if count == 1 { "1 key".to_owned() } else { format!("{count} keys") }
}

/// What must be told by the exit code.
#[derive(Debug, Default)]
pub(super) struct Tally {
    moved: bool,
    failed: bool,
    pending: bool,
}

/// Asks, and says what came of it.
pub(super) struct Asker<'a> {
    pub(super) output: Output,
    pub(super) letters: DeadLetters,
    pub(super) action: Action,
    pub(super) repair: &'a RepairArgs,
    pub(super) selection: Option<String>,
}

impl Asker<'_> {
    /// Asks about `letter`. The place of the request; none if the key has moved.
    pub(super) async fn ask(
        &self,
        letter: &DeadLetter,
        data: Option<(Json, Option<u32>)>,
    ) -> Result<Option<u64>> {
        let (data, schema_version) = data.unzip();
        let request = Requested {
            request: Uuid::now_v7(),
            action: self.action,
            event: letter.parked.event.clone(),
            data,
            schema_version: schema_version.flatten(),
            who: self.repair.by()?,
            why: self.repair.why.clone(),
            selection: self.selection.clone(),
            time: Utc::now(),
        };
        match self.letters.request(&letter.key, letter.last, request).await {
            Ok(sequence) => {
                let what = format!("{} of the event at {}", letter::action(self.action), letter.at);
                self.say(&letter.key, "requested", Some(&what))?;
                Ok(Some(sequence))
            }
            Err(DeadLettersError::Changed) => {
                self.say(&letter.key, "moved", Some("something was recorded meanwhile"))?;
                Ok(None)
            }
            Err(error) => Err(problem(error).into()),
        }
    }

    fn say(&self, key: &Key, status: &str, detail: Option<&str>) -> Result<()> {
        let value = json!({
            "handler": key.handler,
            "aggregate": key.aggregate,
            "id": key.id,
            "action": letter::action(self.action),
            "status": status,
            "detail": detail,
        });
        self.output.write(&value, || {
            let Key { handler, aggregate, id } = key;
            let detail = detail.map(|it| format!(": {}", clean(it))).unwrap_or_default();
            format!("{status:<9} {handler} {aggregate} {id}{detail}")
        })
    }

    /// Waits for what was asked, if that is wanted, and ends as it went.
    pub(super) async fn finish(
        &self,
        wait: WaitArgs,
        asked: Vec<(Key, u64)>,
        mut tally: Tally,
    ) -> Result<()> {
        let deadline = wait.deadline();
        for (key, sequence) in asked.iter().filter(|_| wait.wait) {
            match wait::ended(&self.letters, key, *sequence, deadline).await? {
                Ended::Released => self.say(key, "released", None)?,
                Ended::Parked(error) => {
                    self.say(key, "parked", Some(&error))?;
                    tally.failed = true;
                }
                Ended::Declined(reason) => {
                    self.say(key, "declined", Some(&reason))?;
                    tally.failed = true;
                }
                Ended::Pending => {
                    self.say(key, "pending", Some("the owner has not acted yet"))?;
                    tally.pending = true;
                }
            }
        }
        match tally {
            Tally { moved: true, .. } => Err(Quietly(4).into()),
            Tally { failed: true, .. } => Err(Quietly(1).into()),
            Tally { pending: true, .. } => Err(Quietly(6).into()),
            _ => Ok(()),
        }
    }
}

impl Tally {
    /// Of one key that has moved.
    pub(super) const fn of(moved: bool) -> Self {
        Self { moved, failed: false, pending: false }
    }
}
