//! What the README and the pages tell a newcomer to type works as it stands there, and so does the example.
//! Not here: whether their links lead somewhere.

use std::path::{Path, PathBuf};

use tests::LIMIT;
use tokio::{process::Command, time::timeout};

use crate::kit::{Installation, finish};

/// The pages with commands that are followed below.
const FOLLOWED: [&str; 8] = [
    "access",
    "commands-and-queries",
    "design-requests",
    "http",
    "mail",
    "payments",
    "proof",
    "repairing",
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

/// The blocks of commands in `text` that need nothing but a running `dev`: those without files,
/// other servers, minutes to spare, and ids that the reader fills in.
fn blocks(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let needs_more = [
        "people.jsonl",
        ".example.org",
        "npm ci",
        "MAIL_ID",
        "SELECTION_ID",
        "COMMAND_ID",
        "EVENT_ID",
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

/// Runs the commands of the page at `path`, and gives back what they said.
async fn run(installation: &Installation, path: &str) -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_headwater")).parent().unwrap();
    let search = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let mut said = String::new();
    for block in blocks(&read(path)) {
        let mut command = Command::new("sh");
        // Port 8080 may be another test's.
        let block = block.replace("http://127.0.0.1:8080", &installation.dev.http);
        command.args(["-e", "-c", &block]).env("PATH", &search);
        command.env("HEADWATER_DATA", installation.data.path()).env_remove("HEADWATER_NATS");
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        said.push_str(finish(command, "").await.ok());
    }
    said
}

#[track_caller]
fn assert_says(said: &str, expected: &[&str]) {
    for expected in expected {
        assert!(said.contains(expected), "{expected:?} is missing:\n{said}");
    }
}

/// Does what the README says and then what the page `name` says, which must say all that is `expected`.
async fn follow(name: &str, expected: &[&str]) {
    assert!(FOLLOWED.contains(&name), "{name} is followed");
    let installation = Installation::start().await;
    run(&installation, "README.md").await;
    assert_says(&run(&installation, &format!("docs/{name}.md")).await, expected);
}

#[tokio::test]
async fn the_commands_of_the_readme_work_in_its_order() {
    let said = run(&Installation::start().await, "README.md").await;
    let expected = [
        "committed person/ada version 1 position 1\n",
        "  onboarding.onboarding-started                ada v1  by onboarding-driver\nquiet\n",
        "HTTP/1.1 201 Created",
        r#""status":"committed","aggregate":"person","id":"edsger","version":1"#,
    ];
    assert_says(&said, &expected);
}

#[tokio::test]
async fn keys_are_made_as_their_page_says() {
    follow("access", &["hw_", "shop"]).await;
}

#[tokio::test]
async fn commands_are_repeated_and_queries_asked_as_their_page_says() {
    let expected =
        ["replayed person/ada version 2 ", "unchanged person/ada version 2 ", "advanced"];
    follow("commands-and-queries", &expected).await;
}

#[tokio::test]
async fn a_request_is_made_paid_told_of_and_erased_as_its_page_says() {
    follow("design-requests", &["COMPLETED", "design.design-completed", "SUCCEEDED"]).await;
}

#[tokio::test]
async fn http_answers_as_its_page_says() {
    let expected = [
        "HTTP/1.1 201 Created",
        r#""status":"committed","aggregate":"person","id":"alan","version":2"#,
        r#""status":"pending""#,
        r#""aggregate":"person","id":"alan","version":1,"#,
    ];
    follow("http", &expected).await;
}

#[tokio::test]
async fn a_mail_with_a_code_is_requested_as_its_page_says() {
    follow("mail", &["verify-contact"]).await;
}

#[tokio::test]
async fn a_payment_is_reported_by_hand_as_its_page_says() {
    follow("payments", &["lifecycle: Paid"]).await;
}

#[tokio::test]
async fn a_history_is_exported_and_checked_as_its_page_says() {
    follow("proof", &["person/ada"]).await;
}

#[tokio::test]
async fn projections_are_rebuilt_and_handlers_replayed_as_their_page_says() {
    follow("repairing", &["start-onboarding"]).await;
}

/// The pages about the service: their names without ending.
fn pages() -> Vec<String> {
    let files = std::fs::read_dir(repository().join("docs")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| Some(name.strip_suffix(".md")?.to_owned())).collect()
}

#[test]
fn every_page_is_named_by_the_readme_and_followed_if_it_has_commands() {
    let readme = read("README.md");
    for page in pages() {
        assert!(readme.contains(&format!("(docs/{page}.md)")), "the README leads to {page}");
        let has_commands = !blocks(&read(&format!("docs/{page}.md"))).is_empty();
        assert_eq!(has_commands, FOLLOWED.contains(&page.as_str()), "{page} has commands");
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
