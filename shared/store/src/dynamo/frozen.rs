//! Frozen sets, cut into pieces of some kilobytes in the config table, where records expire. A page
//! needs one piece, or those of the few that it touches.

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use chrono::{TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use model::{Ordinal, TenantId};
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::index::blob;
use super::{DynamoStore, Item, config_item};
use crate::sdk::store_error;
use crate::{FrozenPage, FrozenStore, StoreError};

/// A container of 65,536 ordinals takes at most 8 KB; smaller ones share a piece.
const PIECE_BYTES: usize = 8_200;
const WRITES_AT_ONCE: usize = 16;

const SET: &str = "members";
/// How many lie in the pieces below: without it a piece whose time has passed looked like the end.
const REMAINING: &str = "remaining";
const EXPIRES: &str = "expires";

impl FrozenStore for DynamoStore {
    async fn freeze(
        &self,
        tenant: TenantId,
        id: Uuid,
        set: &RoaringBitmap,
        keep_for: TimeDelta,
    ) -> Result<(), StoreError> {
        // Real time, as the table's: it removes what is expired.
        let expires = Utc::now() + keep_for;
        let mut remaining = 0;
        let mut items = Vec::new();
        for piece in pieces(set) {
            let mut bytes = Vec::with_capacity(piece.serialized_size());
            piece.serialize_into(&mut bytes).map_err(|e| StoreError::Refused(Box::new(e)))?;
            let mut item = config_item::key(&part(tenant, id), &entry(piece.min().unwrap_or_default()));
            item.insert(SET.to_owned(), blob(&bytes));
            item.insert(REMAINING.to_owned(), Value::N(remaining.to_string()));
            item.insert(EXPIRES.to_owned(), Value::N(expires.timestamp().to_string()));
            items.push(item);
            remaining += piece.len();
        }
        let puts: Vec<_> = items.into_iter().map(|item| self.put_config(item)).collect();
        stream::iter(puts).buffer_unordered(WRITES_AT_ONCE).try_collect().await
    }

    async fn frozen(
        &self,
        tenant: TenantId,
        id: Uuid,
        below: Option<Ordinal>,
        limit: usize,
    ) -> Result<Option<FrozenPage>, StoreError> {
        let mut page = FrozenPage { ordinals: Vec::with_capacity(limit), remaining: 0 };
        let mut below = below;
        loop {
            let Some((piece, rest)) = self.piece_below(tenant, id, below).await? else { return Ok(None) };
            let found = FrozenPage::of(&piece, below, limit - page.ordinals.len());
            page.ordinals.extend(found.ordinals);
            page.remaining = found.remaining + rest;
            if page.ordinals.len() >= limit || page.remaining == 0 {
                return Ok(Some(page));
            }
            below = piece.min().map(Ordinal);
        }
    }
}

impl DynamoStore {
    /// Reads the highest piece that begins below a place, and how many lie in those under it.
    async fn piece_below(
        &self,
        tenant: TenantId,
        id: Uuid,
        below: Option<Ordinal>,
    ) -> Result<Option<(RoaringBitmap, u64)>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.config)
            .expression_attribute_values(":part", Value::S(part(tenant, id)))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let query = match below {
            None => query.key_condition_expression("part = :part"),
            Some(below) => query
                .key_condition_expression("part = :part AND entry < :below")
                .expression_attribute_values(":below", Value::S(entry(below.0))),
        };
        let answer = query.send().await.map_err(store_error)?;
        self.read(answer.consumed_capacity());
        let found = answer.items.unwrap_or_default().into_iter().next();
        let now = Utc::now().timestamp();
        found.filter(|item| config_item::is_fresh(item, now)).map(|item| piece(&item)).transpose()
    }
}

fn part(tenant: TenantId, id: Uuid) -> String {
    format!("{tenant}#frozen#{id}")
}

/// Names a piece by its first ordinal.
fn entry(first: u32) -> String {
    format!("{first:010}")
}

fn piece(item: &Item) -> Result<(RoaringBitmap, u64), StoreError> {
    let malformed = || StoreError::Malformed("a piece of a frozen set is of another form".to_owned());
    let bytes = item.get(SET).and_then(|set| set.as_b().ok()).ok_or_else(malformed)?;
    let set = RoaringBitmap::deserialize_from(bytes.as_ref()).map_err(|_| malformed())?;
    let remaining = item.get(REMAINING).and_then(|number| number.as_n().ok()?.parse().ok());
    Ok((set, remaining.ok_or_else(malformed)?))
}

/// Cuts a set between containers, the lowest piece first.
fn pieces(set: &RoaringBitmap) -> Vec<RoaringBitmap> {
    let mut pieces = Vec::new();
    let mut piece = RoaringBitmap::new();
    let mut next = set.min();
    while let Some(first) = next {
        let last = first | 0xFFFF;
        let mut container: RoaringBitmap = set.range(first..=last).collect();
        container.optimize();
        if !piece.is_empty() && piece.serialized_size() + container.serialized_size() > PIECE_BYTES {
            pieces.push(std::mem::take(&mut piece));
        }
        piece |= container;
        next = last.checked_add(1).and_then(|next| set.range(next..).next());
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_cut_into_few_pieces_of_some_kilobytes() {
        let dense: RoaringBitmap = (0..1_000_000).filter(|n| n % 3 != 0).collect();
        let sparse: RoaringBitmap = (0..4_000).map(|n| n * 1_000_003).collect();
        let run: RoaringBitmap = (0..1_000_000).collect();
        let ends = RoaringBitmap::from([0, 0xFFFF, 0x10000, u32::MAX]);
        for (set, most) in [(dense, 16), (sparse, 8), (run, 1), (ends, 1), (RoaringBitmap::new(), 0)] {
            let pieces = pieces(&set);
            assert!(pieces.len() <= most, "{} pieces", pieces.len());
            assert!(pieces.iter().all(|piece| piece.serialized_size() <= 8_220));
            assert!(pieces.is_sorted_by(|one, next| one.max() < next.min()));
            assert_eq!(pieces.into_iter().fold(RoaringBitmap::new(), |all, piece| all | piece), set);
        }
    }
}
