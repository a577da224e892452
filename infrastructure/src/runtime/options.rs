//! What an instance is started with.

use kit::Secret;

use crate::{
    composition::Composition, connection::ConnectOptions, provision::ProvisionOptions,
    readmodel::StoreLocation, sealing::MasterKeys,
};

/// What an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Takes commands.
    pub commands: bool,
    /// Carries out durable commands.
    pub durable: bool,
    /// Runs policies and effects.
    pub policies: bool,
    /// Runs projections and answers queries.
    pub projections: bool,
    /// Does not start where projections may not run, because the read models are in another store.
    pub projections_required: bool,
}

impl Default for Roles {
    /// Everything.
    fn default() -> Self {
        Self {
            commands: true,
            durable: true,
            policies: true,
            projections: true,
            projections_required: false,
        }
    }
}

/// What an instance is started with.
#[derive(Debug, Clone)]
pub struct RuntimeOptions {
    /// How to reach NATS.
    pub connect: ConnectOptions,
    /// How the log is to be kept.
    pub provision: ProvisionOptions,
    /// What the service is made of.
    pub composition: Composition,
    /// What this instance does of it.
    pub roles: Roles,
    /// The service's key, the same for all instances.
    pub secret: Secret,
    /// The keys that wrap those of personal data, the same for all instances; one that follows from
    /// the secret, if there are none.
    pub master_keys: Option<MasterKeys>,
    /// Where the read models are.
    pub store: StoreLocation,
    /// This instance's name, unique among living processes.
    pub instance: String,
}
