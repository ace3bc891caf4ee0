//! A process that dies at any call to the real engine leaves a state that heals.

use local::{Data, DataPlane, Ports};
use model::{Consent, Contact, Email, Profile, Standing, Status, SuppressionReason, Tenant};
use store::testing::{CallFaults, Moment, stored_tenant};
use store::{ContactStore, DynamoStore, NewContact, ProfileUpdate, SdkConfig, StoreError, Write, Written};

use crate::product::{Product, is_elsewhere};

/// More calls than any of the operations makes.
const CALLS: usize = 8;

struct Engine {
    plane: DataPlane,
    healthy: DynamoStore,
    tenant: Tenant,
}

impl Engine {
    async fn start() -> Self {
        let plane = DataPlane::start(&Data::Memory, Ports::default()).await.expect("the engine starts");
        let healthy = plane.store();
        let tenant = stored_tenant(&healthy).await;
        Self { plane, healthy, tenant }
    }

    /// Gives a store whose process dies at a call.
    fn dying(&self, at: usize, moment: Moment) -> DynamoStore {
        let sdk = SdkConfig::for_endpoints(self.plane.endpoints().clone());
        DynamoStore::failing(&sdk, self.plane.tables().clone(), CallFaults::crash(at, moment))
    }

    async fn at(&self, email: &str) -> Standing {
        let email = Email::parse(email).expect("an address");
        self.healthy.standings(&self.tenant, &[email]).await.expect("read").pop().expect("one answer")
    }

    async fn held(&self, email: &str) -> Option<Contact> {
        match self.at(email).await {
            Standing::Held(contact) => Some(*contact),
            Standing::Free | Standing::Suppressed(_) => None,
        }
    }

    /// Reads what lies in the tables, as the engine has it.
    async fn raw_tables(&self) -> String {
        let url = self.plane.endpoints().dynamodb.clone();
        let tables = self.plane.tables().to_env().map(|(_, name)| name.to_owned());
        let scan = move |table: &String| {
            let scanned = ureq::post(&url)
                .header("x-amz-target", "DynamoDB_20120810.Scan")
                .header("content-type", "application/x-amz-json-1.0")
                // Any will do here, but there has to be one.
                .header("authorization", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=x, Signature=x")
                .header("x-amz-date", "20261123T000000Z")
                .send(serde_json::json!({"TableName": table}).to_string());
            scanned.expect("a scan").into_body().read_to_string().expect("items")
        };
        tokio::task::spawn_blocking(move || tables.iter().map(scan).collect()).await.expect("scans")
    }

    /// Lists the addresses that a walk over all contacts gives.
    async fn walk(&self) -> Vec<String> {
        let page = self.healthy.page(&self.tenant, None, 200).await.expect("page");
        page.contacts.iter().map(|contact| contact.profile.email.to_string()).collect()
    }
}

fn profile(email: &str, status: Status) -> Profile {
    Profile::new(Email::parse(email).expect("an address"), email, status)
}

async fn write(store: &DynamoStore, tenant: &Tenant, write: Write) -> Result<Written, StoreError> {
    let mut written = store.write(tenant, vec![write], chrono::Utc::now()).await?;
    written.pop().expect("one answer")
}

/// Describes contacts that are created without consent.
fn births(emails: impl Iterator<Item = String>) -> Vec<Write> {
    let new = |email: String| NewContact::of(profile(&email, Status::Active));
    emails.map(|email| Write::Create(Box::new(new(email)))).collect()
}

async fn create(store: &DynamoStore, tenant: &Tenant, profile: Profile) -> Result<Written, StoreError> {
    let consent = Consent {
        source: "form".into(),
        method: "paper".into(),
        captured_at: chrono::DateTime::UNIX_EPOCH,
        text: "Yes.".into(),
    };
    let new = NewContact { consent: Some(consent), ..NewContact::of(profile) };
    write(store, tenant, Write::Create(Box::new(new))).await
}

/// Runs a check for each call at which a process can die, on each side of its effect.
async fn at_every_call(check: impl AsyncFn(usize, Moment)) {
    for at in 0..CALLS {
        for moment in [Moment::Before, Moment::After] {
            check(at, moment).await;
        }
    }
}

#[test]
fn a_create_that_dies_anywhere_is_done_or_can_be_done_again() {
    if is_elsewhere("the engine") {
        return;
    }
    Product::get().block_on(async {
        let engine = Engine::start().await;
        at_every_call(async |at, moment| {
            let email = format!("person-{at}-{moment:?}@example.com");
            // Whatever it says: what counts is what stands there.
            drop(create(&engine.dying(at, moment), &engine.tenant, profile(&email, Status::Active)).await);
            if engine.held(&email).await.is_none() {
                create(&engine.healthy, &engine.tenant, profile(&email, Status::Active))
                    .await
                    .expect("create");
            }
            let contact = engine.held(&email).await.expect("a contact");
            let found = engine.healthy.by_id(&engine.tenant, contact.id).await.expect("read");
            assert_eq!(found.as_ref(), Some(&contact), "call {at} {moment:?}");
            let log = engine.healthy.consents(&engine.tenant, contact.id).await.expect("log");
            assert_eq!(log.len(), 1, "call {at} {moment:?}");
        })
        .await;
        let mut done = Vec::new();
        for at in 0..CALLS {
            for moment in [Moment::Before, Moment::After] {
                done.push(format!("person-{at}-{moment:?}@example.com").to_lowercase());
            }
        }
        let mut walked = engine.walk().await;
        walked.sort();
        done.sort();
        assert_eq!(walked, done);
    });
}

#[test]
fn a_call_for_many_contacts_that_fails_is_told_of_those_alone() {
    if is_elsewhere("the engine") {
        return;
    }
    Product::get().block_on(async {
        let engine = Engine::start().await;
        let mut partly = 0;
        for at in 0..CALLS {
            let emails: Vec<String> = (0..60).map(|n| format!("person-{at}-{n}@example.com")).collect();
            let dying = engine.dying(at, Moment::Before);
            let writes = births(emails.iter().cloned());
            let Ok(written) = dying.write(&engine.tenant, writes, chrono::Utc::now()).await else { continue };
            assert_eq!(written.len(), emails.len());
            for (email, written) in emails.iter().zip(&written) {
                let is_held = engine.held(email).await.is_some();
                assert_eq!(is_held, written.is_ok(), "call {at}: {email}");
                assert!(matches!(written, Ok(Written::Done(_)) | Err(StoreError::Unavailable(_))));
            }
            let done = written.iter().filter(|written| written.is_ok()).count();
            partly += usize::from(done > 0 && done < emails.len());
        }
        assert!(partly > 0, "no call failed while others did not");
    });
}

#[test]
fn an_email_change_that_dies_anywhere_happened_whole_or_not_at_all() {
    if is_elsewhere("the engine") {
        return;
    }
    Product::get().block_on(async {
        at_every_call(async |at, moment| {
            let engine = Engine::start().await;
            create(&engine.healthy, &engine.tenant, profile("a@example.com", Status::Unsubscribed))
                .await
                .expect("create");
            let before = engine.held("a@example.com").await.expect("a contact");
            let moved = Profile {
                email: Email::parse("b@example.com").expect("an address"),
                ..before.profile.clone()
            };
            let update = ProfileUpdate {
                before: before.clone(),
                profile: moved,
                replaces: None,
                consent: None,
                origin: None,
            };
            drop(write(&engine.dying(at, moment), &engine.tenant, Write::Update(Box::new(update))).await);

            let found =
                engine.healthy.by_id(&engine.tenant, before.id).await.expect("read").expect("a contact");
            let email = found.profile.email.as_str();
            assert_eq!(engine.walk().await, [email], "call {at} {moment:?}");
            match email {
                "a@example.com" => assert_eq!(engine.at("b@example.com").await, Standing::Free),
                _ => assert!(matches!(engine.at("a@example.com").await, Standing::Suppressed(_))),
            }
        })
        .await;
    });
}

#[test]
fn a_delete_that_dies_anywhere_loses_no_unsubscribe() {
    if is_elsewhere("the engine") {
        return;
    }
    Product::get().block_on(async {
        at_every_call(async |at, moment| {
            let engine = Engine::start().await;
            create(&engine.healthy, &engine.tenant, profile("a@example.com", Status::Unsubscribed))
                .await
                .expect("create");
            let contact = engine.held("a@example.com").await.expect("a contact");
            drop(engine.dying(at, moment).delete(&engine.tenant, &contact, chrono::Utc::now()).await);

            match engine.at("a@example.com").await {
                Standing::Held(still) => assert_eq!(*still, contact),
                Standing::Suppressed(suppression) => {
                    assert_eq!(suppression.status(), Status::Unsubscribed);
                    assert!(engine.walk().await.is_empty());
                }
                Standing::Free => panic!("call {at} {moment:?}: the unsubscribe is lost"),
            }
        })
        .await;
    });
}

/// A log whose contact is gone could never be found again.
#[test]
fn an_erasure_that_dies_anywhere_happened_whole_or_not_at_all() {
    if is_elsewhere("the engine") {
        return;
    }
    Product::get().block_on(async {
        at_every_call(async |at, moment| {
            let engine = Engine::start().await;
            create(&engine.healthy, &engine.tenant, profile("a@example.com", Status::Active))
                .await
                .expect("create");
            let contact = engine.held("a@example.com").await.expect("a contact");
            drop(engine.dying(at, moment).erase(&engine.tenant, &contact, chrono::Utc::now()).await);

            let log = engine.healthy.consents(&engine.tenant, contact.id).await.expect("log").len();
            let is_written = engine.raw_tables().await.contains("a@example.com");
            let left = (log, engine.walk().await.len(), is_written);
            match engine.at("a@example.com").await {
                Standing::Held(still) => assert_eq!((*still, left), (contact, (1, 1, true))),
                Standing::Suppressed(suppression) => {
                    assert_eq!(suppression.reason, SuppressionReason::Erased);
                    assert_eq!(left, (0, 0, false), "call {at} {moment:?}");
                }
                Standing::Free => panic!("call {at} {moment:?}: the erasure is forgotten"),
            }
        })
        .await;
    });
}

/// Whether somebody was first there, or had everything erased: a slot is written before its contact.
#[test]
fn a_create_that_is_refused_leaves_the_address_nowhere() {
    if is_elsewhere("the engine") {
        return;
    }
    Product::get().block_on(async {
        let engine = Engine::start().await;
        let again = async || {
            let emails = (0..30).map(|n| format!("new-{n}@example.com"));
            let writes = births(emails.chain(["a@example.com".to_owned()]));
            let written = engine.healthy.write(&engine.tenant, writes, chrono::Utc::now()).await;
            assert!(matches!(written.expect("write").pop(), Some(Ok(Written::Lost { .. }))));
            let alone = births(["a@example.com".to_owned()].into_iter());
            let written = engine.healthy.write(&engine.tenant, alone, chrono::Utc::now()).await;
            assert!(matches!(written.expect("write").pop(), Some(Ok(Written::Lost { .. }))));
        };
        create(&engine.healthy, &engine.tenant, profile("a@example.com", Status::Active))
            .await
            .expect("create");
        again().await;
        let contact = engine.held("a@example.com").await.expect("a contact");
        engine.healthy.erase(&engine.tenant, &contact, chrono::Utc::now()).await.expect("erase");
        assert!(!engine.raw_tables().await.contains("a@example.com"));
        again().await;
        assert!(!engine.raw_tables().await.contains("a@example.com"));
        assert_eq!(engine.walk().await.len(), 30);
    });
}
