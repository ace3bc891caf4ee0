//! The data plane: DynamoDB, S3, SQS and EventBridge on loopback, with everything in one directory.

mod directory;
mod notify;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use store::{
    DynamoStore, ENGAGEMENT, Endpoints, EventBridge, S3Objects, SdkConfig, SqsClock, SqsRanges, SqsRefolds,
    Tables,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use directory::Data;

use crate::StartError;
use crate::bus_log::BusLog;
use crate::delivery::{ACCOUNT, Mailbox, REGION, intake};
use crate::engine::{Engine, StreamLog};
use crate::http_server::{listen, serve};
use crate::objects::{Notifications, ObjectServer, ObjectServerConfig};
use directory::DataDirectory;
use notify::ToMailbox;

/// Where notifications of new files wait in the mailbox.
pub const NOTIFICATIONS: &str = "import-notifications";

/// The queue of ranges to load, and where its messages wait in the mailbox.
pub const RANGES: &str = "import-ranges";

/// The stream of the contacts table, and where what is given up of it waits in the mailbox.
pub const CHANGES: &str = "contact-changes";

/// The queue that the bus feeds with engagement events, and where they wait in the mailbox.
pub const EVENTS: &str = "engagement-events";

/// The queue of contacts to score by other rules, and where its messages wait in the mailbox.
pub const REFOLDS: &str = "refolds";

/// The queue of what is due, and where its messages wait in the mailbox.
pub const CLOCK: &str = "clock";

/// The one bus.
const BUS: &str = "default";

/// The one bucket.
const BUCKET: &str = "leads";

/// The keys of whose objects the import function hears, as in the template.
const NOTIFIED_PREFIXES: [&str; 2] = ["inbox/", "uploads/"];

/// Access key and secret alike. No secret: whoever reaches loopback reaches the files, too.
const CREDENTIAL: &str = "local";

/// Soon enough for no message to have had all its attempts.
const DISK_CHECKED_EVERY: Duration = Duration::from_secs(3);

/// Says which loopback ports to use; 0 picks a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ports {
    /// DynamoDB's.
    pub dynamodb: u16,
    /// S3's.
    pub s3: u16,
    /// SQS's.
    pub sqs: u16,
}

/// Is a running data plane. Dropping it stops it without waiting, as a crash would; what is
/// stored stays whole.
pub struct DataPlane {
    endpoints: Endpoints,
    tables: Tables,
    sdk: SdkConfig,
    mailbox: Mailbox,
    bus_log: BusLog,
    engine: Engine,
    servers: [JoinHandle<()>; 2],
    stop: watch::Sender<bool>,
    directory: Arc<DataDirectory>,
}

impl DataPlane {
    /// Starts all services and makes the tables and the bucket where they are missing.
    ///
    /// # Errors
    /// When the directory, its disk or a port cannot be had.
    pub async fn start(data: &Data, ports: Ports) -> Result<Self, StartError> {
        let directory = Arc::new(DataDirectory::open(data)?);
        let dynamodb = bind(ports.dynamodb, "--dynamodb-port")?;
        let s3 = bind(ports.s3, "--s3-port")?;
        let sqs = bind(ports.sqs, "--sqs-port")?;
        let explain = |error: StartError| directory.explain(error);

        let path = directory.path();
        let mailbox = Mailbox::open(path.join("mailbox.sqlite")).map_err(|error| explain(error.into()))?;
        let (s3_address, sqs_address) = (address(&s3)?, address(&sqs)?);
        let engine = Engine::start(&path.join("tables.sqlite"), dynamodb, Arc::clone(&directory))
            .await
            .map_err(|error| explain(error.into()))?;
        let listener = Arc::new(ToMailbox::new(mailbox.clone(), NOTIFICATIONS));
        let config = ObjectServerConfig {
            directory: path.join("objects"),
            access_key: CREDENTIAL.to_owned(),
            secret_key: CREDENTIAL.to_owned(),
            buckets: Vec::new(),
            notifications: Some(Notifications::new(listener, NOTIFIED_PREFIXES)),
        };
        let objects = ObjectServer::bind(config, s3).await.map_err(|error| explain(error.into()))?;

        let (stop, stopped) = watch::channel(false);
        let bus_log = BusLog::default();
        let rule = (ENGAGEMENT, EVENTS);
        let queues = intake::router(mailbox.clone(), [RANGES, EVENTS, REFOLDS, CLOCK], rule, bus_log.clone());
        let servers = [
            tokio::spawn(objects.serve(wish(stopped.clone()))),
            tokio::spawn(serve(sqs, queues, wish(stopped))),
        ];
        let endpoints = Endpoints {
            dynamodb: format!("http://{}", engine.address()),
            s3: format!("http://{s3_address}"),
            sqs: format!("http://{sqs_address}"),
            // One intake takes both.
            eventbridge: format!("http://{sqs_address}"),
            access_key: CREDENTIAL.to_owned(),
            secret_key: CREDENTIAL.to_owned(),
        };
        let sdk = SdkConfig::for_endpoints(endpoints.clone());
        let tables = Tables::prefixed("leads-");
        let plane = Self {
            endpoints,
            tables,
            sdk,
            mailbox,
            bus_log,
            engine,
            servers,
            stop,
            directory: Arc::clone(&directory),
        };
        plane.store().create_missing_tables().await.map_err(|error| explain(error.into()))?;
        plane.objects().create_missing_bucket().await.map_err(|error| explain(error.into()))?;
        Ok(plane)
    }

    /// Connects to the tables.
    pub fn store(&self) -> DynamoStore {
        DynamoStore::new(&self.sdk, self.tables.clone())
    }

    /// Connects to the bucket.
    pub fn objects(&self) -> S3Objects {
        S3Objects::new(&self.sdk, BUCKET.to_owned())
    }

    /// Connects to the queue of ranges.
    pub fn ranges(&self) -> SqsRanges {
        SqsRanges::new(&self.sdk, self.queue_url(RANGES))
    }

    /// Connects to the queue of contacts to score by other rules.
    pub fn refolds(&self) -> SqsRefolds {
        SqsRefolds::new(&self.sdk, self.queue_url(REFOLDS))
    }

    /// Connects to the queue of what is due.
    pub fn clock(&self) -> SqsClock {
        SqsClock::new(&self.sdk, self.queue_url(CLOCK))
    }

    /// Connects to the bus.
    pub fn bus(&self) -> EventBridge {
        EventBridge::new(&self.sdk, BUS.to_owned())
    }

    /// Gives what went over the bus.
    pub(crate) fn bus_log(&self) -> &BusLog {
        &self.bus_log
    }

    /// Reads what changes in the contacts table.
    ///
    /// # Errors
    /// When the log cannot be opened.
    pub fn contact_changes(&self) -> Result<StreamLog, StartError> {
        Ok(self.engine.stream(&self.tables.contacts)?)
    }

    /// Tells where the services listen.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Names the tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Names the bucket.
    pub fn bucket(&self) -> &str {
        BUCKET
    }

    /// Gives the messages that wait to be delivered.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Gives the directory that holds everything.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Pairs what a function reads from its environment with the values for this data plane.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", self.endpoints.dynamodb.clone()),
            ("AWS_ENDPOINT_URL_S3", self.endpoints.s3.clone()),
            ("AWS_ENDPOINT_URL_SQS", self.endpoints.sqs.clone()),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", self.endpoints.eventbridge.clone()),
            ("AWS_ACCESS_KEY_ID", self.endpoints.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.endpoints.secret_key.clone()),
            ("AWS_REGION", REGION.to_owned()),
            ("LEADS_BUCKET", BUCKET.to_owned()),
            ("LEADS_RANGE_QUEUE_URL", self.queue_url(RANGES)),
            ("LEADS_EVENT_QUEUE_URL", self.queue_url(EVENTS)),
            ("LEADS_REFOLD_QUEUE_URL", self.queue_url(REFOLDS)),
            ("LEADS_CLOCK_QUEUE_URL", self.queue_url(CLOCK)),
            ("LEADS_EVENT_BUS", BUS.to_owned()),
        ];
        environment.extend(self.tables.to_env().map(|(name, value)| (name, value.to_owned())));
        environment
    }

    /// Waits until the disk is full. Then it is better to stop than to go on: work that is
    /// tried again and again would end among the dead letters, and kept it is done once there
    /// is room.
    pub async fn full_disk(&self) -> StartError {
        loop {
            tokio::time::sleep(DISK_CHECKED_EVERY).await;
            let directory = Arc::clone(&self.directory);
            let checked = tokio::task::spawn_blocking(move || directory.check());
            if let Ok(Err(full)) = checked.await {
                return full;
            }
        }
    }

    /// Lets the requests under way end and closes all files.
    pub async fn stop(self) {
        let Self { engine, servers, stop, .. } = self;
        stop.send_replace(true);
        for server in servers {
            if server.await.is_err() {
                tracing::error!("a server of the data plane panicked");
            }
        }
        engine.stop().await;
    }

    fn queue_url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.endpoints.sqs)
    }
}

/// Listens on loopback only: nothing here asks who is there.
fn bind(port: u16, option: &'static str) -> Result<TcpListener, StartError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    listen(address).map_err(|source| StartError::Listen { address, option, source })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    let unknown = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    listener.local_addr().map_err(|source| StartError::Listen {
        address: unknown,
        option: "--listen",
        source,
    })
}

/// Waits until stopping is wished; that the sender is gone is the same wish.
pub(crate) async fn wish(mut stopped: watch::Receiver<bool>) {
    let _: Result<_, _> = stopped.wait_for(|stop| *stop).await;
}
