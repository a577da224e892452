//! What the command line says about itself, and how it refuses.

use clap::CommandFactory as _;
use headwater::arguments::Cli;
use tests::Server;

use crate::kit::{binary, finish};

#[test]
fn the_help_of_every_subcommand_is_known() {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    let mut text = cli.render_long_help().to_string();
    for subcommand in cli.get_subcommands_mut() {
        if subcommand.get_name() != "help" {
            let name = subcommand.get_name().to_owned();
            text.push_str(&format!("\n=== {name}\n{}", subcommand.render_help()));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

async fn refused(arguments: &[&str]) -> (i32, String) {
    let mut command = binary().await;
    command.args(arguments);
    let finished = finish(command, "").await;
    assert_eq!(finished.stdout, "");
    (finished.code.unwrap(), finished.stderr)
}

#[tokio::test]
async fn a_wrong_command_line_is_refused_with_2() {
    for arguments in [
        &["frobnicate"][..],
        &["send", "person", "a.b", "tag"],
        &["send", "person", "ada"],
        &["state", "person", "ada", "--at", "yesterday"],
        &["tail", "--from", "0"],
        &["query", "directory", "list", "--where", "name"],
    ] {
        let (code, text) = refused(arguments).await;
        assert_eq!(code, 2, "{arguments:?}");
        assert!(text.contains("--help") || text.contains("Usage"), "{text}");
    }
}

#[tokio::test]
async fn where_nobody_listens_it_says_how_to_start() {
    let (code, text) = refused(&["tail", "--nats", "nats://127.0.0.1:9"]).await;
    assert_eq!(code, 6, "{text}");
    assert!(text.contains("headwater dev"), "{text}");
}

#[tokio::test]
async fn where_no_service_runs_it_says_so() {
    let server = Server::start().await;
    let (code, text) =
        refused(&["send", "person", "ada", "activate", "--nats", server.url()]).await;
    assert_eq!(code, 6, "{text}");
    assert!(text.contains("headwater serve"), "{text}");
    let (code, text) = refused(&["events", "person", "ada", "--nats", server.url()]).await;
    assert_eq!(code, 6, "{text}");
    assert!(text.contains("headwater doctor"), "{text}");
}

#[tokio::test]
async fn machines_get_errors_they_can_read() {
    let arguments = ["tail", "--nats", "nats://127.0.0.1:9", "--output", "json"];
    let (_, text) = refused(&arguments).await;
    let problem: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], "unavailable");
}

#[tokio::test]
async fn an_upcast_needs_no_server() {
    let mut command = binary().await;
    command.args(["upcast", "--type", "person.name-changed", "--version", "1"]);
    let finished = finish(command, r#"{"given":"Ada","family":"King"}"#).await;
    assert!(finished.ok().starts_with("person.name-changed: version 1 becomes 2"), "{finished:?}");
    assert!(!finished.ok().contains("gone"), "{finished:?}");
}

#[tokio::test]
async fn an_upcast_says_what_the_new_shape_does_not_hold() {
    let old = r#"{"name":{"first_name":"Ada","last_name":"Lovelace"},"source":"api","created_at":"2024-01-01T00:00:00Z"}"#;
    for (output, said) in [
        ("human", "\ngone, as no field holds it any more: created_at\n"),
        ("json", r#""gone":["created_at"]"#),
    ] {
        let mut command = binary().await;
        command.args(["upcast", "--type", "person.person-created", "--version", "1"]);
        command.args(["--output", output]);
        let finished = finish(command, old).await;
        assert!(finished.ok().contains(said), "{finished:?}");
    }
}

#[tokio::test]
async fn charts_need_no_server() {
    let mut command = binary().await;
    command.args(["charts", "--aggregate", "person"]);
    let finished = finish(command, "").await;
    assert!(finished.ok().contains("stateDiagram-v2"), "{finished:?}");
}

#[tokio::test]
async fn a_reader_that_leaves_early_is_no_failure() {
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", r#""$0" charts | head -n 1"#, env!("CARGO_BIN_EXE_headwater")]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let finished = finish(command, "").await;
    assert_eq!(finished.stderr, "");
}
