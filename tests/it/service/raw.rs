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
async fn send(stand: &Stand, subject: &str, headers: &[u8]) {
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
