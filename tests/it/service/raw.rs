//! Bytes that no client library would send, over a socket of our own.

use std::time::Duration;

use infrastructure::durable::OutcomeStatus;
use tests::{LIMIT, eventually};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{CREATE, Stand, TAG, command};

const BAD: [&[u8]; 4] = [b"User-Id: \xff\xfe", b"no colon", b"Bad\x01Name: x", b"User-Id: a\rb"];

/// Publishes `TAG` on `subject` with `headers` as they are, and waits until the server has it.
pub(super) async fn send(stand: &Stand, subject: &str, headers: &[u8]) {
    let mut socket = TcpStream::connect(stand.server.address()).await.unwrap();
    let head = [b"NATS/1.0\r\n", headers, b"\r\n\r\n"].concat();
    let line = format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}}\r\n\
         HPUB {subject} {} {}\r\n",
        head.len(),
        head.len() + TAG.len()
    );
    let bytes = [line.as_bytes(), &head, TAG, b"\r\nPING\r\n"].concat();
    socket.write_all(&bytes).await.unwrap();
    let mut heard = Vec::new();
    while !heard.windows(4).any(|window| window == b"PONG") {
        assert_ne!(socket.read_buf(&mut heard).await.unwrap(), 0, "the server hung up");
    }
}

#[tokio::test]
async fn headers_that_cannot_be_read_do_not_deafen_the_service() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    // A request that the broken connection swallowed is never answered: ask again soon.
    let client = stand.client.clone().with_timeout(Duration::from_millis(500));
    for (number, headers) in BAD.into_iter().enumerate() {
        send(&stand, "command.person.ada.tag", headers).await;
        let alive = format!("alive-{number}");
        eventually("the service takes commands again", LIMIT, async || {
            let request = command(&alive, "create-person", CREATE);
            client.send(&request).await.ok()
        })
        .await;
    }
}

#[tokio::test]
async fn queued_messages_that_cannot_be_read_are_set_aside_and_block_nothing() {
    let stand = Stand::start().await;
    for headers in BAD {
        send(&stand, "enqueue.person.ada.tag", headers).await;
    }
    let id = stand.client.enqueue(&command("ada", "create-person", CREATE)).await.unwrap();
    let outcome = eventually("the command behind them ends", LIMIT, async || {
        stand.client.result(&id).await.ok().filter(|it| it.status != OutcomeStatus::Pending)
    })
    .await;
    assert_eq!(outcome.status, OutcomeStatus::Committed);
    for sequence in 1..=BAD.len() {
        let id = format!("COMMANDS-{sequence}").parse().unwrap();
        let outcome = stand.client.result(&id).await.unwrap();
        assert_eq!(outcome.problem.unwrap().code, "invalid");
    }
}

/// Sends a request with an id of `length` bytes, and gives back what the server says to it.
async fn with_id_of(stand: &Stand, length: usize) -> String {
    let mut socket = TcpStream::connect(stand.server.address()).await.unwrap();
    let text = format!(
        "CONNECT {{\"verbose\":false,\"headers\":true,\"no_responders\":true}}\r\nSUB answer 1\r\n\
         PUB command.person.{}.tag answer 2\r\n{{}}\r\n",
        "x".repeat(length)
    );
    // The server may hang up before it has read everything.
    let _ = socket.write_all(text.as_bytes()).await;
    let mut heard = Vec::new();
    let done = |heard: &[u8]| heard.ends_with(b"}\r\n") && heard.windows(4).any(|it| it == b"MSG ");
    while !done(&heard) {
        match socket.read_buf(&mut heard).await {
            Ok(read) if read > 0 => {}
            _ => break,
        }
    }
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn an_id_as_long_as_the_server_lets_through_is_refused_with_a_code_and_a_longer_one_by_it() {
    let stand = Stand::start().await;
    let refused = with_id_of(&stand, 3_000).await;
    assert!(refused.contains(r#""code":"invalid""#), "{refused}");
    assert!(!refused.contains(&"x".repeat(200)), "it is not repeated: {refused}");
    let refused = with_id_of(&stand, 10_000).await;
    assert!(refused.contains("-ERR 'maximum control line exceeded'"), "{refused}");
    assert_eq!(stand.commits().await, 0);
    stand.create("alive").await;
}
