//! W3C Trace Context between messages and spans, so that a command, its events and the commands
//! of policies share one trace. Not here: subscribers and exporters; the binary installs those.

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt as _, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Reads a `traceparent` value (W3C Trace Context, 3.2). Whatever is malformed is `None`: the
/// recommendation says to go on without a trace rather than to refuse the message.
#[must_use]
pub fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let fits = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    // Version 00 ends after the flags; later versions may add fields, ff is forbidden.
    if !fits || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

/// The `traceparent` value of `context`, or `None` if it names no trace.
#[must_use]
pub fn format(context: &SpanContext) -> Option<String> {
    context.is_valid().then(|| {
        let (trace, span) = (context.trace_id(), context.span_id());
        format!("00-{trace}-{span}-{:02x}", context.trace_flags().to_u8())
    })
}

/// Makes `span` continue the trace that a message came with. Call it before entering the span.
pub fn adopt(span: &Span, traceparent: Option<&str>) {
    if let Some(parent) = traceparent.and_then(parse) {
        // Fails only if no exporter is installed, and then there is no trace to continue.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// What a message sent from `span` carries: the span's own place in the trace or, if spans are
/// not exported here, the value that came in, so that a trace passes through unbroken.
#[must_use]
pub fn outgoing(span: &Span, incoming: Option<&str>) -> Option<String> {
    let own = format(span.context().span().span_context());
    own.or_else(|| incoming.filter(|value| parse(value).is_some()).map(str::to_owned))
}

fn hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_comes_back_as_it_was() {
        assert_eq!(parse(EXAMPLE).as_ref().and_then(format).as_deref(), Some(EXAMPLE));
    }

    #[test]
    fn a_later_version_may_have_more_fields() {
        let later = format!("01{}-what-comes-later", &EXAMPLE[2..]);
        assert!(parse(&later).is_some());
    }

    #[test]
    fn what_is_malformed_is_no_trace() {
        let more = format!("{EXAMPLE}-00");
        let forbidden = format!("ff{}", &EXAMPLE[2..]);
        let loud = EXAMPLE.to_uppercase();
        let no_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let no_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        for text in ["", "00", "x", &more, &forbidden, &loud, no_trace, no_span, &EXAMPLE[..54]] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn without_an_exporter_the_trace_passes_through() {
        assert_eq!(outgoing(&Span::none(), Some(EXAMPLE)).as_deref(), Some(EXAMPLE));
        assert_eq!(outgoing(&Span::none(), Some("nonsense")), None);
        assert_eq!(outgoing(&Span::none(), None), None);
    }
}
