//! Looking at all contacts of a tenant through the index.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use index::{Planner, Question};
use model::rule::Bound;
use model::{List, ListId};
use roaring::RoaringBitmap;
use tokio::time::Instant;

use super::settle::Why;
use super::{Seen, SegmentWatch, WatchStore};
use crate::{ContactSearch, DomainEventBus, Freshness, SearchError, StoreError};

/// Where time changes nothing, all contacts are looked at this often: what another one died over is
/// told then.
const AT_LEAST_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Contacts that are decided about together: as many as share an item of members.
const CONTACTS_AT_ONCE: usize = 4_096;
/// How many times as many are decided about side by side.
const LOOKS_AT_ONCE: usize = 4;

/// Is what a tick came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// What was seen.
    pub seen: Seen,
    /// Segments that were left out: the index does not tell who is in them.
    pub left_out: usize,
    /// When it is time for the next one; none where nobody wants to be told of anything.
    pub next: Option<DateTime<Utc>>,
}

impl<S: WatchStore, B: DomainEventBus> SegmentWatch<'_, S, B> {
    /// Tells who entered and left since the last tick, and what was not told yet. What is left when
    /// the time is up, the next tick tells, at once.
    ///
    /// # Errors
    /// When a table fails. What was written is told by the next tick.
    pub async fn tick(&self, deadline: Option<Instant>) -> Result<Tick, StoreError> {
        let mut tick = Tick { seen: self.tell_kept().await?, left_out: 0, next: None };
        let book = self.store.lists(self.tenant, Freshness::Strong).await?;
        if book.watched().next().is_none() {
            return Ok(tick);
        }
        let clock = self.store.advance_segments(self.tenant.id, self.now).await?;
        let at = clock.at.unwrap_or(self.now);
        let is_edited = book.iter().any(|list| clock.looked_at.is_none_or(|last| list.updated_at > last));
        let why = Why::Tick { last: clock, is_edited };
        let mut rules: Vec<(&List, Bound)> = Vec::new();
        for list in book.watched() {
            match self.bound(&book, list, at).await? {
                Some(rule) => rules.push((list, rule)),
                None => tick.left_out += 1,
            }
        }
        let crossed = self.crossed(&rules).await?;
        tick.left_out += rules.len() - crossed.len();
        for (list, ordinals) in crossed {
            let mut chunks = chunks(&ordinals).into_iter();
            loop {
                let looks: Vec<_> = chunks
                    .by_ref()
                    .take(LOOKS_AT_ONCE)
                    .map(|ordinals| self.settle(list, ordinals, why))
                    .collect();
                if looks.is_empty() {
                    break;
                }
                let mut looks = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
                while let Some(tells) = looks.try_next().await? {
                    tick.seen += self.tell(&tells).await?;
                }
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Ok(Tick { next: Some(self.now), ..tick });
                }
            }
        }
        self.store.segments_looked_at(self.tenant.id, at).await?;
        let looks = rules.iter().filter_map(|(_, rule)| rule.next_look());
        tick.next = looks.chain([self.now + AT_LEAST_EVERY]).min();
        Ok(tick)
    }

    /// Tells what was kept by whoever died over telling it.
    async fn tell_kept(&self) -> Result<Seen, StoreError> {
        let mut seen = Seen::default();
        loop {
            let kept = self.store.untold(self.tenant.id).await?;
            if kept.is_empty() {
                return Ok(seen);
            }
            seen += self.tell(&kept).await?;
            if seen.untold > 0 {
                return Ok(seen);
            }
        }
    }

    /// Gives who may be in another way than was told, by segment.
    async fn crossed(&self, rules: &[(&List, Bound)]) -> Result<Vec<(ListId, RoaringBitmap)>, StoreError> {
        let search = ContactSearch { store: self.store, tenant: self.tenant };
        let bound: Vec<&Bound> = rules.iter().map(|(_, rule)| rule).collect();
        let addresses = search.addresses(&bound).await?;
        let id_key = self.tenant.secret.id_key();
        let planner = Planner { id_key: &id_key, addresses: &addresses };
        let questions: Vec<Question> = bound.iter().map(|rule| planner.question(rule)).collect();
        let reader = search.reader(self.store.ordinals(self.tenant).await?);
        let answers = reader.read(&questions, None).await.map_err(failed)?;
        let mut crossed = Vec::new();
        for ((list, _), question) in rules.iter().zip(&questions) {
            let Some(number) = list.members_number() else { continue };
            let answer = answers.to(question);
            let told = reader.members(number).await.map_err(failed)?;
            let ordinals = (&answer.certain - &told) | (&told - &answer.possible) | answer.open();
            crossed.push((list.id, ordinals));
        }
        Ok(crossed)
    }
}

fn failed(error: index::ReadError<StoreError>) -> StoreError {
    match SearchError::from(error) {
        SearchError::Store(error) => error,
        other => StoreError::Refused(other.into()),
    }
}

/// Parts ordinals so that each part is decided about at once, neighbours together.
fn chunks(ordinals: &RoaringBitmap) -> Vec<BTreeSet<u32>> {
    let mut chunks: Vec<BTreeSet<u32>> = Vec::new();
    let mut block = None;
    for ordinal in ordinals {
        let is_new = block.replace(ordinal >> 12) != Some(ordinal >> 12);
        match chunks.last_mut() {
            // Two parts of one item would get in each other's way.
            Some(chunk) if !is_new || chunk.len() < CONTACTS_AT_ONCE / 16 => {
                chunk.insert(ordinal);
            }
            _ => chunks.push(BTreeSet::from([ordinal])),
        }
    }
    chunks
}
