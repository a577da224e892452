//! What one run is made of. Not here: carrying it out.

use std::path::PathBuf;

use clap::ValueEnum;
use infrastructure::fail_points;
use serde::Serialize;

/// Something that happens to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// `kill -9` of an instance, at any moment
    Kill,
    /// `kill -9` of an instance at a named place, in a build that has them
    Place,
    /// An instance stands still for longer than its leases, and goes on
    Pause,
    /// The same while it drains a parked key
    PauseInDrain,
    /// `kill -9` of nats-server, and a restart
    Broker,
    /// Events that no handler can read, repaired later
    Poison,
    /// Checkpoints are put back: everything is delivered again
    Redeliver,
    /// The mail server hangs, cuts or is slow
    Mail,
    /// There is no room for any stream
    Full,
    /// There is no room for one stream
    FullStream,
    /// The database takes no writes for a while
    Database,
    /// A projection is rebuilt, and goes back
    Rebuild,
}

/// One run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// This program.
    pub program: PathBuf,
    /// The nats-server.
    pub broker: PathBuf,
    /// Where everything is kept; the caller's to delete.
    pub folder: PathBuf,
    /// Gives the commands and the faults.
    pub seed: u64,
    /// Instances of the service.
    pub instances: usize,
    /// A database for the read models, shared by the instances; a file in the folder without one.
    pub store: Option<String>,
    /// The kinds of faults that are mixed.
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub strikes: usize,
    /// Commands that each caller sends at least.
    pub steps: usize,
    /// The named places for [`Fault::Place`].
    pub places: Vec<&'static str>,
}

/// Callers at the same time.
pub(super) const CALLERS: usize = 8;

impl Plan {
    /// A run with every kind of fault.
    #[must_use]
    pub fn new(program: PathBuf, broker: PathBuf, folder: PathBuf, seed: u64) -> Self {
        Self {
            program,
            broker,
            folder,
            seed,
            instances: 2,
            store: None,
            faults: Fault::value_variants().to_vec(),
            strikes: 12,
            steps: 60,
            places: fail_points::NAMES.to_vec(),
        }
    }
}
