//! The HTTP face of the built binary: it ends in good order, it is of use alone, and it says what is
//! wrong with its address.

use std::{
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tests::{History, LIMIT, Server, Service, eventually};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

use crate::kit::{binary, finish, let_in};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");
const ADA: &str = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;

/// An instance with a face, where it is, and a key to it.
struct Faced {
    service: Service,
    url: String,
    key: String,
}

impl Faced {
    async fn start(server: &Server, folder: &Path, more: &[&str]) -> Self {
        Self::start_by(Path::new(BINARY), server, folder, more).await
    }

    async fn start_by(binary: &Path, server: &Server, folder: &Path, more: &[&str]) -> Self {
        let (access, key) = let_in(folder, "admin");
        let usual = ["--http", "127.0.0.1:0", "--access", &access, "--http-rate", "0"];
        let mut service = Service::start(binary, server.url(), &[&usual, more].concat()).await;
        let line = service.line("http").await.unwrap();
        let url = line.split_whitespace().nth(1).unwrap().trim_end_matches('/').to_owned();
        Self { service, url, key }
    }

    fn caller(&self) -> Caller {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Caller { http: reqwest::Client::new(), url: self.url.clone(), key: self.key.clone() }
    }
}

#[derive(Clone)]
struct Caller {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Caller {
    /// The status of the answer; none if there was none.
    async fn create(&self, id: &str) -> Option<u16> {
        let url = format!("{}/v1/commands/person/{id}/create-person", self.url);
        let post = self.http.post(url).bearer_auth(&self.key).body(ADA);
        let answer = post.header("content-type", "application/json").send().await.ok()?;
        Some(answer.status().as_u16())
    }

    /// Creates people one after the other until nobody answers.
    async fn create_until_nobody_answers(self, caller: u32, done: Arc<AtomicU64>) -> Vec<String> {
        let mut created = Vec::new();
        for number in 0.. {
            let id = format!("p{caller}-{number}");
            let Some(status) = self.create(&id).await else { break };
            assert_eq!(status, 201, "{id} was taken");
            created.push(id);
            done.fetch_add(1, Ordering::Relaxed);
        }
        created
    }
}

#[tokio::test]
async fn a_service_that_is_asked_to_stop_answers_every_request_it_has_taken() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let mut faced = Faced::start(&server, folder.path(), &[]).await;
    let done = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..16)
        .map(|at| tokio::spawn(faced.caller().create_until_nobody_answers(at, Arc::clone(&done))))
        .collect();
    eventually("requests under way", LIMIT, async || {
        (done.load(Ordering::Relaxed) > 200).then_some(())
    })
    .await;
    assert!(faced.service.stop().await, "SIGTERM ends it with 0");

    let history = History::read(&server.client().await).await;
    history.assert_sound();
    let logged = history.aggregates.keys().filter(|of| of.contains("person")).count();
    let mut answered = 0;
    for caller in callers {
        let created = caller.await.unwrap();
        answered += created.len();
        for id in created {
            assert!(
                !history.of(&format!("person.{id}")).is_empty(),
                "{id}: answered, so in the log"
            );
        }
    }
    assert_eq!(answered, logged, "what was taken was answered");
}

#[tokio::test]
async fn a_face_alone_asks_the_instances_that_there_are() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let _working = Service::start(BINARY, server.url(), &[]).await;
    let faced = Faced::start(&server, folder.path(), &["--roles", "http"]).await;
    let caller = faced.caller();
    assert!(faced.service.greeting().ends_with(": http"), "{}", faced.service.greeting());
    assert_eq!(caller.create("ada").await, Some(201));
    let get =
        |path: &str| caller.http.get(format!("{}{path}", caller.url)).bearer_auth(&caller.key);
    let found = get("/v1/people/get?key=ada&after=1&wait_ms=20000").send().await.unwrap();
    assert_eq!(found.headers()["etag"], "\"1\"");
    let state = get("/v1/aggregates/person/ada").send().await.unwrap();
    assert_eq!(state.status(), 200);
}

#[tokio::test]
async fn however_many_connect_the_service_keeps_files_for_itself() {
    // As the script says.
    const FILES: usize = 500;
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let (small, script) = (folder.path().join("small"), "tests/it/http/few_files.sh");
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join(script), &small).unwrap();
    symlink(BINARY, folder.path().join("headwater")).unwrap();
    let mut faced = Faced::start_by(&small, &server, folder.path(), &[]).await;
    let address = faced.url.strip_prefix("http://").unwrap();
    let mut held = Vec::new();
    for _ in 0..FILES + 100 {
        let mut connection = TcpStream::connect(address).await.unwrap();
        // It may have been turned away.
        let _ = connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await;
        held.push(connection);
    }
    let caller = faced.caller();
    let asked = tokio::spawn(async move { caller.create("ada").await });
    let mut most = 0;
    eventually("somebody is answered all the same", LIMIT, async || {
        most = faced.service.open_files().max(most);
        asked.is_finished().then_some(())
    })
    .await;
    assert!((100..FILES - 100).contains(&most), "{most} of {FILES} files");
    drop(held);
    assert!(faced.service.stop().await);
}

#[tokio::test]
async fn an_address_that_is_taken_or_missing_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (access, _) = let_in(folder.path(), "admin");
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for (arguments, expected) in [
        (&["serve", "--roles", "http", "--http", &taken][..], "cannot listen on"),
        (&["serve", "--roles", "http"], "the role http needs an address"),
        (&["dev", "--http", &taken], "cannot listen on"),
    ] {
        let mut command = binary().await;
        command.args(arguments).args(["--access", &access]);
        command.env("HEADWATER_DATA", folder.path()).env_remove("HEADWATER_HTTP");
        let refused = finish(command, "").await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(expected), "{refused:?}");
    }
}

#[tokio::test]
async fn a_key_has_so_many_streams_at_a_time_and_another_key_has_its_own() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let faced = Faced::start(&server, folder.path(), &[]).await;
    let other = tempfile::tempdir().unwrap();
    let (more, second) = let_in(other.path(), "reader");
    let [mut file, more]: [serde_json::Value; 2] = [folder.path().join("access.json"), more.into()]
        .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
    file["keys"].as_array_mut().unwrap().extend(more["keys"].as_array().unwrap().clone());
    std::fs::write(folder.path().join("access.json"), file.to_string()).unwrap();
    let caller = faced.caller();
    let stream = async |key: &str| {
        let request = caller.http.get(format!("{}/v1/events", caller.url)).bearer_auth(key);
        request.send().await.unwrap()
    };
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(stream(&caller.key).await);
        assert_eq!(open.last().unwrap().status(), 200);
    }
    let refused = stream(&caller.key).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    let text = refused.text().await.unwrap();
    assert!(text.contains("too many streams and exports of yours"), "{text}");
    eventually("the other key is known, and has places", LIMIT, async || {
        (stream(&second).await.status() == 200).then_some(())
    })
    .await;
    drop(open.pop());
    eventually("a place is free again", LIMIT, async || {
        (stream(&caller.key).await.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_posted_as_anything_but_json_is_refused_by_every_route() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let faced = Faced::start(&server, folder.path(), &[]).await;
    let caller = faced.caller();
    for path in [
        "/v1/commands/person/ada/create-person",
        "/api/design-applications",
        "/api/design-applications/r-1",
        "/api/create-payment-intent",
        "/rest/v1/design_requests",
        "/rest/v1/rpc/add_design_request_event",
    ] {
        for kind in ["text/plain", "application/x-www-form-urlencoded"] {
            let post = caller.http.post(format!("{}{path}", caller.url)).bearer_auth(&caller.key);
            let refused = post.header("content-type", kind).body(ADA).send().await.unwrap();
            assert_eq!(refused.status(), 415, "{path} {kind}");
            let text = refused.text().await.unwrap();
            assert!(text.contains("unsupported-media-type"), "{path}: {text}");
        }
    }
    let history = History::read(&server.client().await).await;
    assert!(history.aggregates.is_empty(), "nothing was appended");
}
