//! The service under load: the command service as `serve` runs it, and an echo beside it.

use anyhow::Result;
use futures::StreamExt as _;
use infrastructure::{
    aggregates::Aggregates,
    connection::{self, ConnectOptions},
    jetstream::{JetStreamOptions, JetStreamStore},
    micro::Micro,
    own_thread::OwnThread,
    processor::{Processor, ProcessorOptions},
    provision::{ProvisionOptions, provision},
    service::CommandService,
};
use kit::Secret;
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use super::{aggregate::Notebook, http::Face, work::ECHO};

/// The line that says that load may begin.
pub(super) const READY: &str = "ready";

/// Serves until standard input closes.
pub(super) async fn run(url: &str, single: bool, http: bool) -> Result<()> {
    // The face is not on the thread of the commands, as it is not in `serve`.
    let face = match http {
        true => Some(Face::open(connection::connect(&ConnectOptions::new(url)).await?).await?),
        false => None,
    };
    let (said, answering) = face
        .map_or_else(Default::default, |(face, answering)| (format!(" {face}"), Some(answering)));
    let thread = OwnThread::start("commands")?;
    let served = thread.run(serve(url.to_owned(), single, said)).await?;
    if let Some(answering) = answering {
        answering.stop().await;
    }
    served
}

async fn serve(url: String, single: bool, said: String) -> Result<()> {
    let options = ConnectOptions::new(url);
    let commands = connection::connect(&options).await?;
    let appends = connection::connect(&options).await?;
    provision(&commands, &ProvisionOptions::default()).await?;
    let store = JetStreamStore::new(appends.clone(), appends, JetStreamOptions::default()).await?;
    let aggregates = Aggregates::new().with::<Notebook>();
    let catalogue = aggregates.catalogue();
    let mut options = ProcessorOptions::new(Secret::new([7; 32]));
    options.coalesce = !single;
    let processor = Processor::start(store, aggregates, options);
    let service = CommandService::start(commands.clone(), processor.clone(), &catalogue).await?;
    let mut asked = commands.subscribe(ECHO).await?;
    let answering = commands.clone();
    let echo = tokio::spawn(async move {
        while let Some(message) = asked.next().await {
            let Some(reply) = message.reply else { continue };
            if answering.publish(reply, message.payload).await.is_err() {
                return;
            }
        }
    });
    let id = Uuid::now_v7().simple().to_string();
    let micro = Micro::start(commands, id, vec![service.endpoint()]).await?;
    say_ready(&said);
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    echo.abort();
    drop(micro);
    service.drain().await;
    processor.drain().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this line is how the bench knows")]
fn say_ready(said: &str) {
    println!("{READY}{said}");
}
