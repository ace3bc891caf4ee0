use std::collections::BTreeSet;
use std::future::Future;

use chrono::{DateTime, Utc};
use model::scoring::{Fact, Position, Score};
use model::{Contact, ContactId, Profile, Standing, Tenant, TenantId};

use crate::StoreError;

/// Most facts of one write: a transaction has 100 items, and the contact is one of them.
pub const FACTS_A_WRITE: usize = 99;

/// Describes facts that are new in the ledger of a contact, and what becomes of the contact.
#[derive(Debug, Clone)]
pub struct LedgerWrite {
    /// The contact as it was read; the write fails if it changed since.
    pub before: Contact,
    /// What it becomes; at the same address.
    pub profile: Profile,
    /// Its score with these facts.
    pub score: Score,
    /// The facts, each once; [`FACTS_A_WRITE`] at most. None folds known ones anew.
    pub facts: Vec<Fact>,
}

/// Says what became of facts.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// Facts and contact are written; this stands there now.
    Done(Box<Contact>),
    /// Nothing is written.
    Refused {
        /// Facts that the ledger has already.
        known: BTreeSet<Position>,
        /// What stands at the address, where that is not the contact as it was read.
        standing: Option<Standing>,
    },
}

/// Holds some facts, the newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct FactPage {
    /// The facts.
    pub facts: Vec<Fact>,
    /// Where the next page goes on: below this one. None at the end.
    pub next_below: Option<Position>,
}

/// Keeps the ledgers of contacts: facts that are only ever added.
pub trait LedgerStore: Send + Sync {
    /// Adds facts and changes their contact, all of it or nothing: if the contact is as it was
    /// read, and none of the facts is there already.
    ///
    /// Costs two write units for the contact and two for each fact, of each 1 KB; without facts, when
    /// known ones are only folded anew, one for the contact.
    fn record(
        &self,
        tenant: &Tenant,
        write: LedgerWrite,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Recorded, StoreError>> + Send;

    /// Reads the facts of a contact from one on, the oldest first; all of them from none on.
    /// Strongly consistent.
    fn facts(
        &self,
        tenant: TenantId,
        contact: ContactId,
        from: Option<&Position>,
    ) -> impl Future<Output = Result<Vec<Fact>, StoreError>> + Send;

    /// Lists facts of a contact below one, the newest first.
    fn fact_page(
        &self,
        tenant: TenantId,
        contact: ContactId,
        below: Option<&Position>,
        limit: usize,
    ) -> impl Future<Output = Result<FactPage, StoreError>> + Send;
}

impl LedgerWrite {
    /// Gives the contact as the write leaves it.
    pub(crate) fn contact(&self, now: DateTime<Utc>) -> Contact {
        // That it was folded anew is nobody's business where the outcome is the same.
        let is_as_before = self.profile == self.before.profile && self.score.points == self.before.score;
        let updated_at = if is_as_before && self.facts.is_empty() { self.before.updated_at } else { now };
        Contact {
            profile: self.profile.clone(),
            score: self.score.points,
            fold: self.score.fold.clone(),
            updated_at,
            version: self.before.version + 1,
            ..self.before.clone()
        }
    }
}
