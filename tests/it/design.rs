//! A request on a real server, with many callers at once: nothing is lost and nothing counts twice.

use std::collections::BTreeSet;

use domain::design::{Design, DesignEvent, DesignStatus, PaymentStatus};
use futures::future::join_all;
use infrastructure::{
    client::Client,
    composition::Composition,
    envelope,
    jetstream::{JetStreamOptions, JetStreamStore},
    request::{CommandRequest, Reply, Status},
    runtime::{Runtime, RuntimeOptions},
    sealing::{Keys, MasterKeys},
    store::{Freshness, Pages, Start, StreamKey},
};
use kit::scenario::{fold, secret};
use serde_json::{Value, json};
use tests::Server;

use crate::service::options;

const CALLERS: usize = 50;

/// A server, and two instances that take commands for requests.
struct Stand {
    server: Server,
    instances: [Runtime; 2],
    client: Client,
}

impl Stand {
    /// With one submitted request, quoted at 49.90 euro.
    async fn start() -> Self {
        let server = Server::start().await;
        let instance = async |name| {
            let composition = Composition::new().aggregate::<Design>();
            let options = RuntimeOptions { composition, ..options(&server, name) };
            Runtime::start(options).await.unwrap()
        };
        let instances = [instance("one").await, instance("two").await];
        let client = Client::new(server.client().await);
        let stand = Self { server, instances, client };
        for (name, body) in [
            ("create-request", json!({"design_code": "D-7"})),
            ("quote", json!({"amount": 4990, "currency": "eur"})),
            ("submit-request", json!({"email": "ada@example.org"})),
        ] {
            insist(&stand.client, name, name, &body).await;
        }
        stand
    }

    /// Asks from 50 connections at once. Each caller says what it asks for, by its number.
    async fn at_once(&self, ask: impl Fn(usize) -> (&'static str, Value)) -> Vec<Reply> {
        let callers = (0..CALLERS).map(|caller| {
            let (name, body) = ask(caller);
            async move {
                let client = Client::new(self.server.client().await);
                insist(&client, &format!("{name}-{caller}"), name, &body).await
            }
        });
        join_all(callers).await
    }

    /// The events of the request, whose versions must be dense.
    async fn events(&self) -> Vec<DesignEvent> {
        let (append, read) = (self.server.client().await, self.server.client().await);
        let keys = Keys::new(read.clone(), MasterKeys::derived(&secret()));
        let store = JetStreamStore::new(append, read, JetStreamOptions::default()).await.unwrap();
        let store = store.opening(Some(keys));
        let key = StreamKey { aggregate: "design".into(), id: "request-1".parse().unwrap() };
        let mut events = Vec::new();
        let commits = Pages::new(&store, &key, Start::WHOLE, Freshness::Leader).rest();
        for commit in commits.await.unwrap() {
            for (index, element) in envelope::decode(&commit.body).unwrap().iter().enumerate() {
                let record = element.record::<DesignEvent>("design", commit.position, index);
                let record = record.unwrap();
                assert_eq!(record.version.0, events.len() as u64 + 1);
                events.push(record.event);
            }
        }
        events
    }

    async fn stop(self) {
        for instance in self.instances {
            instance.drain().await;
        }
    }
}

/// Asks until there is an answer that is not for now.
async fn insist(client: &Client, command: &str, name: &str, body: &Value) -> Reply {
    let id = "request-1".parse().unwrap();
    let mut request = CommandRequest::new("design", id, name, body.to_string());
    request.command_id = Some(command.parse().unwrap());
    loop {
        match client.send(&request).await {
            Ok(reply) => return reply,
            Err(problem) => assert!(problem.is_transient(), "{problem}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_writers_of_one_answer_make_fifty_versions_of_which_one_is_current() {
    let stand = Stand::start().await;
    let answer = |caller| {
        let text = format!("answer {caller}");
        ("answer-question", json!({"question_id": "colour", "text": text}))
    };
    let replies = stand.at_once(answer).await;
    assert!(replies.iter().all(|reply| reply.status != Status::Unchanged), "{replies:?}");
    // A caller who asks again gets its own answer's event, and no further version.
    let again = stand.at_once(answer).await;
    for (first, again) in replies.iter().zip(&again) {
        assert_eq!((again.status, &again.events), (Status::Replayed, &first.events));
    }
    let events = stand.events().await;
    let answered = |event: &DesignEvent| match event {
        DesignEvent::AnswerVersioned(answered) => Some(answered.clone()),
        _ => None,
    };
    let answered: Vec<_> = events.iter().filter_map(answered).collect();
    let versions: Vec<_> = answered.iter().map(|answer| answer.version).collect();
    assert_eq!(versions, (1..=50).collect::<Vec<_>>());
    let texts: BTreeSet<_> = answered
        .iter()
        .map(|it| {
            let text = it.answer.text.clone().unwrap();
            String::from(text.into_known().unwrap())
        })
        .collect();
    assert_eq!(texts.len(), CALLERS, "nobody's answer is lost");
    let ids: BTreeSet<_> = answered.iter().map(|answer| answer.answer_id).collect();
    assert_eq!(ids.len(), CALLERS);
    let design: Design = fold(&events);
    let current = design.answers[&"colour".parse().unwrap()];
    assert_eq!((design.answers.len(), current.version), (1, 50));
    assert_eq!(current.answer_id, answered.last().unwrap().answer_id);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_told_fifty_times_beside_a_cancellation_is_given_back_once() {
    let stand = Stand::start().await;
    let told = |caller| match caller {
        25 => ("cancel-request", json!({"reason": "changed my mind"})),
        _ => {
            let fact = if caller % 2 == 0 { "succeeded" } else { "failed" };
            let event = format!("evt_{fact}");
            let body = json!({
                "intent_id": "pi_1", "fact": fact, "amount": 4990, "currency": "eur",
                "at": "2026-01-02T03:04:05Z", "stripe_event_id": event,
            });
            ("record-payment", body)
        }
    };
    stand.at_once(told).await;
    let events = stand.events().await;
    let count =
        |wanted: fn(&DesignEvent) -> bool| events.iter().filter(|event| wanted(event)).count();
    assert_eq!(count(|event| matches!(event, DesignEvent::PaymentSucceeded(_))), 1);
    assert_eq!(count(|event| matches!(event, DesignEvent::PaymentFailed(_))), 1);
    assert_eq!(count(|event| matches!(event, DesignEvent::RefundRequested(_))), 1);
    let design: Design = fold(&events);
    assert_eq!(design.status(), DesignStatus::Cancelled);
    assert_eq!(design.payment.status(), PaymentStatus::Succeeded);
    stand.stop().await;
}
