//! The HTTP face of `serve` and `dev`: where it listens, what it is made of, and the instance that it
//! belongs to. Not here: what a request gets; the gateway does that.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use clap::Args;
use gateway::{Gateway, Limits, ListenError, Listener, Serving, access::Access, openapi::OpenApi};
use infrastructure::{
    client::Client,
    connection::{ConnectOptions, connect},
    histories::Histories,
    runtime::{Runtime, RuntimeError},
    sealing::Keys,
};
use routes::design;

use crate::{
    access::AccessArgs, connection, contexts, data::DataFolder, descriptors, exit::Advised,
    options::Global, stripe::Stripe,
};

/// Where `headwater dev` listens unless it is told otherwise.
const PORT: u16 = 8080;
/// Connections that are taken however few files there are.
const CONNECTIONS_MIN: usize = 16;

/// Everything that can be asked over HTTP.
#[must_use]
pub fn description() -> OpenApi {
    let general = OpenApi::of(&contexts::composition());
    general.and(design::described::paths(), design::described::schemas())
}

/// Where HTTP is listened for.
#[derive(Debug, Args)]
pub(crate) struct HttpArgs {
    /// Answers over HTTP at ADDR, such as `127.0.0.1:8080` [`dev`: port 8080 of this machine alone,
    /// or any if that is taken]
    #[arg(long, value_name = "ADDR", env = "HEADWATER_HTTP", hide_env_values = true)]
    http: Option<SocketAddr>,
    #[command(flatten)]
    access: AccessArgs,
}

/// An address that is taken; who connects waits until the instance is there.
#[derive(Debug)]
pub(crate) struct Http {
    listener: Listener,
    access: Access,
    /// The usual port belongs to somebody else.
    moved: bool,
}

/// An instance with its HTTP face, if it has one.
#[derive(Debug)]
pub(crate) struct Instance {
    runtime: Runtime,
    serving: Option<Serving>,
}

impl HttpArgs {
    /// Whether an address was named.
    pub(crate) const fn is_named(&self) -> bool {
        self.http.is_some()
    }

    /// Takes the address that was named.
    ///
    /// # Errors
    /// If none was named, if it cannot be listened on, or if nothing says who may do what.
    pub(crate) async fn bind(&self, global: &Global) -> Result<Http> {
        let Some(address) = self.http else {
            let message = "the role http needs an address";
            return Err(Advised::usage(message, "Name one with --http 127.0.0.1:8080.").into());
        };
        let listener = Listener::bind(address).await.with_context(|| {
            Advised::usage(format!("cannot listen on {address} for HTTP"), "Name another --http.")
        })?;
        Ok(Http { listener, access: self.access.open(global).await?, moved: false })
    }

    /// Takes the address that was named, or else one of this machine alone: at the usual port, or at
    /// any if that is taken. A folder that has no key yet gets one.
    ///
    /// # Errors
    /// If the named address cannot be listened on, if there is no port, or if nothing says who may do
    /// what.
    pub(crate) async fn bind_locally(&self, global: &Global, data: &DataFolder) -> Result<Http> {
        self.access.begin(data)?;
        if self.is_named() {
            return self.bind(global).await;
        }
        let access = self.access.open(global).await?;
        let at = |port| Listener::bind((Ipv4Addr::LOCALHOST, port).into());
        match at(PORT).await {
            Ok(listener) => Ok(Http { listener, access, moved: false }),
            Err(_) => Ok(Http { listener: at(0).await?, access, moved: true }),
        }
    }
}

impl Http {
    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.listener.url()
    }

    /// The same for people.
    pub(crate) fn in_words(&self) -> String {
        let url = self.url();
        match self.moved {
            true => format!("http {url} (port {PORT} is taken by another program)"),
            false => format!("http {url}"),
        }
    }

    async fn serve(
        self,
        name: String,
        connect_to: &ConnectOptions,
        stripe: &Stripe,
        keys: Keys,
    ) -> Result<Serving> {
        let options = ConnectOptions { name: Some(name), ..connect_to.clone() };
        let connected = connect(&options).await.map_err(|error| connection::explained(&error))?;
        let histories = Histories::open(connected.clone(), contexts::composition().aggregates());
        let (client, access) = (Client::new(connected).opening(keys.clone()), self.access);
        let histories = histories.await?.opening(keys);
        let gateway = Gateway::new(client.clone(), histories.clone()).limited(limits());
        let gateway = stripe.at(gateway, &client, &histories);
        let gateway = gateway.with(design::routes(client, histories));
        let gateway = gateway.described(&description());
        let gateway = gateway.guarded(move |routes| design::formed(access.guard(routes)));
        gateway.serve(self.listener).map_err(|error| match error {
            ListenError::Unguarded(_) => {
                Advised::usage(error.to_string(), "Listen on 127.0.0.1.").into()
            }
            ListenError::Address { .. } => error.into(),
        })
    }
}

/// The usual bounds, as far as this process has files for them.
fn limits() -> Limits {
    let usual = Limits::default();
    within(descriptors::room_for(usual.connections + usual.turned_away))
}

/// The usual bounds with no more connections than `room`, unless that is next to none. Who is told that
/// there is no place takes one file, too.
fn within(room: usize) -> Limits {
    let usual = Limits::default();
    let turned_away = usual.turned_away.min(room / 4).max(1);
    let connections = room.saturating_sub(turned_away).max(CONNECTIONS_MIN).min(usual.connections);
    Limits { connections, turned_away, ..usual }
}

impl Instance {
    /// The instance `name` of `runtime`, which answers over HTTP from now on if it has a face.
    ///
    /// # Errors
    /// If there is no connection for it, or if it may not listen there.
    pub(crate) async fn begin(
        runtime: Runtime,
        http: Option<Http>,
        name: &str,
        connect: &ConnectOptions,
        stripe: &Stripe,
    ) -> Result<Self> {
        let serving = match http {
            Some(http) => {
                let keys = runtime.keys().clone();
                Some(http.serve(format!("headwater {name} http"), connect, stripe, keys).await?)
            }
            None => None,
        };
        Ok(Self { runtime, serving })
    }

    /// What runs behind the face.
    pub(crate) const fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Returns when a part has ended without being asked to.
    pub(crate) async fn failed(&self) -> RuntimeError {
        self.runtime.failed().await
    }

    /// Ends in good order: requests over HTTP need the service behind them until they are answered.
    pub(crate) async fn drain(self) {
        if let Some(serving) = self.serving {
            serving.drain().await;
        }
        self.runtime.drain().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_leave_few_connections_and_fewer_refusals() {
        let bounds = [0, 16, 64, 320, 1088, 5000].map(|room| {
            let limits = within(room);
            (limits.connections, limits.turned_away)
        });
        assert_eq!(bounds, [(16, 1), (16, 4), (48, 16), (256, 64), (1024, 64), (1024, 64)]);
    }
}
