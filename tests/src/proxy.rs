//! A TCP proxy between client and server, with a valve in each direction: how an answer gets lost
//! or comes late while the server did its work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// Chunks that wait behind a valve before the sender is held up.
const CHUNKS_MAX: usize = 256;
/// Bytes read at once.
const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// What a valve does with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// Passes them on.
    #[default]
    Open,
    /// Keeps them until it is opened again.
    Paused,
    /// Loses them. The stream has a hole then: [`Proxy::cut`] before opening again.
    Dropped,
    /// Passes them on in order, each this much later.
    Delayed(Duration),
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Answers, deliveries.
    ToClient,
    /// Requests, publishes.
    ToServer,
}

/// A proxy in front of one server; it ends with this value.
#[derive(Debug)]
pub struct Proxy {
    address: String,
    valves: Arc<Valves>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Valves {
    to_client: Valve,
    to_server: Valve,
    // Counts the cuts: a connection ends when it changes.
    cuts: watch::Sender<u64>,
}

/// One direction: what is to be done, and the bytes that wait.
#[derive(Debug, Clone, Default)]
struct Valve {
    flow: watch::Sender<Flow>,
    held: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens on a free port for a server at `host:port`, which need not be up yet.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port").to_string();
        let valves = Arc::new(Valves {
            to_client: Valve::default(),
            to_server: Valve::default(),
            cuts: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&valves)));
        Self { address, valves, accepting }
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Turns a valve, for connections there are and will be. What is read after this call is
    /// treated accordingly.
    pub fn set(&self, direction: Direction, flow: Flow) {
        self.valve(direction).flow.send_replace(flow);
    }

    /// What a valve does now.
    #[must_use]
    pub fn flow(&self, direction: Direction) -> Flow {
        *self.valve(direction).flow.borrow()
    }

    /// Bytes that wait behind a valve.
    #[must_use]
    pub fn held(&self, direction: Direction) -> usize {
        self.valve(direction).held.load(Ordering::SeqCst)
    }

    fn valve(&self, direction: Direction) -> &Valve {
        match direction {
            Direction::ToClient => &self.valves.to_client,
            Direction::ToServer => &self.valves.to_server,
        }
    }

    /// Breaks all connections, with what is still waiting in them.
    pub fn cut(&self) {
        self.valves.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, server: String, valves: Arc<Valves>) {
    while let Ok((client, _)) = listener.accept().await {
        let mut cuts = valves.cuts.subscribe();
        let (to_client, to_server) = (valves.to_client.clone(), valves.to_server.clone());
        let server = server.clone();
        tokio::spawn(async move {
            let pumps = async {
                let Ok(server) = TcpStream::connect(&server).await else { return };
                let (from_client, into_client) = client.into_split();
                let (from_server, into_server) = server.into_split();
                // One side that ends takes the other with it, as a broken line does.
                tokio::select! {
                    () = pump(from_client, into_server, to_server) => {}
                    () = pump(from_server, into_client, to_client) => {}
                }
            };
            tokio::select! {
                () = pumps => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

async fn pump(from: impl AsyncRead + Unpin, into: impl AsyncWrite + Unpin, valve: Valve) {
    let (chunks, waiting) = mpsc::channel(CHUNKS_MAX);
    tokio::join!(read(from, chunks, valve.clone()), write(into, waiting, valve));
}

async fn read(
    mut from: impl AsyncRead + Unpin,
    chunks: mpsc::Sender<(Instant, Vec<u8>)>,
    valve: Valve,
) {
    let mut buffer = vec![0; CHUNK_BYTES_MAX];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let delay = match *valve.flow.borrow() {
            Flow::Delayed(delay) => delay,
            Flow::Open | Flow::Paused | Flow::Dropped => Duration::ZERO,
        };
        valve.held.fetch_add(count, Ordering::SeqCst);
        let chunk = buffer.iter().take(count).copied().collect();
        if chunks.send((Instant::now() + delay, chunk)).await.is_err() {
            return;
        }
    }
}

async fn write(
    mut into: impl AsyncWrite + Unpin,
    mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>,
    valve: Valve,
) {
    let mut flows = valve.flow.subscribe();
    while let Some((due, chunk)) = chunks.recv().await {
        sleep_until(due).await;
        let Ok(flow) = flows.wait_for(|flow| *flow != Flow::Paused).await.map(|flow| *flow) else {
            return;
        };
        valve.held.fetch_sub(chunk.len(), Ordering::SeqCst);
        if flow != Flow::Dropped && into.write_all(&chunk).await.is_err() {
            return;
        }
    }
}
