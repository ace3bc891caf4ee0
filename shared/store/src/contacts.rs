use std::future::Future;

use chrono::{DateTime, Utc};
use model::{Consent, Contact, ContactId, Email, Ordinal, Origin, Profile, Standing, Suppression, Tenant};
use serde::{Deserialize, Serialize};

use crate::{ConsentEntry, StoreError};

/// Describes a contact to create.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// What is known of it.
    pub profile: Profile,
    /// The suppression that was read at the address and that the profile takes into account.
    pub replaces: Option<Suppression>,
    /// The agreement given with this write.
    pub consent: Option<Consent>,
    /// What the contact is created by.
    pub origin: Option<Origin>,
    /// One of those that were reserved, which no other create was given; the store takes one if none.
    pub ordinal: Option<Ordinal>,
}

impl NewContact {
    /// Describes one of whom only this is known, where nothing was.
    pub fn of(profile: Profile) -> Self {
        Self { profile, replaces: None, consent: None, origin: None, ordinal: None }
    }
}

/// Describes a change of a contact that was read before.
#[derive(Debug, Clone)]
pub struct ProfileUpdate {
    /// The contact as it was read; the write fails if it changed since.
    pub before: Contact,
    /// What it becomes; another email moves it.
    pub profile: Profile,
    /// The suppression that was read at the new address of a move.
    pub replaces: Option<Suppression>,
    /// The agreement given with this write.
    pub consent: Option<Consent>,
    /// What changes it; none keeps what is there.
    pub origin: Option<Origin>,
}

/// Is one conditional write.
#[derive(Debug, Clone)]
pub enum Write {
    /// Creates; never overwrites.
    Create(Box<NewContact>),
    /// Changes the contact that was read, or nothing.
    Update(Box<ProfileUpdate>),
}

/// Says what became of one conditional write.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// It took effect; this stands there now.
    Done(Box<Contact>),
    /// Somebody else was first: nothing was written, and this stands at the address.
    Lost {
        /// The address where the condition failed.
        email: Email,
        /// What is there.
        standing: Standing,
    },
}

/// Holds some contacts, the newest ordinal first.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactPage {
    /// The contacts.
    pub contacts: Vec<Contact>,
    /// Where the next page goes on: below this ordinal. None at the end.
    pub next_below: Option<Ordinal>,
}

/// Says what a read must see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// Every write before it.
    Strong,
    /// What may be a moment old, at half the price.
    Eventual,
}

/// Says where a walk over suppressions goes on; only the store that gave it knows what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionPlace(pub(crate) String);

/// Holds some suppressions, in no order that means anything.
#[derive(Debug, Clone, PartialEq)]
pub struct SuppressionPage {
    /// Each with its address, but for those of erased persons.
    pub suppressions: Vec<(Option<Email>, Suppression)>,
    /// Where the next page goes on; none at the end.
    pub next: Option<SuppressionPlace>,
}

/// Keeps the contacts of tenants.
pub trait ContactStore: Send + Sync {
    /// Reads what stands at each address, in the order asked. Strongly consistent.
    fn standings(
        &self,
        tenant: &Tenant,
        emails: &[Email],
    ) -> impl Future<Output = Result<Vec<Standing>, StoreError>> + Send;

    /// Reads a contact by its id. Strongly consistent.
    fn by_id(
        &self,
        tenant: &Tenant,
        id: ContactId,
    ) -> impl Future<Output = Result<Option<Contact>, StoreError>> + Send;

    /// Reads the contacts with these ordinals that are there, in no order.
    fn by_ordinals(
        &self,
        tenant: &Tenant,
        ordinals: &[Ordinal],
        consistency: Consistency,
    ) -> impl Future<Output = Result<Vec<Contact>, StoreError>> + Send;

    /// Carries out writes side by side, each under its own condition, and answers in their order.
    /// An error of the whole says nothing of any of them: read again before trying again.
    ///
    /// A consent record is stored before the contact it is for: a crash between the two leaves a
    /// record too many, never a contact without its record.
    fn write(
        &self,
        tenant: &Tenant,
        writes: Vec<Write>,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<Result<Written, StoreError>>, StoreError>> + Send;

    /// Deletes a contact that was read, if it did not change since; an unsubscribed or bounced one
    /// leaves its suppression in the same write. [`Written::Done`] gives what was deleted.
    fn delete(
        &self,
        tenant: &Tenant,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Erases a contact that was read, if it did not change since, with its slot and everything that
    /// is logged under its id. Nothing is left but the keyed hash of its address, as a suppression.
    /// [`Written::Done`] gives what was erased.
    fn erase(
        &self,
        tenant: &Tenant,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Remembers that an address must not be written to, where no contact is and no suppression but
    /// the one that was read. Gives what stands in the way, none where it is done.
    fn suppress(
        &self,
        tenant: &Tenant,
        email: &Email,
        suppression: &Suppression,
        replaces: Option<&Suppression>,
    ) -> impl Future<Output = Result<Option<Standing>, StoreError>> + Send;

    /// Takes ordinals that lie side by side, for contacts that are created with them, and gives the
    /// first one. Those that are left over are never used.
    fn reserve(
        &self,
        tenant: &Tenant,
        count: u32,
    ) -> impl Future<Output = Result<Ordinal, StoreError>> + Send;

    /// Lists the addresses without a contact that must not be written to; may give fewer than
    /// `limit`, or none, before the end.
    ///
    /// They lie among the contacts, so a walk over all of them reads everything: a read unit for
    /// about 8 KB. A list of their own would make each of them cost four write units instead of one.
    fn suppressions(
        &self,
        tenant: &Tenant,
        after: Option<SuppressionPlace>,
        limit: usize,
    ) -> impl Future<Output = Result<SuppressionPage, StoreError>> + Send;

    /// Tells the lowest ordinal that nobody took yet: every contact lies below it.
    fn ordinals(&self, tenant: &Tenant) -> impl Future<Output = Result<Ordinal, StoreError>> + Send;

    /// Shows the address in every slot below the next ordinal, in no order. A slot proves nothing: the
    /// contact may be gone. Costs a read unit for about 190 of them, all partitions side by side.
    fn each_address(
        &self,
        tenant: &Tenant,
        see: &mut (dyn FnMut(Ordinal, &Email) + Send),
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Counts the contacts that are there, by reading all of them.
    fn count(&self, tenant: &Tenant) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Lists contacts below an ordinal, the highest first; may give fewer than `limit` before the
    /// end. What is created meanwhile does not move what is there.
    fn page(
        &self,
        tenant: &Tenant,
        below: Option<Ordinal>,
        limit: usize,
    ) -> impl Future<Output = Result<ContactPage, StoreError>> + Send;

    /// Adds a consent record to the log of a contact that needs no other change.
    fn record_consent(
        &self,
        tenant: &Tenant,
        id: ContactId,
        consent: &Consent,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads the consent log of a contact, the oldest agreement first.
    fn consents(
        &self,
        tenant: &Tenant,
        id: ContactId,
    ) -> impl Future<Output = Result<Vec<ConsentEntry>, StoreError>> + Send;
}
