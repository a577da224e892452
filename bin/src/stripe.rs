//! How Stripe is reached and how it signs, as the command line says, and the parts that follow from it:
//! the routes of payments and the effect that records fees.
//! Not here: asking Stripe.

use std::{fs, path::PathBuf, str::FromStr};

use anyhow::{Context as _, Result};
use clap::Args;
use effects::RecordPaymentFees;
use gateway::Gateway;
use infrastructure::{client, composition::Composition, histories::Histories};
use routes::design::{Inbox, Payments};
use stripe::{Client, ClientOptions, SigningSecrets};

use crate::exit::Advised;

/// Longest file with keys or secrets.
const FILE_BYTES_MAX: usize = 8 * 1024;

/// Where Stripe is, and who we are there.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Stripe")]
pub(crate) struct StripeApiArgs {
    /// File with a secret or restricted key of Stripe's API, such as `sk_test_…`. Without one no
    /// payments are made, and fees are not recorded
    #[arg(long, value_name = "FILE", env = "HEADWATER_STRIPE_KEY_FILE", hide_env_values = true)]
    stripe_key_file: Option<PathBuf>,
    /// Address of Stripe's API. With a test key it may be a stand-in on http
    #[arg(long, value_name = "URL", env = "HEADWATER_STRIPE_API", hide_env_values = true)]
    #[arg(default_value = ClientOptions::API)]
    stripe_api: String,
}

/// Where Stripe is, who we are there, and how it signs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Stripe")]
pub(crate) struct StripeArgs {
    #[command(flatten)]
    api: StripeApiArgs,
    /// File with the signing secret of Stripe's webhooks, `whsec_…`; several, one a line, while one takes
    /// another's place. It is read at the start. Without one no webhook is taken in
    #[arg(
        long,
        value_name = "FILE",
        env = "HEADWATER_STRIPE_WEBHOOK_SECRET_FILE",
        hide_env_values = true
    )]
    stripe_webhook_secret_file: Option<PathBuf>,
}

/// What was configured, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct Stripe {
    client: Option<Client>,
    secrets: Option<SigningSecrets>,
}

impl StripeApiArgs {
    /// The client that the arguments mean, if there is a key.
    ///
    /// # Errors
    /// If the file cannot be read, or what it holds cannot be used.
    pub(crate) fn client(&self) -> Result<Option<Client>> {
        let Some(path) = &self.stripe_key_file else { return Ok(None) };
        let options = ClientOptions::new(read(path, "Copy it from Stripe's dashboard.")?);
        let client = Client::new(ClientOptions { api: self.stripe_api.clone(), ..options });
        let client = client
            .map_err(|error| Advised::usage(error.to_string(), "See --help under Stripe."))?;
        Ok(Some(client))
    }
}

impl StripeArgs {
    /// Reads what the arguments name.
    ///
    /// # Errors
    /// If a file cannot be read, or what it holds cannot be used.
    pub(crate) fn read(&self) -> Result<Stripe> {
        let client = self.api.client()?;
        let path = self.stripe_webhook_secret_file.as_ref();
        let advice = "Stripe's dashboard shows it at the webhook's endpoint.";
        let secrets: Option<SigningSecrets> = path.map(|path| read(path, advice)).transpose()?;
        Ok(Stripe { client, secrets })
    }
}

impl Stripe {
    /// `composition` with the effect that records fees, if Stripe can be asked for them.
    pub(crate) fn with_fees(&self, composition: Composition) -> Composition {
        match &self.client {
            Some(client) => composition.effect(RecordPaymentFees::new(client.clone())),
            None => composition,
        }
    }

    /// `gateway` with the routes of payments. They are there without configuration, too, and then say
    /// what is missing.
    pub(crate) fn at(
        &self,
        gateway: Gateway,
        client: &client::Client,
        histories: &Histories,
    ) -> Gateway {
        if self.client.is_none() {
            tracing::info!("no payments are made over HTTP: there is no --stripe-key-file");
        }
        if self.secrets.is_none() {
            tracing::info!(
                "no webhooks of Stripe's are taken in: there is no --stripe-webhook-secret-file"
            );
        }
        let mode = self.client.as_ref().map(Client::mode);
        let payments = Payments::new(client.clone(), histories.clone(), self.client.clone());
        let inbox = Inbox::new(client.clone(), self.secrets.clone(), mode);
        gateway.with(payments.routes()).with_open(inbox.routes())
    }
}

/// What the file at `path` holds, without ever repeating it.
fn read<T>(path: &PathBuf, advice: &str) -> Result<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let unread = || Advised::usage(format!("cannot read {}", path.display()), "");
    let text = fs::read_to_string(path).with_context(unread)?;
    if text.len() > FILE_BYTES_MAX {
        return Err(Advised::usage(format!("{} is too long", path.display()), advice).into());
    }
    text.trim()
        .parse()
        .map_err(|error| Advised::usage(format!("{}: {error}", path.display()), advice).into())
}
