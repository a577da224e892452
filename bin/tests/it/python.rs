//! The recipes for other languages, with the official client and the CloudEvents SDK.

use std::path::{Path, PathBuf};

use tests::LIMIT;
use tokio::{process::Command, sync::OnceCell, time::timeout};

use crate::kit::{Installation, finish};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A Python with the pinned packages, made once below the build folder.
async fn python() -> PathBuf {
    static PYTHON: OnceCell<PathBuf> = OnceCell::const_new();
    PYTHON
        .get_or_init(|| async {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
            let requirements = repository().join("examples/python/requirements.txt");
            let wanted = std::fs::read_to_string(&requirements).unwrap();
            let (python, done) = (folder.join("bin/python"), folder.join("installed.txt"));
            if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
                return python;
            }
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).await;
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            run(pip.args(["--require-hashes", "-r"]).arg(&requirements)).await;
            std::fs::write(&done, wanted).unwrap();
            python
        })
        .await
        .clone()
}

async fn run(command: &mut Command) {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn piped(python: PathBuf) -> Command {
    let mut command = Command::new(python);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command.kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_subscriber_decodes_every_event_and_goes_on_where_it_stopped() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    installation.send(["person", "ada", "tag"], r#"{"tag":"vip"}"#).await;
    let python = python().await;
    let subscribe = async |commits: &str| {
        let mut command = piped(python.clone());
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
    let mut command = piped(python().await);
    command.arg("-").env("HEADWATER_NATS", &installation.dev.url);
    let finished = finish(command, recipe).await;
    assert!(finished.ok().starts_with("committed 1\n"), "{finished:?}");
    assert!(finished.ok().contains("Grace Hopper"), "{finished:?}");
}
