//! An instance of which a vital part has died ends, and says so: half of one would take work and
//! never finish it.

use tests::{LIMIT, Server};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::kit::binary;

/// Writes to the log what the NATS client does not survive: a header with a lone carriage return.
async fn poison(server: &Server) {
    let connection = TcpStream::connect(server.address()).await.unwrap();
    let mut connection = BufReader::new(connection);
    let headers = "NATS/1.0\r\nPoison: a\rb\r\n\r\n";
    let publish = format!("HPUB event.person.ada {0} {0}\r\n{headers}\r\n", headers.len());
    let connect = "CONNECT {\"verbose\":false,\"headers\":true}\r\n";
    let all = [connect, &publish, "PING\r\n"].concat();
    connection.write_all(all.as_bytes()).await.unwrap();
    let mut line = String::new();
    while line != "PONG\r\n" {
        line.clear();
        assert_ne!(connection.read_line(&mut line).await.unwrap(), 0, "the server has hung up");
    }
}

#[tokio::test]
async fn a_service_that_has_lost_a_connection_for_good_ends_and_says_so() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let (secret, store) = (data.path().join("secret"), data.path().join("db"));
    std::fs::write(&secret, "07".repeat(32)).unwrap();
    let mut command = binary().await;
    command.args(["serve", "--nats", server.url(), "--secret-file"]).arg(secret);
    let mut service = command.arg("--store").arg(store).spawn().unwrap();
    let mut output = BufReader::new(service.stdout.take().unwrap()).lines();
    let ready = async {
        while let Some(line) = output.next_line().await.unwrap() {
            if line.starts_with("ready") {
                return true;
            }
        }
        false
    };
    assert!(timeout(LIMIT, ready).await.expect("it starts in time"));
    poison(&server).await;
    let ended = timeout(LIMIT, service.wait_with_output()).await.expect("it ends in time").unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("a connection to NATS ended though nobody asked it to"), "{said}");
}
