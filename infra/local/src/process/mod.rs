//! The whole product in one process.

mod demo;
mod key;
mod sample;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use api::App;
use model::Tenant;
use store::{Clock, DynamoStore, Endpoints, KeyHash};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use key::kept_key;
pub use sample::{Progress, SampleError};

use crate::data_plane::{Data, DataPlane, Ports, wish};
use crate::delivery::Deliveries;
use crate::http_server::{listen, serve};
use crate::{StartError, functions};

/// Says how to run the product. The default is for tests: nothing stays, free ports, no
/// sample.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the data lies.
    pub data: Data,
    /// Where the API listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The ports of the data plane.
    pub ports: Ports,
    /// The key of the demo tenant; without it one is made and kept with the data.
    pub api_key: Option<String>,
    /// The operator's key; without it nobody makes tenants.
    pub admin_key: Option<String>,
    /// Whether a first start is to import the sample file.
    pub sample: bool,
    /// How many requests a key may send in ten seconds.
    pub requests_a_key: u32,
    /// The domain's time.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data: Data::Memory,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ports: Ports::default(),
            api_key: None,
            admin_key: None,
            sample: false,
            requests_a_key: functions::REQUESTS_A_KEY,
            clock: Clock::default(),
        }
    }
}

/// Is the running product.
pub struct Process {
    address: SocketAddr,
    api_key: String,
    tenant: Tenant,
    wants_sample: bool,
    store: DynamoStore,
    server: JoinHandle<()>,
    deliveries: Deliveries,
    plane: DataPlane,
    stop: watch::Sender<bool>,
}

impl Process {
    /// Starts everything and returns when it can serve. The sample is left to
    /// [`Self::import_sample`].
    ///
    /// # Errors
    /// When the directory, its disk, a port or a key cannot be had.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options { data, listen: address, ports, api_key, admin_key, sample, requests_a_key, clock } =
            options;
        let given = api_key.map(|key| key::check("LEADS_API_KEY", key)).transpose()?;
        let operator = admin_key.map(|key| key::check("LEADS_ADMIN_KEY", key)).transpose()?;
        let operator = operator.map(|key| KeyHash::of(&key));
        // Before anything is written: a port in use must leave nothing behind.
        let listener =
            listen(address).map_err(|source| StartError::Listen { address, option: "--listen", source })?;
        let address = listener.local_addr().unwrap_or(address);

        let plane = DataPlane::start(&data, ports).await?;
        let store = plane.store();
        let api_key = match given {
            Some(key) => key,
            None => key::keep(plane.directory())?,
        };
        let demo = demo::bootstrap(&store, &api_key, clock.now()).await?;

        let (stop, stopped) = watch::channel(false);
        let router =
            functions::router(&plane, App::new(store.clone(), clock).with_quota(requests_a_key), operator);
        let routes = functions::deliveries(&plane, store.clone(), clock)?;
        let mut deliveries = Deliveries::start(plane.mailbox().clone(), routes, stopped.clone());
        deliveries.repeat(plane.mailbox().clone(), functions::schedule(), stopped.clone());
        let server = tokio::spawn(serve(listener, router, wish(stopped)));
        let wants_sample = sample && demo.is_new;
        let tenant = demo.tenant;
        Ok(Self { address, api_key, tenant, wants_sample, store, server, deliveries, plane, stop })
    }

    /// Gives the base URL of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Gives the key of the demo tenant.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Gives the demo tenant.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Tells where the services of the data plane listen.
    pub fn endpoints(&self) -> &Endpoints {
        self.plane.endpoints()
    }

    /// Gives the data plane.
    pub fn data_plane(&self) -> &DataPlane {
        &self.plane
    }

    /// Puts the bundled file where imports are dropped, if this start is to have it, and tells
    /// `progress` how its import goes until it ends.
    ///
    /// # Errors
    /// When the file cannot be put or its import cannot be followed.
    pub fn import_sample<P: Progress>(
        &self,
        progress: P,
    ) -> impl Future<Output = Result<(), SampleError>> + Send + use<P> {
        let wanted = self.wants_sample;
        let (store, objects, tenant) = (self.store.clone(), self.plane.objects(), self.tenant.clone());
        async move {
            if wanted {
                sample::import(&store, &objects, &tenant, progress).await?;
            }
            Ok(())
        }
    }

    /// Stops: nothing more is accepted, requests and deliveries under way end or are kept for
    /// the next start, all files are closed.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if self.server.await.is_err() {
            tracing::error!("the server of the API panicked");
        }
        self.deliveries.stopped().await;
        self.plane.stop().await;
    }
}
