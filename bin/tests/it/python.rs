//! The recipes for other languages, with the official client and the CloudEvents SDK.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tests::LIMIT;
use tokio::{process::Command, sync::Mutex, time::timeout};

use crate::kit::{Installation, finish};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A Python with the packages that the file `requirements` pins, installed once below the build
/// folder as `name`: whoever has pip has all that this needs.
pub(crate) async fn python(requirements: &Path, name: &str) -> Command {
    static INSTALLING: Mutex<()> = Mutex::const_new(());
    let one_at_a_time = INSTALLING.lock().await;
    let packages = install(requirements, name).await;
    drop(one_at_a_time);
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", packages).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// What the examples need.
async fn with_nats() -> Command {
    python(&repository().join("examples/python/requirements.txt"), "python-packages").await
}

async fn install(requirements: &Path, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let wanted = std::fs::read_to_string(requirements).unwrap();
    let done = folder.join("installed.txt");
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return folder;
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]);
    pip.args(["--no-deps", "--require-hashes", "--target"]).arg(&folder);
    run(pip.arg("-r").arg(requirements)).await;
    std::fs::write(&done, wanted).unwrap();
    folder
}

async fn run(command: &mut Command) {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_subscriber_decodes_every_event_and_goes_on_where_it_stopped() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    installation.send(["person", "ada", "tag"], r#"{"tag":"vip"}"#).await;
    let subscribe = async |commits: &str| {
        let mut command = with_nats().await;
        command
            .arg(repository().join("examples/python/subscriber.py"))
            .args(["--url", &installation.dev.url, "--name", "audit", "--aggregate", "person"])
            .args(["--commits", commits]);
        let finished = timeout(LIMIT, finish(command, "")).await.expect("it stops in time");
        finished.ok().to_owned()
    };
    let first = subscribe("2").await;
    let lines: Vec<_> = first.lines().collect();
    assert!(lines[0].starts_with("person.person-created ada version=1 "), "{first}");
    assert!(lines[1].starts_with("person.tagged ada version=2 "), "{first}");
    assert!(!first.contains("Lovelace"), "{first}");

    installation.send(["person", "ada", "untag"], r#"{"tag":"vip"}"#).await;
    let second = subscribe("1").await;
    assert!(second.starts_with("person.untagged ada version=3 "), "{second}");
}

#[tokio::test]
async fn the_readme_sends_a_command_and_asks_a_projection() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```python\n").expect("the README has a Python recipe");
    let (recipe, _) = rest.split_once("```").unwrap();
    let installation = Installation::start().await;
    let mut command = with_nats().await;
    command.arg("-").env("HEADWATER_NATS", &installation.dev.url);
    let finished = finish(command, recipe).await;
    assert!(finished.ok().starts_with("committed 1\n"), "{finished:?}");
    assert!(finished.ok().contains("Grace Hopper"), "{finished:?}");
}

#[tokio::test]
async fn a_request_is_driven_to_its_end_over_nats_and_over_http_and_again() {
    let installation = Installation::start().await;
    let key = std::fs::read_to_string(installation.data.path().join("key")).unwrap();
    let drive = async |arguments: [&str; 5]| {
        let mut command = with_nats().await;
        command.arg(repository().join("examples/python/design_request.py")).args(arguments);
        command.env("HEADWATER_KEY", key.trim());
        let finished = timeout(LIMIT, finish(command, "")).await.expect("it stops in time");
        finished.ok().to_owned()
    };
    let ways = [["nats", &installation.dev.url], ["http", &installation.dev.http]];
    for [way, url] in ways {
        let first = drive([way, "--url", url, "--id", way]).await;
        assert!(first.contains("complete-design: committed version 7\n"), "{first}");
        assert!(first.contains("one cent is refused: amount-mismatch\n"), "{first}");
        assert!(first.contains("\nCOMPLETED SUCCEEDED 49"), "{first}");
        let again = drive([way, "--url", url, "--id", way]).await;
        assert_eq!(again, first.replace("committed", "replayed"));
    }
}
