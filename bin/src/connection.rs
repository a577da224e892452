//! Which NATS to speak to, and with which credentials.
//! Not here: connecting itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use infrastructure::{
    client::Client,
    connection::{self, ConnectError, ConnectOptions},
    problem::Problem,
};

use crate::{data::DataFolder, exit::Advised, options::Global};

const DEFAULT: &str = "nats://127.0.0.1:4222";

/// How to reach NATS.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Server URL [default: the running `headwater dev` of the data folder, else port 4222 here]
    #[arg(long, global = true, env = "HEADWATER_NATS", hide_env_values = true, value_name = "URL")]
    pub nats: Option<String>,
    /// Credentials file (.creds)
    #[arg(
        long,
        global = true,
        env = "HEADWATER_CREDS",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub creds: Option<PathBuf>,
    /// File that holds an nkey seed
    #[arg(
        long,
        global = true,
        env = "HEADWATER_NKEY",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub nkey: Option<PathBuf>,
    /// User name at NATS
    #[arg(
        long,
        global = true,
        env = "HEADWATER_NATS_USER",
        hide_env_values = true,
        value_name = "NAME"
    )]
    #[arg(requires = "nats_password_file")]
    pub nats_user: Option<String>,
    /// File that holds the password of --nats-user
    #[arg(
        long,
        global = true,
        env = "HEADWATER_NATS_PASSWORD_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub nats_password_file: Option<PathBuf>,
    /// Certificate authorities to trust (PEM)
    #[arg(
        long,
        global = true,
        env = "HEADWATER_TLS_CA",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub tls_ca: Option<PathBuf>,
    /// Client certificate (PEM)
    #[arg(
        long,
        global = true,
        env = "HEADWATER_TLS_CERT",
        hide_env_values = true,
        value_name = "FILE"
    )]
    #[arg(requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(
        long,
        global = true,
        env = "HEADWATER_TLS_KEY",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub tls_key: Option<PathBuf>,
    /// Refuse a connection without TLS
    #[arg(long, global = true, env = "HEADWATER_TLS", hide_env_values = true)]
    pub tls: bool,
    /// Prefix of reply subjects, if the server grants only one [default: _INBOX]
    #[arg(
        long,
        global = true,
        env = "HEADWATER_INBOX",
        hide_env_values = true,
        value_name = "PREFIX"
    )]
    pub inbox: Option<String>,
}

/// The options of the NATS that `global` means.
///
/// # Errors
/// If a file it names cannot be read.
pub fn options(global: &Global) -> Result<ConnectOptions> {
    let args = &global.connection;
    for path in [&args.creds, &args.nkey, &args.tls_ca, &args.tls_cert, &args.tls_key] {
        path.as_deref().map_or(Ok(()), readable)?;
    }
    let url = args.nats.clone().map_or_else(|| found(global), Ok)?;
    let user = match (&args.nats_user, &args.nats_password_file) {
        (Some(user), Some(path)) => {
            let password = fs::read_to_string(path).with_context(|| unreadable(path))?;
            Some((user.clone(), password.trim_end().to_owned()))
        }
        _ => None,
    };
    Ok(ConnectOptions {
        url,
        name: None,
        credentials: args.creds.clone(),
        nkey: args.nkey.clone(),
        user,
        inbox: args.inbox.clone(),
        tls_ca: args.tls_ca.clone(),
        tls_identity: args.tls_cert.clone().zip(args.tls_key.clone()),
        tls_required: args.tls,
    })
}

/// The broker of the data folder. Whoever has one means that, and nobody else's at the usual port.
fn found(global: &Global) -> Result<String> {
    let folder = DataFolder::at(&global.data);
    match folder.announced() {
        Some(url) => Ok(url),
        None if folder.is_used() => {
            let detail = format!("no `headwater dev` runs on {}", folder.path().display());
            let advice = "Start it with `headwater dev`, or name another with --nats URL.";
            Err(anyhow::Error::from(Problem::unavailable(detail)).context(Advised::new("", advice)))
        }
        None => Ok(DEFAULT.to_owned()),
    }
}

/// The client of TLS would not name the file, nor say so before it connects.
fn readable(path: &Path) -> Result<()> {
    fs::File::open(path).map(drop).with_context(|| unreadable(path))
}

fn unreadable(path: &Path) -> Advised {
    Advised::usage(format!("cannot read {}", path.display()), "")
}

/// A client of the service behind that NATS.
///
/// # Errors
/// If nobody answers there, or refuses us.
pub async fn client(global: &Global) -> Result<Client> {
    Ok(Client::new(connect(global).await?))
}

/// A connection to that NATS.
///
/// # Errors
/// If nobody answers there, or refuses us.
pub async fn connect(global: &Global) -> Result<async_nats::Client> {
    let options = options(global)?;
    connection::connect(&options).await.map_err(|error| explained(&error))
}

/// Why there is no connection, with what to do about it.
pub(crate) fn explained(error: &ConnectError) -> anyhow::Error {
    use async_nats::ConnectErrorKind::{Authentication, AuthorizationViolation, ServerParse};
    let detail = error.to_string();
    let kind = match error {
        ConnectError::Refused { source, .. } => source.kind(),
        ConnectError::File { .. } => return Advised::usage(detail, "").into(),
    };
    match kind {
        Authentication | AuthorizationViolation => {
            let advice =
                "Say who you are with --creds, --nkey, --nats-user or a client certificate.";
            Advised::new(detail, advice).into()
        }
        ServerParse => Advised::usage(detail, "--nats takes nats://HOST:PORT.").into(),
        _ => {
            let advice = "Start one with `headwater dev`, or name another with --nats URL.";
            anyhow::Error::from(Problem::unavailable(detail)).context(Advised::new("", advice))
        }
    }
}
