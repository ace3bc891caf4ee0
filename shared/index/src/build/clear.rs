//! Removing a generation that was in use before.

use futures::{StreamExt, TryStreamExt, stream};

use super::IndexedFields;
use crate::{Generation, IndexTable, ItemKey, Kind};

/// Partitions that are looked at side by side.
const PARTITIONS_AT_ONCE: usize = 16;

/// Removes items of a generation that nobody reads any more, about as many as that, and tells how
/// many: fewer are all that there were. `slabs` is how many there are: up to that of the highest
/// ordinal. The members of segments are of no generation, and stay.
///
/// # Errors
/// When the table fails. It may be called again.
pub async fn clear<T: IndexTable>(
    table: &T,
    generation: Generation,
    fields: &IndexedFields,
    slabs: u16,
    most: usize,
) -> Result<usize, T::Error> {
    let live = std::iter::once((Kind::Live, 0));
    let terms = fields.terms.iter().map(|field| (Kind::Terms, *field));
    let columns = fields.columns.iter().map(|field| (Kind::Column, *field));
    let kinds = live.chain(terms).chain(columns);
    // Collected first: as a lazy stream the borrowing futures would not be provably `Send`.
    let queries: Vec<_> = kinds
        .flat_map(|(kind, field)| (0..slabs).map(move |slab| generation.partition(kind, field, slab)))
        .map(|partition| async move {
            let found = table.query(&partition, &[], most).await?;
            let keys = found.into_iter().map(|(sort, _)| ItemKey { partition, sort });
            Ok(keys.take(most).collect::<Vec<_>>())
        })
        .collect();
    let mut queries = stream::iter(queries).buffered(PARTITIONS_AT_ONCE);
    let mut removed = 0;
    while let Some(keys) = queries.try_next().await? {
        table.remove(&keys).await?;
        removed += keys.len();
        if removed >= most {
            break;
        }
    }
    Ok(removed)
}
