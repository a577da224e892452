//! Who gets a place while nobody can be refused.

use ::tests::LIMIT;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// A connection: this side, and the other.
async fn pair() -> (TcpStream, TcpStream, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (theirs, peer) = listener.accept().await.unwrap();
    (ours, theirs, peer)
}

#[tokio::test]
async fn a_place_that_becomes_free_is_taken_whether_or_not_there_is_a_refusal() {
    for refusals in [0, 1] {
        let limits = Limits { connections: 1, turned_away: 0, ..Limits::default() };
        let desk = Desk::new(Router::new(), Arc::new(limits), CancellationToken::new());
        let taken = Arc::clone(&desk.places).acquire_owned().await.unwrap();
        let resting = Seat::take(&desk.idle, [10, 0, 0, 1].into());
        let (mut asks, stream, peer) = pair().await;
        asks.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut take = Box::pin(desk.take(stream, peer));
        assert!(futures::poll!(take.as_mut()).is_pending());
        drop(taken);
        desk.refusals.add_permits(refusals);
        timeout(LIMIT, take).await.unwrap();
        let mut answer = String::new();
        timeout(LIMIT, asks.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(!resting.leave().is_cancelled(), "nobody left for nothing");
    }
}
