//! More connections than there is room for.

use std::time::Duration;

use gateway::Limits;
use tokio::io::AsyncWriteExt as _;

use crate::kit::Stand;

/// However slow the machine is.
const PATIENT: Duration = Duration::from_secs(600);

#[tokio::test]
async fn however_many_say_nothing_whoever_asks_is_answered() {
    let limits = Limits { connections: 8, room_timeout: PATIENT, ..Limits::default() };
    let stand = Stand::start_as(|gateway| gateway.limited(limits)).await;
    let mut silent = Vec::new();
    for _ in 0..600 {
        let mut socket = stand.socket().await;
        // It may have had to go already.
        let _ = socket.0.write_all(b"GET /healthz HTTP/1.1\r\nHo").await;
        silent.push(socket);
    }
    let answer = stand.http.get(stand.serving.url() + "/healthz").send().await;
    assert_eq!(answer.unwrap().status(), 200);
}
