//! An instance on a thread of its own, which can be stopped and killed like a process.

use std::{sync::mpsc, thread};

use infrastructure::{
    client::Client,
    composition::Composition,
    fail_points::{FailPoints, Held},
    handler::{HandlerOptions, Handlers},
};
use tests::LIMIT;
use tokio::{runtime, sync::oneshot, time::timeout};

use super::World;

impl World {
    /// Runs handlers on a thread of their own, which a closed gate stops as SIGSTOP would, and
    /// which can be dropped as `kill -9` would.
    pub(crate) fn instance(&self, composition: &Composition, instance: &str) -> Instance {
        self.instance_with(composition, self.options(instance))
    }

    pub(crate) fn instance_with(
        &self,
        composition: &Composition,
        options: HandlerOptions,
    ) -> Instance {
        let url = self.server.url().to_owned();
        let composition = composition.clone().opening(self.keys.clone());
        let (kill, killed) = oneshot::channel::<()>();
        let (started, starts) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = Client::new(async_nats::connect(url).await.unwrap());
                let _handlers = Handlers::start(&client, &composition, options).await.unwrap();
                started.send(()).unwrap();
                // Ends when it is killed; nothing is stopped, flushed or given back.
                let _ = killed.await;
                runtime::Handle::current();
            });
            runtime.shutdown_background();
        });
        starts.recv().unwrap();
        Instance { kill: Some(kill), thread: Some(thread) }
    }

    /// Runs handlers that are to die when they come to `point`.
    ///
    /// Their lease is long: whoever loses it between its write and the point takes it anew, finds
    /// the work done, and never comes to the point. Only an instance of the same name may take it
    /// over at once.
    pub(crate) fn doomed(&self, composition: &Composition, instance: &str, point: &str) -> Doomed {
        let fail_points = FailPoints::default();
        let held = fail_points.hold(point);
        let options = HandlerOptions { lease_ttl: LIMIT, fail_points, ..self.options(instance) };
        Doomed { instance: self.instance_with(composition, options), held }
    }
}

/// An instance that comes to a point at which it is to die.
pub(crate) struct Doomed {
    instance: Instance,
    held: Held,
}

impl Doomed {
    /// Waits until it is at the point, and kills it there.
    pub(crate) async fn dies(self) {
        timeout(LIMIT, self.held.reached()).await.expect("it comes to the point");
        self.instance.kill().await;
    }
}

/// An instance on a thread of its own.
pub(crate) struct Instance {
    kill: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Instance {
    /// Ends it as `kill -9` would: its leases stay and its connection is just gone.
    pub(crate) async fn kill(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        drop(self.kill.take());
        let thread = self.thread.take().unwrap();
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    }
}
