//! `headwater mail`: requested mails and what became of them, rendered here as they are sent.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use domain::{
    design::Design,
    mail::{Letter, Mail, MailStage, Template},
    person::Person,
};
use effects::letter::{self, Reader};
use infrastructure::{problem::Problem, store::Commit};
use kit::{Aggregate, AggregateId, Machine as _};
use nats::Subject;
use serde::Serialize;
use serde_json::json;

use crate::{
    connection,
    data::DataFolder,
    log::{Entry, From, History, Log},
    options::{Global, JsonArgs},
    output::{Output, clean},
    reader, secret,
};

/// What `headwater mail` takes.
#[derive(Debug, Args)]
pub struct MailArgs {
    #[command(subcommand)]
    command: MailCommand,
}

#[derive(Debug, Subcommand)]
enum MailCommand {
    /// List requested mails, the newest first, without addresses, names or codes
    List(ListArgs),
    /// Render one mail, with its address, name and code
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Most mails to list
    #[arg(long, default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The mail's id, from `headwater mail list`
    id: AggregateId,
    /// The service's secret [default: the data folder's]
    #[arg(long, value_name = "FILE", env = "HEADWATER_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgs,
}

/// One line of the list. The JSON form is part of the command line's contract.
#[derive(Debug, Serialize)]
struct Listed {
    id: AggregateId,
    status: &'static str,
    template: Template,
    #[serde(flatten)]
    to: To,
    requested: DateTime<Utc>,
}

/// Whose mail it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum To {
    /// A person's.
    Person(AggregateId),
    /// That of whoever submitted a request.
    Design(AggregateId),
}

impl To {
    fn of(letter: &Letter) -> Self {
        match letter {
            Letter::VerifyContact { person, .. } | Letter::Welcome { person, .. } => {
                Self::Person(person.clone())
            }
            Letter::DesignCompleted { design } => Self::Design(design.clone()),
        }
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person/{id}"),
            Self::Design(id) => write!(f, "design/{id}"),
        }
    }
}

/// Lists or renders.
///
/// # Errors
/// `not-found`, or what could not be read.
pub async fn run(global: &Global, args: MailArgs) -> Result<()> {
    match args.command {
        MailCommand::List(args) => list(global, &args).await,
        MailCommand::Show(args) => show(global, args).await,
    }
}

async fn list(global: &Global, args: &ListArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let client = connection::connect(global).await?;
    let mut mails: BTreeMap<AggregateId, (Entry, Mail)> = BTreeMap::new();
    let filter = Subject::events_of(<Mail as Aggregate>::TYPE);
    let mut log = Log::open(&client, filter, From::Start).await?;
    while let Some(entry) = log.next_known().await? {
        let commit =
            Commit { position: entry.position, time: entry.time, body: entry.body.clone() };
        let (_, mail) = mails.entry(entry.id.clone()).or_insert_with(|| (entry, Mail::default()));
        reader::advance(mail, &commit)?;
    }
    let mut mails: Vec<_> = mails.into_values().collect();
    mails.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.position));
    for (entry, mail) in mails.into_iter().take(args.limit) {
        if let Some(letter) = mail.letter() {
            let listed = Listed {
                id: entry.id,
                status: status(&mail),
                template: letter.template(),
                to: To::of(letter),
                requested: entry.time,
            };
            output.write(&listed, || listed.line())?;
        }
    }
    Ok(())
}

const fn name(template: Template) -> &'static str {
    match template {
        Template::VerifyContact => "verify-contact",
        Template::Welcome => "welcome",
        Template::DesignCompleted => "design-completed",
    }
}

impl Listed {
    fn line(&self) -> String {
        let Self { id, status, template, to, requested } = self;
        let time = requested.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        format!("{id}  {time}  {:<16}  {to}  {status}", name(*template))
    }
}

fn status(mail: &Mail) -> &'static str {
    match mail.stage() {
        MailStage::Unknown => "unknown",
        MailStage::Requested => "requested",
        MailStage::Sending => "sending",
        MailStage::Sent => "sent",
        MailStage::Failed => "failed",
    }
}

/// What the history of `id` adds up to.
async fn state<A: Aggregate>(client: &async_nats::Client, id: &AggregateId) -> Result<A> {
    let mut history = History::open(client, A::TYPE, id).await?;
    let mut state = A::default();
    while let Some(commit) = history.next().await? {
        reader::advance(&mut state, &commit)?;
    }
    Ok(state)
}

async fn show(global: &Global, args: ShowArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let secret = match &args.secret_file {
        Some(path) => secret::read(path)?,
        None => secret::read(&DataFolder::at(&global.data).secret_path())
            .context("the code cannot be rendered without the service's secret")?,
    };
    let client = connection::connect(global).await?;
    let mail: Mail = state(&client, &args.id).await?;
    let gone = || Problem::not_found("the mail's contact is gone");
    let letter = mail.letter().ok_or_else(gone)?;
    let reader = match To::of(letter) {
        To::Person(id) => Reader::Person(Box::new(state::<Person>(&client, &id).await?)),
        To::Design(id) => Reader::Design(Box::new(state::<Design>(&client, &id).await?)),
    };
    let rendered = letter::render(letter, &reader, &secret).ok_or_else(gone)?;
    let answer = json!({"id": args.id, "status": status(&mail), "mail": rendered});
    output.write(&answer, || {
        let letter::Rendered { to, subject, body, challenge, .. } = &rendered;
        let body: Vec<_> = body.lines().map(clean).collect();
        let challenge = challenge.as_ref();
        let challenge = challenge.map(|id| format!("Challenge: {id}\n")).unwrap_or_default();
        format!(
            "To: {}\nSubject: {}\n{challenge}\n{}\n\n({})",
            clean(to),
            clean(subject),
            body.join("\n"),
            status(&mail)
        )
    })
}
