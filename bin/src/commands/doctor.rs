//! `headwater doctor`: looks at the whole installation and changes nothing.

mod money;

use anyhow::Result;
use clap::Args;
use infrastructure::{client::Client, doctor, provision::ProvisionOptions};

use crate::{
    connection,
    data::DataFolder,
    exit::Quietly,
    options::{Global, JsonArgs},
    output::{Output, clean},
};

/// The effect that sends mail.
const MAILER: &str = <effects::DeliverMail<crate::past::Past> as kit::Effect>::NAME;

/// What `headwater doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = "The exit code is 1 if something is wrong.

Examples:
  headwater doctor
  headwater doctor --nats nats://nats.example.org --creds operator.creds --replicas 3 --json")]
pub struct DoctorArgs {
    /// Copies of every stream that there should be
    #[arg(long, value_name = "NUMBER", env = "HEADWATER_REPLICAS", hide_env_values = true)]
    #[arg(default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    replicas: u8,
    /// Monitoring address of the server, such as `http://host:8222`, to read its sync mode from
    /// [default: the running `headwater dev`'s]
    #[arg(long, value_name = "URL", env = "HEADWATER_MONITORING", hide_env_values = true)]
    monitoring: Option<String>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Prints the report.
///
/// # Errors
/// Quietly with 1 if something is wrong; if the server does not answer, there is no report.
pub async fn run(global: &Global, args: DoctorArgs) -> Result<()> {
    let client = connection::connect(global).await?;
    // The folder's announcement is about the folder's own broker, not about one that was named.
    let own = global.connection.nats.is_none();
    let announced = || DataFolder::at(&global.data).announced_monitoring().filter(|_| own);
    let options = ProvisionOptions {
        replicas: args.replicas.into(),
        monitoring: args.monitoring.or_else(announced),
    };
    let mut report = doctor::examine(&client, &options).await?;
    if doctor::is_served(&client).await {
        report.warnings.extend(money::warnings(&Client::new(client)).await);
    } else {
        report.problems.push("no instance takes commands or answers queries".to_owned());
    }
    Output::with(global, args.json)
        .write(&report, || format!("{}\n\n{}", report.to_string().trim_end(), mail(&report)))?;
    if report.is_healthy() { Ok(()) } else { Err(Quietly(1).into()) }
}

/// What becomes of requested mails, as the handlers tell.
fn mail(report: &doctor::Report) -> String {
    let mailer = report.handlers.iter().find(|handler| handler.name == MAILER);
    match mailer.and_then(|handler| handler.owner.as_deref()) {
        Some(owner) => format!("mail        sent by {MAILER} of {}", clean(owner)),
        None => {
            "mail        stays requested: no instance has a mail server (--smtp-host)".to_owned()
        }
    }
}
