//! `headwater serve`: the service on a NATS that somebody else runs.

mod ready;

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use infrastructure::{
    provision::ProvisionOptions,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use kit::Secret;
use prometheus::Registry;
use serde::Serialize;

pub(super) use self::ready::not_started;
use self::ready::{Addresses, Ready};
use crate::{
    connection, contexts,
    data::DataFolder,
    exit::Advised,
    http::{Http, HttpArgs, Instance},
    master_keys,
    metrics_endpoint::MetricsEndpoint,
    options::{Global, JsonArgs},
    output::Output,
    read_models::ReadModelsArgs,
    secret,
    signals::Stop,
    smtp::SmtpArgs,
    stripe::StripeArgs,
};

/// What `headwater serve` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Several instances share the work. Give them the same secret. With PostgreSQL \
they share the read models, too; with SQLite one of them has the file and runs the projections.

Examples:
  headwater serve --nats nats://nats.example.org --creds service.creds --secret-file secret \\
      --store /var/lib/headwater/read.sqlite --replicas 3
  headwater serve --nats nats://nats.example.org --creds service.creds --secret-file secret \\
      --store postgres://headwater@db.example.org/models --replicas 3
  headwater serve --nats nats://nats.example.org --creds service.creds --secret-file secret \\
      --roles commands,policies
  headwater serve --nats nats://nats.example.org --creds service.creds --secret-file secret \\
      --roles http --http 127.0.0.1:8080"
)]
pub struct ServeArgs {
    /// What this instance does [default: commands,policies,projections,durable, and http with
    /// --http]. Without this option it goes on without projections if the read models are in another
    /// store; with it, it ends
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        env = "HEADWATER_ROLES",
        hide_env_values = true,
        value_name = "ROLES"
    )]
    roles: Vec<Role>,
    /// File with 64 hexadecimal digits, the same for every instance [default: the data folder's]
    #[arg(long, value_name = "FILE", env = "HEADWATER_SECRET_FILE", hide_env_values = true)]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    store: ReadModelsArgs,
    /// Copies that the server keeps of every stream
    #[arg(
        long,
        value_name = "NUMBER",
        env = "HEADWATER_REPLICAS",
        hide_env_values = true,
        default_value_t = 1
    )]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=5))]
    replicas: u8,
    /// Monitoring address of the server, such as `http://host:8222`, to read its sync mode from
    #[arg(long, value_name = "URL", env = "HEADWATER_MONITORING", hide_env_values = true)]
    monitoring: Option<String>,
    /// Shows metrics to Prometheus under `http://ADDR/metrics`, such as `127.0.0.1:9464`. Whoever
    /// reaches the address may read them
    #[arg(long, value_name = "ADDR", env = "HEADWATER_METRICS", hide_env_values = true)]
    pub(crate) metrics: Option<SocketAddr>,
    /// Name of this instance in logs and leases [default: made from the process id]
    #[arg(long, value_name = "NAME", env = "HEADWATER_INSTANCE", hide_env_values = true)]
    instance: Option<String>,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    smtp: SmtpArgs,
    #[command(flatten)]
    stripe: StripeArgs,
}

/// One part of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Role {
    /// Answers commands.
    Commands,
    /// Runs policies and effects.
    Policies,
    /// Runs projections and answers queries.
    Projections,
    /// Carries out durable commands.
    Durable,
    /// Answers over HTTP.
    Http,
}

impl Role {
    /// What an instance does that is not told otherwise, beside what it is given an address for.
    const USUAL: [Self; 4] = [Self::Commands, Self::Policies, Self::Projections, Self::Durable];
}

/// Runs until it is asked to stop, then finishes what is in flight.
///
/// # Errors
/// If the server cannot be used or a part does not start.
pub async fn run(global: &Global, args: ServeArgs, metrics: Option<&Registry>) -> Result<()> {
    let output = Output::with(global, args.json);
    let mut stop = Stop::listen()?;
    // Before anything else: an address that is taken is found out at once.
    let endpoint = match (args.metrics, metrics) {
        (Some(address), Some(metrics)) => {
            Some(MetricsEndpoint::open(address, metrics.clone()).await?)
        }
        _ => None,
    };
    let shown = endpoint.as_ref().map(MetricsEndpoint::url);
    let instance = tokio::select! {
        started = start(global, output, args, shown) => started?,
        () = stop.asked() => return Ok(()),
    };
    tokio::select! {
        () = stop.asked() => {}
        failed = instance.failed() => return Err(failed.into()),
    }
    tracing::info!("stopping; a second signal does not wait for what is in flight");
    tokio::select! {
        () = instance.drain() => {}
        () = stop.asked() => return Ok(()),
    }
    // Last, so that the end can be watched, too.
    if let Some(endpoint) = endpoint {
        endpoint.close().await;
    }
    Ok(())
}

/// The secret of a folder that has one. A new one would not be the other instances' secret: codes
/// and reservations of one instance would then mean nothing to another.
fn own_secret(global: &Global) -> Result<Secret> {
    let path = DataFolder::at(&global.data).secret_path();
    if path.exists() {
        return secret::read(&path);
    }
    Err(Advised::usage("there is no secret", secret::MAKE).into())
}

async fn start(
    global: &Global,
    output: Output,
    args: ServeArgs,
    metrics: Option<String>,
) -> Result<Instance> {
    let is_chosen = !args.roles.is_empty();
    let chosen = match is_chosen {
        true => args.roles,
        false if args.http.is_named() => [&Role::USUAL[..], &[Role::Http]].concat(),
        false => Role::USUAL.to_vec(),
    };
    let has = |role| chosen.contains(&role);
    let http = if has(Role::Http) { Some(args.http.bind(global).await?) } else { None };
    let connect = connection::options(global)?;
    let secret = match &args.secret_file {
        Some(path) => secret::read(path)?,
        None => own_secret(global)?,
    };
    let store = match args.store.named()? {
        Some(store) => store,
        None => DataFolder::create(&global.data)?.store().into(),
    };
    let roles = Roles {
        commands: has(Role::Commands),
        policies: has(Role::Policies),
        projections: has(Role::Projections),
        durable: has(Role::Durable),
        projections_required: is_chosen,
    };
    let instance = args.instance.unwrap_or_else(|| format!("serve-{}", std::process::id()));
    let stripe = args.stripe.read()?;
    let masters = master_keys::of(global, &secret)?;
    let composition = args.smtp.into(contexts::composition(), &connect, &secret, &masters)?;
    let composition = stripe.with_fees(composition);
    let runtime = Runtime::start(RuntimeOptions {
        connect: connect.clone(),
        provision: ProvisionOptions { replicas: args.replicas.into(), monitoring: args.monitoring },
        composition,
        roles,
        secret,
        master_keys: Some(masters),
        store,
        instance: instance.clone(),
    });
    let runtime = runtime.await.map_err(not_started)?;
    let url = http.as_ref().map(Http::url);
    let running = Instance::begin(runtime, http, &instance, &connect, &stripe).await?;
    let ready = Ready::new(running.runtime(), instance, chosen, Addresses { http: url, metrics });
    output.write(&ready, || ready.in_words())?;
    Ok(running)
}
