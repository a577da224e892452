//! The binary: reads the command line, runs one subcommand, and ends with its exit code.

use std::{io::Write as _, process::ExitCode};

use headwater::{arguments::Cli, commands, exit, telemetry};

/// What a command allocates on one thread is freed on another; glibc's allocator spends a third of
/// the service's time on that, this one much less.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::read().unwrap_or_else(|error| exit::shortened(error).exit());
    let format = cli.global.output;
    let result = tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(run(cli));
        // A read of standard input that nobody waits for any more must not hold the process.
        runtime.shutdown_background();
        result
    });
    let (code, text) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => exit::explain(&error, format),
    };
    if let Some(text) = text {
        // There is nowhere left to say that standard error is closed.
        let _ = writeln!(std::io::stderr(), "{text}");
    }
    ExitCode::from(code)
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let telemetry = telemetry::start(&cli.global, &cli.command)?;
    let result = Box::pin(commands::run(cli, telemetry.registry())).await;
    telemetry.finish().await;
    result
}
