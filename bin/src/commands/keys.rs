//! `headwater keys`: the API keys of the HTTP face, in a file that a running server reads again; and the
//! keys of personal data under another master key.

mod rewrap;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use gateway::access::{KeyEntry, KeyId};
use infrastructure::problem::Problem;
use serde_json::{Value, json};

use crate::{
    access::{self, AccessFileArgs},
    options::{Global, JsonArgs},
    output::{Output, clean},
};

/// What `headwater keys` takes.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key and print it, this once
    #[command(after_help = "Examples:
  headwater keys create --name shop --role client
  headwater keys create --name auditor --role reader --expires 2027-01-31 --json")]
    Create(CreateArgs),
    /// List the keys, without their secrets
    List(ListArgs),
    /// Take a key back: it is refused within seconds, also by instances that run
    Revoke(RevokeArgs),
    /// Wrap the keys of personal data anew by the newest master key
    #[command(after_help = "\
The file of master keys has the new one in its first line and the others behind it, and every instance \
was started with it. Nothing is changed unless all keys can be unwrapped. Afterwards the other lines can \
go; backups from before still need them.

Examples:
  headwater keys rewrap --master-key-file ./master-key --dry-run
  headwater keys rewrap --master-key-file ./master-key --nats nats://nats.example.org --creds service.creds")]
    Rewrap(rewrap::RewrapArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// What people call it; it stands in lists, so no personal data
    #[arg(long)]
    name: String,
    /// What it may do: admin, catalogue, client, payments, reader, staff, or a role of the access file;
    /// several times for several
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<String>,
    /// The key whose place it takes: what was begun with that one is as good as begun with this one
    #[arg(long, value_name = "KEY_ID")]
    owner: Option<KeyId>,
    /// From when on it is refused: a day, or a time as in `2027-01-31T12:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<DateTime<Utc>>,
    #[command(flatten)]
    file: AccessFileArgs,
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    file: AccessFileArgs,
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// Which key: what stands between `hw_` and the secret
    id: KeyId,
    #[command(flatten)]
    file: AccessFileArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Makes, lists, takes back or wraps anew.
///
/// # Errors
/// If the access file is not right or cannot be written; `not-found`; what stands in the way of wrapping.
pub async fn run(global: &Global, args: KeysArgs) -> Result<()> {
    match args.command {
        KeysCommand::Create(args) => create(global, &args),
        KeysCommand::List(args) => list(global, &args),
        KeysCommand::Revoke(args) => revoke(global, &args),
        KeysCommand::Rewrap(args) => rewrap::run(global, &args).await,
    }
}

fn create(global: &Global, args: &CreateArgs) -> Result<()> {
    let path = args.file.path(global)?;
    let (key, entry) =
        access::create(&path, &args.name, (&args.roles, args.owner.as_ref()), args.expires)?;
    let mut shown = shown(&entry);
    shown["key"] = key.reveal().into();
    Output::with(global, args.json).write(&shown, || {
        format!(
            "{}\nkept as {} in {}; it is not shown again",
            key.reveal(),
            entry.id,
            path.display()
        )
    })
}

fn list(global: &Global, args: &ListArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let file = access::read(&args.file.path(global)?)?;
    if !output.is_json() {
        output
            .line(format!("{:<14} {:<20} {:<9} {:<20} roles", "key", "name", "state", "expires"))?;
    }
    for entry in &file.keys {
        output.write(&shown(entry), || line(entry))?;
    }
    Ok(())
}

fn revoke(global: &Global, args: &RevokeArgs) -> Result<()> {
    let path = args.file.path(global)?;
    let entry = access::change(&path, |file| {
        let entry = file.keys.iter_mut().find(|entry| entry.id == args.id);
        let entry = entry.ok_or_else(|| {
            Problem::not_found(format!("there is no key {} in {}", args.id, path.display()))
        })?;
        entry.revoked = true;
        Ok(entry.clone())
    })?;
    Output::with(global, args.json).write(&shown(&entry), || format!("revoked {}", entry.id))
}

/// A key as machines see it: without its hash, which nobody needs.
fn shown(entry: &KeyEntry) -> Value {
    json!({
        "id": entry.id,
        "name": entry.name,
        "owner": entry.owner,
        "roles": entry.roles,
        "created": entry.created,
        "expires": entry.expires,
        "state": state(entry),
    })
}

fn line(entry: &KeyEntry) -> String {
    let expires = entry.expires.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let roles: Vec<_> = entry.roles.iter().map(String::as_str).collect();
    format!(
        "{:<14} {:<20} {:<9} {:<20} {}",
        entry.id.as_str(),
        clean(&entry.name),
        state(entry),
        expires.as_deref().unwrap_or("never"),
        clean(&roles.join(", "))
    )
}

fn state(entry: &KeyEntry) -> &'static str {
    if entry.revoked {
        "revoked"
    } else if entry.expires.is_some_and(|at| at <= Utc::now()) {
        "expired"
    } else {
        "valid"
    }
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(|_| {
        "expected a day such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z".into()
    })
}
