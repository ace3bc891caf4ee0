//! Telling who enters and leaves the segments that ask for it.
//!
//! What was told last of each contact is a bit of the index ([`Members`]), and a transition is a
//! write that turns it around, in one transaction with what it tells. So of many who see the same
//! one writes, entering and leaving alternate, and what was written is told, however often
//! somebody dies in between.
//!
//! Three things change who is in a segment: a contact, the clock and the rule. Whoever decides
//! reads the members first, then the clock, the rule and the contact, and writes over what was read.
//! Whoever brings a change of a contact writes also where nothing turns around: only so does
//! somebody lose who read the contact before. The clock of a tenant's segments never goes back, or
//! machines whose clocks differ would send a contact to and fro.
//!
//! A tick holds what the index says now against what was told. That finds who crossed an edge since
//! the last one, whenever that was, as well as whom another rule means, whom an import brought and
//! whom other fields, tiers or zones moved; and no contact is looked at besides.

mod settle;
mod tick;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use index::IndexTable;
use model::rule::{Bound, ListRef, Moment, Parsed, Rule, Zone, bind};
use model::{Contact, ContactId, List, ListBook, ListId, Look, Tenant, Watch};

pub use tick::Tick;

use crate::{
    ContactRecord, ContactStore, DomainEventBus, FieldStore, Freshness, ListStore, StoreError,
    TransitionStore, Transitions,
};

/// Segments that are seen to side by side.
const SEGMENTS_AT_ONCE: usize = 8;

/// Is what it takes of a store to watch segments.
pub trait WatchStore:
    ContactStore + FieldStore + ListStore + TransitionStore + IndexTable<Error = StoreError>
{
}

impl<S: ContactStore + FieldStore + ListStore + TransitionStore + IndexTable<Error = StoreError>> WatchStore
    for S
{
}

/// Watches the segments of a tenant.
#[derive(Debug)]
pub struct SegmentWatch<'a, S, B> {
    /// Where everything is.
    pub store: &'a S,
    /// Where transitions are told.
    pub bus: &'a B,
    /// Whose segments.
    pub tenant: &'a Tenant,
    /// Now, by the clock of this machine.
    pub now: DateTime<Utc>,
}

/// Counts what came of looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Contacts that entered or left.
    pub transitions: usize,
    /// Those of which the bus was not told yet. They are kept.
    pub untold: usize,
}

/// Who a contact was that may be gone by now, and its version.
type Known = HashMap<u32, (ContactId, u64)>;

impl<S: WatchStore, B: DomainEventBus> SegmentWatch<'_, S, B> {
    /// Tells who enters and leaves because contacts changed, came or went. The index has these
    /// changes already: a tick that comes later finds there whom this one does not see.
    ///
    /// # Errors
    /// When a table fails: then the same changes are to be brought again.
    pub async fn changed(&self, records: &[&ContactRecord]) -> Result<Seen, StoreError> {
        let book = self.store.lists(self.tenant, Freshness::Strong).await?;
        let mut concerned: BTreeMap<ListId, BTreeSet<u32>> = BTreeMap::new();
        for list in book.watched() {
            let Some(rule) = self.bound(&book, list, self.now).await? else { continue };
            let watch = Watch { rule, look: Look::Change };
            let ordinals: BTreeSet<u32> = records.iter().flat_map(|record| moved(&watch, record)).collect();
            if !ordinals.is_empty() {
                concerned.insert(list.id, ordinals);
            }
        }
        let images = records.iter().flat_map(|record| [&record.before, &record.after]).flatten();
        let known: Known = images.map(|contact| (contact.ordinal.0, (contact.id, contact.version))).collect();
        let looks: Vec<_> = concerned
            .into_iter()
            .map(|(list, ordinals)| self.settle(list, ordinals, settle::Why::Change(&known)))
            .collect();
        let mut looks = stream::iter(looks).buffer_unordered(SEGMENTS_AT_ONCE);
        let mut seen = Seen::default();
        while let Some(tells) = looks.try_next().await? {
            seen += self.tell(&tells).await?;
        }
        Ok(seen)
    }

    /// Tells what was kept, and forgets what the bus took.
    async fn tell(&self, tells: &[Transitions]) -> Result<Seen, StoreError> {
        let mut seen = Seen::default();
        for tells in tells {
            seen.transitions += tells.contacts.len();
            match self.bus.announce(&tells.events(self.tenant.id)).await {
                Ok(left) if left.is_empty() => self.store.told(self.tenant.id, tells).await?,
                // The next tick tells it.
                Ok(left) => seen.untold += left.len(),
                Err(_) => seen.untold += tells.contacts.len(),
            }
        }
        Ok(seen)
    }

    /// Binds the rule of a segment to an instant; none where it no longer fits the tenant's fields.
    async fn bound(
        &self,
        book: &ListBook,
        list: &List,
        now: DateTime<Utc>,
    ) -> Result<Option<Bound>, StoreError> {
        let Some(name) = ListRef::new(list.id.to_string()) else { return Ok(None) };
        let zone = Zone::parse(self.tenant.settings.time_zone.as_str()).unwrap_or_else(|_| Zone::utc());
        let moment = Moment::new(now, zone).with_tiers(self.tenant.scoring.tiers);
        let parsed = Parsed { rule: Rule::Segment(name), places: Vec::new() };
        for freshness in [Freshness::Cached, Freshness::Strong] {
            let fields = self.store.fields(self.tenant, freshness).await?;
            match bind(&parsed, &fields, book, &moment) {
                Ok((bound, warnings)) if warnings.is_empty() || freshness == Freshness::Strong => {
                    return Ok(Some(bound));
                }
                // Somebody else may have defined the field since.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }
}

impl std::ops::AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.transitions += other.transitions;
        self.untold += other.untold;
    }
}

/// Gives whom a record may take into a segment or out of it. Of a move to another address there
/// are two records, in no order. Who is gone may have been told to be in by another rule or at another
/// time, and no tick finds out who it was: that is looked up whatever the rule says now.
fn moved(watch: &Watch, record: &ContactRecord) -> Vec<u32> {
    let ordinal = |contact: &Contact| contact.ordinal.0;
    match (&record.before, &record.after) {
        (Some(before), Some(after)) if before.ordinal == after.ordinal => {
            watch.concerns(Some(before), Some(after)).then_some(ordinal(after)).into_iter().collect()
        }
        (before, after) => {
            let came = after.iter().filter(|after| watch.concerns(None, Some(after)));
            before.iter().chain(came).map(ordinal).collect()
        }
    }
}
