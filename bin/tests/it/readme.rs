//! What the README tells a newcomer to type works as it stands there, and so does the example.

use std::path::Path;

use tests::LIMIT;
use tokio::{process::Command, time::timeout};

use crate::kit::{Installation, finish};

/// The README's blocks of commands that need nothing but a running `dev`: those without files,
/// other servers, minutes to spare, and ids that the reader fills in.
fn blocks() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let needs_more = [
        "people.jsonl",
        "nats.example.org",
        "MAIL_ID",
        "SELECTION_ID",
        "COMMAND_ID",
        "POSITION",
        "soak",
        "stripe.key",
        "KEY_ID",
    ];
    blocks
        .filter(|block| block.starts_with("headwater ") || block.starts_with("export API="))
        .filter(|block| needs_more.iter().all(|need| !block.contains(need)))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn the_commands_of_the_readme_work_in_its_order() {
    let installation = Installation::start().await;
    let binaries = Path::new(env!("CARGO_BIN_EXE_headwater")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let mut said = String::new();
    for block in blocks() {
        let mut command = Command::new("sh");
        // Port 8080 may be another test's.
        let block = block.replace("http://127.0.0.1:8080", &installation.dev.http);
        command.args(["-e", "-c", &block]).env("PATH", &path);
        command.env("HEADWATER_DATA", installation.data.path()).env_remove("HEADWATER_NATS");
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        said.push_str(finish(command, "").await.ok());
    }
    for expected in [
        "committed person/ada version 1 position 1\n",
        "  onboarding.onboarding-started                ada v1  by onboarding-driver\nquiet\n",
        "replayed person/ada version 2 ",
        "unchanged person/ada version 2 ",
        "verify-contact",
        "HTTP/1.1 201 Created",
        r#""status":"committed","aggregate":"person","id":"alan","version":2"#,
        r#""status":"pending""#,
        r#""aggregate":"person","id":"alan","version":1,"#,
    ] {
        assert!(said.contains(expected), "{expected:?} is missing:\n{said}");
    }
}

#[tokio::test]
async fn the_example_shows_the_command_and_what_followed() {
    let binaries = Path::new(env!("CARGO_BIN_EXE_headwater")).parent().unwrap();
    let example = binaries.join("examples/in_process");
    // `cargo test` builds the examples of a package beside its binaries, `cargo test --test it` does not.
    if !example.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "headwater", "--example", "in_process"]);
        build.arg("--target-dir").arg(binaries.parent().unwrap());
        assert!(build.status().await.unwrap().success(), "the example is built");
    }
    let mut command = Command::new(example);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command.env("HEADWATER_NATS_SERVER", tests::binary().await).kill_on_drop(true);
    let finished = timeout(LIMIT, finish(command, "")).await.expect("it ends in time");
    let lines: Vec<_> = finished.ok().lines().collect();
    assert_eq!(
        lines,
        [
            "person at version 1, position 1",
            "1.0 person.person-created",
            "2.0 onboarding.onboarding-started",
        ]
    );
}
