//! Deciding about contacts, one item of members at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use index::{Members, MembersPlace, Nonce};
use model::{Contact, List, ListId, Look, Ordinal, Transition, Watch};
use uuid::Uuid;

use super::{Known, SegmentWatch, WatchStore};
use crate::{
    Consistency, DomainEventBus, Freshness, SegmentClock, StoreError, Transitions, index_generation,
};

/// How often members are read again because somebody else wrote them.
const ATTEMPTS: u32 = 64;

/// Says why somebody looks at contacts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why<'k> {
    /// They changed; those that are gone by now are known.
    Change(&'k Known),
    /// The index says other than what was told.
    Tick {
        /// Where the clock stood when all were looked at last.
        last: SegmentClock,
        /// Whether lists were changed since.
        is_edited: bool,
    },
}

impl<S: WatchStore, B: DomainEventBus> SegmentWatch<'_, S, B> {
    /// Writes who is in a segment by now and who is not, and gives what that tells. What was written
    /// before an error tells itself at the next tick.
    pub(super) async fn settle(
        &self,
        list: ListId,
        ordinals: BTreeSet<u32>,
        why: Why<'_>,
    ) -> Result<Vec<Transitions>, StoreError> {
        let mut tells = Vec::new();
        let mut open = ordinals;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.store.pause(attempt).await;
            }
            open = self.round(list, &open, why, &mut tells).await?;
            if open.is_empty() {
                return Ok(tells);
            }
        }
        Err(StoreError::Unavailable("the members of a segment changed at every attempt to write them".into()))
    }

    /// Reads members, then what decides about them, and writes; gives those whose members were
    /// written by somebody else meanwhile.
    async fn round(
        &self,
        list: ListId,
        ordinals: &BTreeSet<u32>,
        why: Why<'_>,
        tells: &mut Vec<Transitions>,
    ) -> Result<BTreeSet<u32>, StoreError> {
        let done = Ok(BTreeSet::new());
        let generation = index_generation(self.tenant);
        let book = self.store.lists(self.tenant, Freshness::Cached).await?;
        let number = book.iter().find(|other| other.id == list).and_then(List::members_number);
        let Some(number) = number else { return done };
        let mut places: BTreeMap<MembersPlace, Vec<u32>> = BTreeMap::new();
        for ordinal in ordinals {
            places.entry(MembersPlace::of(number, *ordinal)).or_default().push(*ordinal);
        }
        let keys: Vec<_> = places.keys().map(|place| place.key(&generation)).collect();
        let items = self.store.get_many(&keys).await?;
        // INVARIANT: from here on, after the members, is read what decides.
        let Some((watch, at)) = self.watch(list, why).await? else { return done };
        let contacts = self.contacts(ordinals).await?;
        let mut again = BTreeSet::new();
        for ((key, item), ordinals) in keys.iter().zip(items).zip(places.into_values()) {
            let mut members =
                Members::read(item).map_err(|error| StoreError::Malformed(error.to_string()))?;
            let seen = members.seen();
            let mut went = Vec::new();
            let mut is_changed = matches!(why, Why::Change(_));
            for ordinal in &ordinals {
                let contact = contacts.get(ordinal);
                let Some((direction, cause)) = watch.decide(members.has(*ordinal), contact) else { continue };
                let who =
                    contact.map(|contact| (contact.id, contact.version)).or_else(|| why.known(*ordinal));
                // Whoever brings its deletion knows who it was. Deleted while nobody watched, it stays a
                // member that no rule and no count meets.
                let Some((id, version)) = who else { continue };
                went.push(Transition(id, version, direction, cause));
                members.flip(*ordinal);
                is_changed = true;
            }
            if !is_changed {
                continue;
            }
            let id = random_id()?;
            let mut nonce = Nonce::default();
            getrandom::fill(&mut nonce).map_err(|e| StoreError::Unavailable(e.to_string().into()))?;
            let item = members.item(nonce);
            let written = if went.is_empty() {
                self.store.put(key, item, seen).await?
            } else {
                let tells_of = Transitions { id, list, at, contacts: went };
                let put = self.store.put_members(self.tenant.id, key, item, seen, &tells_of).await?;
                tells.extend(put.then_some(tells_of));
                put
            };
            if !written {
                again.extend(ordinals);
            }
        }
        Ok(again)
    }

    /// Reads the clock and the rule; none where the segment is gone, or not watched any more.
    async fn watch(
        &self,
        list: ListId,
        why: Why<'_>,
    ) -> Result<Option<(Watch, chrono::DateTime<chrono::Utc>)>, StoreError> {
        let book = self.store.lists(self.tenant, Freshness::Strong).await?;
        let Some(list) = book.watched().find(|other| other.id == list) else { return Ok(None) };
        let Some(mut rule) = self.bound(&book, list, self.now).await? else { return Ok(None) };
        let mut at = self.now;
        if rule.next_look().is_some() {
            at = self.store.advance_segments(self.tenant.id, self.now).await?.at.unwrap_or(at);
            if at != self.now {
                let Some(later) = self.bound(&book, list, at).await? else { return Ok(None) };
                rule = later;
            }
        }
        let look = match why {
            Why::Change(_) => Look::Change,
            Why::Tick { last, is_edited } => {
                let last = match last.looked_at {
                    Some(last) => self.bound(&book, list, last).await?.map(Box::new),
                    None => None,
                };
                Look::Tick { last, is_edited }
            }
        };
        Ok(Some((Watch { rule, look }, at)))
    }

    /// Reads contacts, strongly; twice those that are not found: whoever changes its address
    /// between the looks at the directory and at the contact is found at the new one.
    async fn contacts(&self, ordinals: &BTreeSet<u32>) -> Result<HashMap<u32, Contact>, StoreError> {
        let mut missing: BTreeSet<u32> = ordinals.clone();
        let mut found = HashMap::new();
        for _ in 0..2 {
            let asked: Vec<Ordinal> = missing.iter().copied().map(Ordinal).collect();
            for contact in self.store.by_ordinals(self.tenant, &asked, Consistency::Strong).await? {
                missing.remove(&contact.ordinal.0);
                found.insert(contact.ordinal.0, contact);
            }
            if missing.is_empty() {
                break;
            }
        }
        Ok(found)
    }
}

impl Why<'_> {
    fn known(self, ordinal: u32) -> Option<(model::ContactId, u64)> {
        match self {
            Self::Change(known) => known.get(&ordinal).copied(),
            Self::Tick { .. } => None,
        }
    }
}

fn random_id() -> Result<Uuid, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Unavailable(e.to_string().into()))?;
    Ok(Uuid::new_v8(bytes))
}
