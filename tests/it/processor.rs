//! The command processor on JetStream: what its rules promise holds on the real log.

#[path = "../../infrastructure/tests/it/processor/counter.rs"]
pub(crate) mod counter;

use bytes::Bytes;
use infrastructure::{
    aggregates::Aggregates,
    envelope,
    jetstream::{JetStreamOptions, JetStreamStore},
    problem::Problem,
    processor::{Processor, ProcessorOptions},
    provision::{ProvisionOptions, provision},
    request::{CommandRequest, Reply, Status},
    snapshot::Snapshots,
    store::{Freshness, Pages, Start, Store, StreamKey},
};
use kit::{AggregateId, Position, Recorded, Secret, Version};
use tests::{LIMIT, Server, eventually};
use tokio::sync::mpsc;

use counter::{Counter, CounterEvent};

struct Bench {
    server: Server,
    store: JetStreamStore,
}

impl Bench {
    async fn start() -> Self {
        let server = Server::start().await;
        provision(&server.client().await, &ProvisionOptions::default()).await.unwrap();
        let (append, read) = (server.client().await, server.client().await);
        let store = JetStreamStore::new(append, read, JetStreamOptions::default()).await.unwrap();
        Self { server, store }
    }

    fn processor(&self) -> Processor {
        self.processor_with(ProcessorOptions::new(Secret::new([1; 32])))
    }

    fn processor_with(&self, options: ProcessorOptions) -> Processor {
        Processor::start(self.store.clone(), Aggregates::new().with::<Counter>(), options)
    }

    async fn saving(&self) -> (Processor, Snapshots) {
        let snapshots = Snapshots::open(&self.server.client().await).await.unwrap();
        let options = ProcessorOptions {
            snapshots: Some(snapshots.clone()),
            ..ProcessorOptions::new(Secret::new([1; 32]))
        };
        (self.processor_with(options), snapshots)
    }

    async fn history(&self, id: &str) -> Vec<Recorded<CounterEvent>> {
        let mut events = Vec::new();
        let key = key(id);
        let commits = Pages::new(&self.store, &key, Start::WHOLE, Freshness::Leader).rest();
        for commit in commits.await.unwrap() {
            for (index, element) in envelope::decode(&commit.body).unwrap().iter().enumerate() {
                events.push(element.record("counter", commit.position, index).unwrap());
            }
        }
        let dense =
            events.iter().zip(1..).all(|(event, version)| event.version == Version(version));
        assert!(dense, "versions are dense");
        events
    }
}

fn id(text: &str) -> AggregateId {
    text.parse().unwrap()
}

fn key(text: &str) -> StreamKey {
    StreamKey { aggregate: "counter".into(), id: id(text) }
}

fn command(to: &str, name: &str, body: &'static str, command: Option<&str>) -> CommandRequest {
    let mut request =
        CommandRequest::new("counter", id(to), name, Bytes::from_static(body.as_bytes()));
    request.command_id = command.map(|command| command.parse().unwrap());
    request
}

fn add(to: &str, command_id: Option<&str>) -> CommandRequest {
    command(to, "add", r#"{"by":1}"#, command_id)
}

/// Sends `count` commands with as many in flight as `width`; gives back the last answer.
async fn pass(
    processor: &Processor,
    count: usize,
    width: usize,
    request: impl Fn(usize) -> CommandRequest,
) -> Vec<Result<Reply, Problem>> {
    let (answers, mut answered) = mpsc::channel(width);
    let mut all = Vec::with_capacity(count);
    for number in 0..count + width {
        if number >= width {
            all.push(answered.recv().await.unwrap());
        }
        if number < count {
            let answers = answers.clone();
            // There is room for as many answers as there are commands in flight.
            let answer = move |result| answers.try_send(result).unwrap();
            processor.submit(request(number), Box::new(answer));
        }
        if all.len() == count {
            break;
        }
    }
    all
}

#[tokio::test]
async fn every_kind_of_answer_comes_from_the_real_log() {
    let bench = Bench::start().await;
    let processor = bench.processor();
    let first = processor.execute(add("a", Some("once"))).await.unwrap();
    assert_eq!((first.status, first.version), (Status::Committed, Version(1)));
    let again = processor.execute(add("a", Some("once"))).await.unwrap();
    assert_eq!((again.status, again.position), (Status::Replayed, first.position));
    let unchanged = processor.execute(command("a", "add", r#"{"by":0}"#, None)).await.unwrap();
    assert_eq!((unchanged.status, unchanged.position), (Status::Unchanged, first.position));
    let refused = processor.execute(command("a", "take", r#"{"by":9}"#, None)).await.unwrap_err();
    assert_eq!(refused.code, "too-few");
    let elsewhere = bench.processor().execute(add("a", Some("once"))).await.unwrap();
    assert_eq!((elsewhere.status, elsewhere.events), (Status::Replayed, first.events));
    assert_eq!(bench.history("a").await.len(), 1);
}

#[tokio::test]
async fn commands_that_wait_together_share_a_message() {
    let bench = Bench::start().await;
    let processor = bench.processor();
    for answer in pass(&processor, 2_000, 64, |_| add("hot", None)).await {
        answer.unwrap();
    }
    let history = bench.history("hot").await;
    let mut messages: Vec<_> = history.iter().map(|event| event.position).collect();
    messages.dedup();
    assert_eq!(history.len(), 2_000);
    assert!(messages.len() < 500, "{} messages", messages.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_and_fifty_clients_on_one_aggregate_lose_nothing() {
    let bench = Bench::start().await;
    let both = [bench.processor(), bench.processor()];
    let clients = (0..50).map(|client| {
        let processor = both[client % 2].clone();
        tokio::spawn(async move {
            for number in 0..10 {
                let request = add("shared", Some(&format!("client-{client}-{number}")));
                while let Err(problem) = processor.execute(request.clone()).await {
                    assert!(problem.is_transient(), "{problem}");
                }
            }
        })
    });
    for client in futures::future::join_all(clients).await {
        client.unwrap();
    }
    let history = bench.history("shared").await;
    let mut commands: Vec<_> =
        history.iter().map(|event| event.metadata.command_id.as_str()).collect();
    commands.sort_unstable();
    commands.dedup();
    assert_eq!((history.len(), commands.len()), (500, 500));
}

#[tokio::test]
async fn the_first_of_70_000_commands_is_replayed_with_and_without_a_snapshot() {
    let bench = Bench::start().await;
    let (processor, snapshots) = bench.saving().await;
    let made = uuid::Uuid::now_v7().to_string();
    let firsts = [add("a", Some(&made)), add("a", Some("import-1"))];
    let mut answers = Vec::new();
    for first in &firsts {
        answers.push(processor.execute(first.clone()).await.unwrap());
    }
    for answer in pass(&processor, 70_000, 256, |_| add("a", None)).await {
        answer.unwrap();
    }
    eventually("a snapshot", LIMIT, async || snapshots.get(&key("a"), 1).await).await;
    let (restored, _) = bench.saving().await;
    for processor in [processor, restored, bench.processor()] {
        for (first, answer) in firsts.iter().zip(&answers) {
            let again = processor.execute(first.clone()).await.unwrap();
            assert_eq!(again.status, Status::Replayed);
            assert_eq!((again.position, &again.events), (answer.position, &answer.events));
        }
        let unchanged = processor.execute(command("a", "add", r#"{"by":0}"#, None)).await.unwrap();
        assert_eq!(unchanged.version, Version(70_002));
    }
    let one_too_many = command("a", "take", r#"{"by":70003}"#, None);
    assert_eq!(bench.saving().await.0.execute(one_too_many).await.unwrap_err().code, "too-few");
}

#[tokio::test]
async fn a_foreign_message_is_named_and_the_service_goes_on() {
    let bench = Bench::start().await;
    let context = async_nats::jetstream::new(bench.server.client().await);
    let published = context.publish("event.counter.a", "hello".into()).await.unwrap();
    let position = published.await.unwrap().sequence;
    let processor = bench.processor();
    let problem = processor.execute(add("a", None)).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (500, "corrupt"));
    assert!(problem.detail.contains(&format!("event.counter.a at position {position}")));
    processor.execute(add("b", None)).await.unwrap();
    assert_eq!(bench.store.last(&key("a")).await.unwrap(), Position(position));
}

#[tokio::test]
async fn acknowledged_commands_survive_the_end_of_the_broker_and_repeats_settle_the_others() {
    let mut bench = Bench::start().await;
    let processor = bench.processor();
    let request =
        |number: usize| add(&format!("id-{}", number % 5), Some(&format!("command-{number}")));
    let (answers, mut answered) = mpsc::unbounded_channel();
    for number in 0..500 {
        let answers = answers.clone();
        let answer = move |result: Result<Reply, Problem>| answers.send((number, result)).unwrap();
        processor.submit(request(number), Box::new(answer));
        if number == 250 {
            answered.recv().await.unwrap().1.unwrap();
            bench.server.kill9();
        }
    }
    bench.server.restart().await;
    drop(answers);
    while let Some((number, result)) = answered.recv().await {
        if let Err(problem) = result {
            assert!(problem.is_transient(), "{problem}");
            let again = async || processor.execute(request(number)).await.ok();
            eventually("the repeat is carried out", LIMIT, again).await;
        }
    }
    let mut commands = Vec::new();
    for number in 0..5 {
        let history = bench.history(&format!("id-{number}")).await;
        commands.extend(history.into_iter().map(|event| event.metadata.command_id));
    }
    assert_eq!(commands.len(), 500);
    commands.sort_unstable();
    commands.dedup();
    assert_eq!(commands.len(), 500, "no command twice");
}
