//! Metrics for whoever collects them: Prometheus, which asks, and an OTLP collector, which is told.
//! Not here: the instruments; the infrastructure has those.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, Result};
use opentelemetry::global;
use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        PeriodicReader, SdkMeterProvider, Temporality, data::ResourceMetrics,
        exporter::PushMetricExporter,
    },
};
use prometheus::Registry;
use tokio_util::context::TokioContext;

use super::{InRuntime, METRICS, resource};

/// Makes instruments measure, if anybody collects. The registry is for whoever answers Prometheus.
///
/// # Errors
/// If the endpoint cannot be used.
pub(super) fn start(is_scraped: bool) -> Result<(Option<SdkMeterProvider>, Option<Registry>)> {
    let collector = METRICS.client()?;
    if !is_scraped && collector.is_none() {
        return Ok((None, None));
    }
    let mut builder = SdkMeterProvider::builder().with_resource(resource());
    let registry = is_scraped.then(Registry::new);
    if let Some(registry) = &registry {
        // One scope says the same about every series.
        let reader = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .context("metrics cannot be registered")?;
        builder = builder.with_reader(reader);
    }
    if let Some(client) = collector {
        let exporter = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(client)
            .build()
            .with_context(|| METRICS.unusable())?;
        builder = builder.with_reader(PeriodicReader::builder(InRuntime::new(exporter)).build());
    }
    let provider = builder.build();
    global::set_meter_provider(provider.clone());
    Ok((Some(provider), registry))
}

impl<E: PushMetricExporter> PushMetricExporter for InRuntime<E> {
    fn export(&self, metrics: &ResourceMetrics) -> impl Future<Output = OTelSdkResult> + Send {
        TokioContext::new(self.exporter.export(metrics), self.runtime.clone())
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
