//! Bytes that no client library would send, over a socket of our own.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Stand, TAG};

/// Sends one command with `headers` as they are, and waits until the server has it.
async fn send(stand: &Stand, headers: &[u8]) {
    let mut socket = TcpStream::connect(stand.server.address()).await.unwrap();
    let head = [b"NATS/1.0\r\n", headers, b"\r\n\r\n"].concat();
    let line = format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}}\r\n\
         HPUB command.person.ada.tag {} {}\r\n",
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
    let bad: [&[u8]; 4] = [b"User-Id: \xff\xfe", b"no colon", b"Bad\x01Name: x", b"User-Id: a\rb"];
    for (number, headers) in bad.into_iter().enumerate() {
        send(&stand, headers).await;
        let alive = format!("alive-{number}");
        tests::eventually("the service takes commands again", tests::LIMIT, async || {
            let request = super::command(&alive, "create-person", super::CREATE);
            stand.client.send(&request).await.ok()
        })
        .await;
    }
}
