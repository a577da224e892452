//! Logs to standard error and, if an OTLP endpoint is configured, traces to a collector.
//! Not here: trace context in messages; the infrastructure carries that.

mod tls;

use std::{env, fmt, future::Future, io::IsTerminal as _};

use anyhow::{Context as _, Result};
use kit::excerpt;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use rustls::RootCertStore;
use tokio::runtime::Handle;
use tokio_util::context::TokioContext;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, layer::SubscriberExt as _};

use crate::{
    arguments::{Format, Global},
    exit::Advised,
};

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What is exported. A command's span is at the level debug, because the log would make one for
/// each command and show none.
const EXPORTED: &str =
    "info,infrastructure::service=debug,hyper=off,reqwest=off,rustls=off,h2=off,opentelemetry=off";

/// What must be brought to an end before the process does.
#[derive(Debug, Default)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Starts logging, and exporting if it is configured. `quiet` subcommands log warnings only.
///
/// # Errors
/// If the filter or the endpoint cannot be used.
pub fn start(global: &Global, quiet: bool) -> Result<Telemetry> {
    let default = if quiet { "warn" } else { "info,async_nats=warn" };
    let filter = global.log.as_deref().unwrap_or(default);
    let filter: EnvFilter = filter.parse().with_context(|| {
        let filter = excerpt(filter);
        Advised::usage(format!("--log {filter:?} is not a log filter"), "")
    })?;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let logs = match global.log_format {
        Format::Human => layer.with_target(false).boxed(),
        Format::Json => layer.json().flatten_event(true).boxed(),
    };
    let provider = provider()?;
    let spans = provider.as_ref().map(|provider| {
        // The exporter's own connections must not be traced, or each export causes the next.
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("headwater"))
            .with_filter(EnvFilter::new(EXPORTED))
    });
    let subscriber = Registry::default().with(logs.with_filter(filter)).with(spans);
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(Telemetry { provider })
}

fn provider() -> Result<Option<SdkTracerProvider>> {
    let configured = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some(name) = ENDPOINTS.iter().find(|name| configured(name)) else { return Ok(None) };
    let unusable = || Advised::usage(format!("{name} cannot be used"), "");
    let is_https = env::var(name).is_ok_and(|url| url.to_ascii_lowercase().starts_with("https:"));
    let roots = if is_https { tls::trusted() } else { Ok(RootCertStore::empty()) };
    let client = roots.and_then(tls::client).with_context(unusable)?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_http_client(client)
        .build()
        .with_context(unusable)?;
    let exporter = InRuntime { exporter, runtime: Handle::current() };
    let resource = match env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => Resource::builder().build(),
        None => Resource::builder().with_service_name("headwater").build(),
    };
    let builder = SdkTracerProvider::builder().with_resource(resource);
    Ok(Some(builder.with_batch_exporter(exporter).build()))
}

impl Telemetry {
    /// Exports what is waiting. Bounded by the exporter's own time-out.
    pub async fn finish(self) {
        let Some(provider) = self.provider else { return };
        // It blocks until the last batch has gone out, and that needs this runtime's threads.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

/// An exporter whose connections live in the async runtime, while the SDK drives it from a thread
/// of its own.
struct InRuntime<E> {
    exporter: E,
    runtime: Handle,
}

impl<E> fmt::Debug for InRuntime<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InRuntime(..)")
    }
}

impl<E: SpanExporter> SpanExporter for InRuntime<E> {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        TokioContext::new(self.exporter.export(batch), self.runtime.clone())
    }

    fn shutdown_with_timeout(&self, timeout: std::time::Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
