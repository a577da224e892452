//! What Prometheus is told by a running process.

use std::collections::HashMap;

use domain::mail::{Letter, MailCommand, RequestMail};
use infrastructure::{client::Client, request::CommandRequest};
use kit::Command as _;
use rustix::process::Signal;
use serde_json::Value;
use tests::{LIMIT, MailFailure, MailSink, MailStep, Server, Service, eventually};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use crate::kit::{Installation, binary};

/// One sample: its name, labels and value.
#[derive(Debug)]
pub(crate) struct Sample {
    name: String,
    labels: HashMap<String, String>,
    value: f64,
}

/// Status line and body of what `method` on `url` answers.
async fn ask(method: &str, url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

pub(crate) async fn scrape(url: &str) -> Vec<Sample> {
    let (status, body) = ask("GET", url).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    body.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
    let label = |label: &str| {
        let (name, value) = label.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    };
    let labels = labels.map(label).collect();
    Sample { name: name.to_owned(), labels, value: value.parse().unwrap() }
}

/// The sum of the series of `name` that have these labels.
pub(crate) fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |sample: &&Sample| {
        let has =
            |(label, value): &(&str, &str)| sample.labels.get(*label).is_some_and(|it| it == value);
        sample.name == name && labels.iter().all(has)
    };
    samples.iter().filter(fits).map(|sample| sample.value).sum()
}

/// A count, which Prometheus has as a floating-point number.
fn whole(value: f64) -> u64 {
    // A sum of nothing is minus zero.
    (value + 0.0).to_string().parse().unwrap()
}

/// How many events of each type and aggregate type the whole log holds, and where it ends.
async fn log(url: &str) -> (u64, HashMap<(String, String), u64>) {
    let client = async_nats::connect(url).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("EVENTS").await.unwrap();
    let (end, mut counts) = (stream.cached_info().state.last_sequence, HashMap::new());
    for position in 1..=end {
        let message = stream.get_raw_message(position).await.unwrap();
        let aggregate = message.subject.split('.').nth(1).unwrap().to_owned();
        for event in infrastructure::envelope::decode(&message.payload).unwrap() {
            *counts.entry((event.kind.to_string(), aggregate.clone())).or_default() += 1;
        }
    }
    (end, counts)
}

/// What `handler` says it has handled, in the same form.
fn processed(samples: &[Sample], handler: &str) -> HashMap<(String, String), u64> {
    let label = |sample: &Sample, name: &str| sample.labels[name].clone();
    let of = samples.iter().filter(|it| it.name == "events_processed_total");
    of.filter(|sample| sample.labels["handler"] == handler)
        .map(|it| ((label(it, "event_type"), label(it, "aggregate_type")), whole(it.value)))
        .collect()
}

#[tokio::test]
async fn what_is_counted_is_what_the_log_holds() {
    let installation = Installation::start().await;
    let people = ["ada", "grace", "edsger"];
    for id in people {
        installation.create(id).await;
        installation.send(["person", id, "tag"], r#"{"tag":"vip"}"#).await;
    }
    installation.send(["person", "ada", "tag"], r#"{"tag":"vip"}"#).await;
    let refused = installation.run(&["send", "person", "ada", "tag", "--json", "{}"]).await;
    assert_eq!(refused.code, Some(7), "{refused:?}");

    // Each handler, every type of event, and no event more or less than the log holds.
    let composition = headwater::contexts::composition();
    let readers = |aggregate: &str| composition.readers_of(aggregate).into_iter();
    let handlers: Vec<_> = composition.handlers().iter().map(|handler| handler.name).collect();
    let samples = eventually("every handler has handled all", LIMIT, async || {
        let samples = scrape(&installation.dev.metrics).await;
        let (end, log) = log(&installation.dev.url).await;
        let agrees = |handler: &&str| {
            let reads = |aggregate: &str| readers(aggregate).any(|it| it.name == *handler);
            let mut expected = log.clone();
            expected.retain(|(_, aggregate), _| reads(aggregate));
            // A quiet handler looks for the end of the log now and then.
            let position = sum(&samples, "handlers_position", &[("handler", *handler)]);
            processed(&samples, handler) == expected && whole(position) == end
        };
        let behind = sum(&samples, "handlers_lag", &[]);
        (handlers.iter().all(agrees) && behind < 0.5).then_some(samples)
    })
    .await;

    let one = |name: &str, labels: &[(&str, &str)]| whole(sum(&samples, name, labels));
    for handler in &handlers {
        let timed = ("handler", *handler);
        assert_eq!(
            one("events_processing_duration_seconds_count", &[timed]),
            one("events_processed_total", &[timed]),
        );
    }
    assert_eq!(one("handlers_owned", &[("handler", "timers")]), 1);
    assert_eq!(one("commands_answered_total", &[("outcome", "invalid")]), 1);
    assert_eq!(one("commands_answered_total", &[("outcome", "unchanged")]), 1);
    assert_eq!(one("commands_waiting", &[]), 0);
    let commits = one("appends_total", &[("outcome", "committed")]);
    assert!(one("commands_answered_total", &[("outcome", "committed")]) >= commits && commits >= 6);
    let client = async_nats::connect(&installation.dev.url).await.unwrap();
    let log = async_nats::jetstream::new(client).get_stream("EVENTS").await.unwrap();
    assert_eq!(log.cached_info().state.messages, commits, "each commit is an append");
    for handler in handlers {
        let named = ("handler", handler);
        assert_eq!(one("handlers_position", &[named]), commits, "{handler}");
        assert_eq!(one("handlers_owned", &[named]), 1);
        assert_eq!(one("handlers_state", &[named, ("state", "running")]), 1);
        assert_eq!(one("handlers_state", &[named]), 1, "it is in one state");
        assert!(sum(&samples, "handlers_lag_duration_seconds", &[named]) < 0.001);
    }
    let personal = samples.iter().flat_map(|sample| sample.labels.values());
    assert!(personal.clone().all(|value| value != "ada"), "ids are no labels");
}

#[tokio::test]
async fn anything_but_a_reading_of_metrics_is_refused() {
    let mut installation = Installation::start().await;
    let url = installation.dev.metrics.clone();
    assert_eq!(ask("POST", &url).await.0, "HTTP/1.1 405 Method Not Allowed");
    assert_eq!(ask("GET", &url.replace("metrics", "")).await.0, "HTTP/1.1 404 Not Found");
    assert_eq!(ask("HEAD", &url).await, ("HTTP/1.1 200 OK".to_owned(), String::new()));
    // A connection that says nothing does not hold the end up.
    let address = url.strip_prefix("http://").unwrap().trim_end_matches("/metrics");
    let _silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(installation.dev.stop(Signal::TERM).await, Some(0));
}

#[tokio::test]
async fn serve_shows_metrics_only_where_it_is_told_to() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "00112233445566778899aabbccddeeff".repeat(2)).unwrap();
    let serve = async |more: &[&str]| {
        let mut command = binary().await;
        command.args(["serve", "--json", "--nats", server.url(), "--data"]).arg(folder.path());
        command.arg("--secret-file").arg(&secret).args(more);
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = output.next_line().await.unwrap().expect("a ready line");
        (child, serde_json::from_str::<Value>(&ready).unwrap())
    };
    let (mut child, ready) = serve(&["--metrics", "127.0.0.1:0"]).await;
    let samples = scrape(ready["metrics"].as_str().unwrap()).await;
    assert!(samples.iter().any(|sample| sample.name == "handlers_state"), "{samples:?}");
    child.kill().await.unwrap();
    let (mut child, ready) = serve(&[]).await;
    assert_eq!(ready.get("metrics"), None);
    child.kill().await.unwrap();
}

#[tokio::test]
async fn a_circuit_breaker_is_shown_in_the_one_state_that_it_is_in() {
    let (server, sink) = (Server::start().await, MailSink::start().await);
    let port = sink.port().to_string();
    let arguments = [
        ["--metrics", "127.0.0.1:0"],
        ["--smtp-host", "127.0.0.1"],
        ["--smtp-port", &port],
        ["--smtp-use-tls", "false"],
        ["--from-email", "robot@example.org"],
    ];
    let binary = env!("CARGO_BIN_EXE_headwater");
    let mut service = Service::start(binary, server.url(), &arguments.concat()).await;
    let url = service.line("metrics ").await.unwrap();
    let url = url.trim_start_matches("metrics ");
    let is = async |state: &str| {
        eventually(&format!("the breaker is {state}"), LIMIT, async || {
            let samples = scrape(url).await;
            let smtp = [("handler", "deliver-mail"), ("dependency", "smtp")];
            let one = |labels: &[_]| whole(sum(&samples, "handlers_breaker_state", labels));
            assert_eq!(one(&smtp), 1, "it is in one state");
            (one(&[&smtp[..], &[("state", state)]].concat()) == 1).then_some(())
        })
        .await;
    };
    is("closed").await;
    sink.fail(MailStep::Mail, MailFailure::Answer("451 not now"));
    let client = Client::new(server.client().await);
    let name = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
    let contact = r#"{"contact_id":"home","kind":"email","value":"ada@example.org"}"#;
    for (command, body) in [("create-person", name), ("add-contact", contact)] {
        let command = CommandRequest::new("person", "ada".parse().unwrap(), command, body);
        client.send(&command).await.unwrap();
    }
    let letter =
        Letter::Welcome { person: "ada".parse().unwrap(), contact: "home".parse().unwrap() };
    let command = MailCommand::from(RequestMail(letter));
    let (id, body) = ("m".parse().unwrap(), command.body().unwrap());
    client.send(&CommandRequest::new("mail", id, command.name(), body)).await.unwrap();
    is("open").await;
    sink.recover();
    is("closed").await;
}

#[tokio::test]
async fn what_the_streams_hold_is_measured() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let seen = eventually("the streams are measured", LIMIT, async || {
        let samples = scrape(&installation.dev.metrics).await;
        let events = |name: &str| sum(&samples, name, &[("stream", "EVENTS")]);
        let measured = events("streams_messages") > 0.0 && events("streams_size_bytes") > 0.0;
        (measured && events("streams_first_position") > 0.0).then_some(samples)
    })
    .await;
    let last = sum(&seen, "streams_last_position", &[("stream", "EVENTS")]);
    assert!(last >= 1.0 && sum(&seen, "storage_used_bytes", &[]) > 0.0, "{seen:?}");
}
