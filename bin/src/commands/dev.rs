//! `headwater dev`: broker, streams and service on this machine, under one data folder.

mod keys;
mod supervisor;

use std::net::SocketAddr;

use anyhow::Result;
use clap::Args;
use infrastructure::{
    connection::ConnectOptions,
    provision::ProvisionOptions,
    runtime::{Roles, Runtime, RuntimeOptions},
    sealing::MasterKeys,
};
use prometheus::Registry;
use serde_json::json;

use self::supervisor::Supervisor;
use super::serve::not_started;
use crate::{
    broker, contexts,
    data::DataFolder,
    http::{Http, HttpArgs, Instance},
    master_keys,
    metrics_endpoint::MetricsEndpoint,
    options::{Global, JsonArgs},
    output::Output,
    signals::Stop,
    smtp::SmtpArgs,
    stripe::{Stripe, StripeArgs},
};

/// What `headwater dev` takes.
#[derive(Debug, Args)]
#[command(after_help = "It prints a line that begins with `ready` and holds the NATS URL. Ctrl-C \
stops everything; the same folder continues where it stopped.

Examples:
  headwater dev
  headwater dev --data ./try --nats-port 0")]
pub struct DevArgs {
    /// Port of the broker, 0 for any that is free [default: 4222, or any if that is taken]
    #[arg(long, value_name = "PORT", env = "HEADWATER_NATS_PORT", hide_env_values = true)]
    nats_port: Option<u16>,
    /// Where Prometheus may ask for metrics [default: port 9464 of this machine alone, or any if
    /// that is taken]
    #[arg(long, value_name = "ADDR", env = "HEADWATER_METRICS", hide_env_values = true)]
    metrics: Option<SocketAddr>,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    smtp: SmtpArgs,
    #[command(flatten)]
    stripe: StripeArgs,
}

/// Runs until it is asked to stop.
///
/// # Errors
/// If a part does not start, or the broker keeps dying.
pub async fn run(global: &Global, args: DevArgs, metrics: Option<&Registry>) -> Result<()> {
    let output = Output::with(global, args.json);
    let mut stop = Stop::listen()?;
    let data = DataFolder::create(&global.data)?;
    let _lock = data.lock()?;
    let stripe = args.stripe.read()?;
    let masters = global.master_key_file.as_deref().map(master_keys::read).transpose()?;
    let http = args.http.bind_locally(global, &data).await?;
    let endpoint = show(args.metrics, metrics).await?;
    let metrics = endpoint.as_ref().map(MetricsEndpoint::url);
    let mut supervisor = tokio::select! {
        started = start(&data, args.nats_port) => started?,
        () = stop.asked() => return Ok(()),
    };
    let result = tokio::select! {
        served = serve(output, &data, &supervisor, (http, metrics), (args.smtp, stripe, masters)) => served,
        () = stop.asked() => Ok(None),
    };
    let result = match result {
        Ok(Some(instance)) => {
            let ended = tokio::select! {
                ended = supervisor.watch(&mut stop) => ended,
                failed = instance.failed() => Err(failed.into()),
            };
            data.withdraw();
            tracing::info!("stopping; a second Ctrl-C does not wait for what is in flight");
            // What is in flight needs a broker, and an instance that is whole.
            if ended.is_ok() {
                tokio::select! {
                    () = instance.drain() => {}
                    () = stop.asked() => {}
                }
            }
            ended
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    data.withdraw();
    supervisor.stop().await?;
    if let Some(endpoint) = endpoint {
        endpoint.close().await;
    }
    result
}

async fn show(
    address: Option<SocketAddr>,
    metrics: Option<&Registry>,
) -> Result<Option<MetricsEndpoint>> {
    let Some(metrics) = metrics.cloned() else { return Ok(None) };
    let endpoint = match address {
        Some(address) => MetricsEndpoint::open(address, metrics).await?,
        None => MetricsEndpoint::open_locally(metrics).await?,
    };
    Ok(Some(endpoint))
}

async fn start(data: &DataFolder, port: Option<u16>) -> Result<Supervisor> {
    let binary = broker::binary(data.path()).await?;
    Supervisor::start(binary, data.path(), port).await
}

/// Provisions, starts every role, and says so.
async fn serve(
    output: Output,
    data: &DataFolder,
    supervisor: &Supervisor,
    (http, metrics): (Http, Option<String>),
    (smtp, stripe, masters): (SmtpArgs, Stripe, Option<MasterKeys>),
) -> Result<Option<Instance>> {
    let url = supervisor.url();
    let monitoring = supervisor.monitoring();
    let connect = ConnectOptions::new(url);
    let (secret, masters) = keys::of(data, masters, &connect).await?;
    let composition = smtp.into(contexts::composition(), &connect, &secret, &masters)?;
    let composition = stripe.with_fees(composition);
    let runtime = Runtime::start(RuntimeOptions {
        connect: connect.clone(),
        provision: ProvisionOptions { replicas: 1, monitoring: monitoring.map(str::to_owned) },
        composition,
        roles: Roles { projections_required: true, ..Roles::default() },
        secret,
        master_keys: Some(masters),
        store: data.store().into(),
        // The lock on the folder makes it unique, and the next run takes over at once.
        instance: "dev".to_owned(),
    })
    .await
    .map_err(not_started)?;
    let (at, in_words) = (http.url(), http.in_words());
    let instance = Instance::begin(runtime, Some(http), "dev", &connect, &stripe).await?;
    let runtime = instance.runtime();
    let durability = runtime.provisioned().to_string();
    data.announce(url, monitoring)?;
    let ready = json!({
        "status": "ready",
        "nats": url,
        "data": data.path(),
        "broker": {"pid": supervisor.pid(), "monitoring": monitoring},
        "durability": durability,
        "http": at,
        "key": data.key(),
        "metrics": metrics,
    });
    output.write(&ready, || {
        let folder = data.path().display();
        let metrics = metrics.map(|url| format!("metrics {url}\n")).unwrap_or_default();
        format!(
            "data in {folder}\n{durability}\n{metrics}{in_words}\nready {url}\n\n{}",
            try_next(data, &at)
        )
    })?;
    Ok(Some(instance))
}

fn try_next(data: &DataFolder, http: &str) -> String {
    let folder = data.path().display();
    let by_http = data.key().map(|path| {
        let key = format!("Authorization: Bearer $(cat {})", path.display());
        format!("  curl -H \"{key}\" '{http}/v1/people/get?key=ada'\n")
    });
    let by_http = by_http.unwrap_or_default();
    format!(
        "Try, in a second terminal:\n  export HEADWATER_DATA={folder}\n{COMMANDS}{by_http}{END}"
    )
}

const COMMANDS: &str = r#"  headwater send person ada create-person \
      --json '{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}' --follow
  headwater query people get --key ada
  headwater tail --from start
"#;

const END: &str = "Ctrl-C stops everything; the data stays.";
