//! Logs to standard error; traces and metrics to an OTLP collector, if one is configured, and
//! metrics to Prometheus, if it asks.
//! Not here: trace context in messages; the infrastructure carries that.

mod meters;
mod tls;

use std::{env, fmt, future::Future, io::IsTerminal as _};

use anyhow::{Context as _, Result};
use kit::excerpt;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::SdkMeterProvider,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use prometheus::Registry;
use rustls::RootCertStore;
use tokio::runtime::Handle;
use tokio_util::context::TokioContext;
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _};

use crate::{
    arguments::Command,
    exit::Advised,
    options::{Format, Global},
};

const TRACES: Signal = Signal {
    endpoints: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    certificates: ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
};
const METRICS: Signal = Signal {
    endpoints: ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    certificates: ["OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
};

/// One kind of telemetry, by the variables that the OTLP specification has for it.
struct Signal {
    endpoints: [&'static str; 2],
    certificates: [&'static str; 2],
}

/// What is exported. A command's span is at the level debug, because the log would make one for
/// each command and show none.
const EXPORTED: &str =
    "info,infrastructure::service=debug,hyper=off,reqwest=off,rustls=off,h2=off,opentelemetry=off";

/// What must be brought to an end before the process does.
#[derive(Debug, Default)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    meters: Option<SdkMeterProvider>,
    registry: Option<Registry>,
}

/// Starts logging, and exporting if it is configured. Subcommands that give an answer log warnings
/// only, and nobody measures them.
///
/// # Errors
/// If the filter or the endpoint cannot be used.
pub fn start(global: &Global, command: &Command) -> Result<Telemetry> {
    let default =
        if command.is_quiet() { "warn" } else { "info,async_nats=warn,opentelemetry=warn" };
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
    let subscriber = tracing_subscriber::registry().with(logs.with_filter(filter)).with(spans);
    tracing::subscriber::set_global_default(subscriber)?;
    let (meters, registry) = match command.is_quiet() {
        true => (None, None),
        false => meters::start(command.is_scraped())?,
    };
    Ok(Telemetry { provider, meters, registry })
}

fn provider() -> Result<Option<SdkTracerProvider>> {
    let Some(client) = TRACES.client()? else { return Ok(None) };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_http_client(client)
        .build()
        .with_context(|| TRACES.unusable())?;
    let exporter = InRuntime::new(exporter);
    let builder = SdkTracerProvider::builder().with_resource(resource());
    Ok(Some(builder.with_batch_exporter(exporter).build()))
}

/// Who is measured.
fn resource() -> Resource {
    match env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => Resource::builder().build(),
        None => Resource::builder().with_service_name("headwater").build(),
    }
}

impl Signal {
    fn endpoint(&self) -> Option<&'static str> {
        let configured = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
        self.endpoints.into_iter().find(configured)
    }

    /// The way to the collector; none if there is no collector.
    fn client(&self) -> Result<Option<reqwest::Client>> {
        let Some(name) = self.endpoint() else { return Ok(None) };
        let url = env::var(name).unwrap_or_default();
        let is_https = url.to_ascii_lowercase().starts_with("https:");
        let roots =
            if is_https { tls::trusted(self.certificates) } else { Ok(RootCertStore::empty()) };
        roots.and_then(tls::client).with_context(|| self.unusable()).map(Some)
    }

    fn unusable(&self) -> Advised {
        Advised::usage(format!("{} cannot be used", self.endpoint().unwrap_or_default()), "")
    }
}

impl Telemetry {
    /// What Prometheus may ask for; none if the subcommand shows nothing.
    #[must_use]
    pub const fn registry(&self) -> Option<&Registry> {
        self.registry.as_ref()
    }

    /// Exports what is waiting. Bounded by the exporters' own time-out.
    pub async fn finish(self) {
        // It blocks until the last batch has gone out, and that needs this runtime's threads.
        let ending = [
            self.provider.map(|it| tokio::task::spawn_blocking(move || it.shutdown())),
            self.meters.map(|it| tokio::task::spawn_blocking(move || it.shutdown())),
        ];
        for ended in ending.into_iter().flatten() {
            if let Ok(Err(error)) = ended.await {
                tracing::warn!(%error, "the last spans or metrics were not exported");
            }
        }
    }
}

/// An exporter whose connections live in the async runtime, while the SDK drives it from a thread
/// of its own.
struct InRuntime<E> {
    exporter: E,
    runtime: Handle,
}

impl<E> InRuntime<E> {
    fn new(exporter: E) -> Self {
        Self { exporter, runtime: Handle::current() }
    }
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
