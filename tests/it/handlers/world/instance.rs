//! An instance on a thread of its own, which can be stopped and killed like a process.

use std::{sync::mpsc, thread};

use infrastructure::{
    client::Client,
    composition::Composition,
    handler::{HandlerOptions, Handlers},
};
use tokio::{runtime, sync::oneshot};

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
        let composition = composition.clone();
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
