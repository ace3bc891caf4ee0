//! Writing one item: read it, change its cells, write it if it is still the same, or start again.

use std::collections::BTreeSet;

use super::plan::{Target, Wanted};
use super::{ATTEMPTS, Contacts, Fault, Writer};
use crate::facts::CellValue;
use crate::{ColumnBlock, IndexTable, Item, ItemKey, Malformed, Nonce, Place, SetBlock, WholeSet};

/// Holds the cells of one item.
pub(super) trait Cells: Sized + Send {
    /// Reads an item that may not be there; none where its cells lie in other ones.
    fn read(item: Option<&Item>) -> Result<Option<Self>, Malformed>;

    fn set(&mut self, ordinal: u32, value: CellValue);

    fn data(self) -> Vec<u8>;
}

/// Is what became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    /// Its cells lie in other items.
    Elsewhere,
    /// It would be too long.
    Outgrown,
}

impl<T: IndexTable, C: Contacts> Writer<'_, T, C> {
    /// Writes the wanted cells into an item of at most so many bytes.
    pub(super) async fn rewrite<I: Cells>(
        &self,
        key: &ItemKey,
        target: &Target,
        wanted: &[Wanted],
        max_bytes: usize,
    ) -> Result<Outcome, Fault<T::Error, C::Error>> {
        let cell = target.cell();
        for attempt in 0..ATTEMPTS {
            let item = self.table.get(key).await.map_err(Fault::Table)?;
            let Some(mut cells) = I::read(item.as_ref())? else { return Ok(Outcome::Elsewhere) };
            for (ordinal, value) in self.values(wanted, &cell).await? {
                cells.set(ordinal, value);
            }
            let data = cells.data();
            if item_bytes(key, &data) > max_bytes {
                return Ok(Outcome::Outgrown);
            }
            if self.put(key, data, item.map(|item| item.nonce)).await?.is_some() {
                return Ok(Outcome::Written);
            }
            self.table.pause(attempt).await;
        }
        Err(Fault::Contended)
    }
}

/// Counts what the table charges for: the names of the four attributes, too.
pub(crate) fn item_bytes(key: &ItemKey, data: &[u8]) -> usize {
    const NAMES: usize = "psdv".len();
    NAMES + key.partition.len() + key.sort.len() + data.len() + Nonce::default().len()
}

impl Cells for ColumnBlock {
    fn read(item: Option<&Item>) -> Result<Option<Self>, Malformed> {
        item.map_or(Ok(Self::new()), |item| Self::decode(&item.data)).map(Some)
    }

    fn set(&mut self, ordinal: u32, value: CellValue) {
        if let CellValue::Number(number) = value {
            self.set(Place::of(ordinal).value, number);
        }
    }

    fn data(self) -> Vec<u8> {
        self.encode()
    }
}

impl Cells for SetBlock {
    fn read(item: Option<&Item>) -> Result<Option<Self>, Malformed> {
        item.map_or(Ok(Self::new()), |item| Self::decode(&item.data)).map(Some)
    }

    fn set(&mut self, ordinal: u32, value: CellValue) {
        self.set(Place::of(ordinal).offset & 0x0FFF, value == CellValue::Bit(true));
    }

    fn data(self) -> Vec<u8> {
        self.encode()
    }
}

/// Is the list of a whole container.
pub(super) struct List(BTreeSet<u16>);

impl Cells for List {
    fn read(item: Option<&Item>) -> Result<Option<Self>, Malformed> {
        match item.map(|item| WholeSet::decode(&item.data)).transpose()? {
            None => Ok(Some(Self(BTreeSet::new()))),
            Some(WholeSet::List(offsets)) => Ok(Some(Self(offsets.into_iter().collect()))),
            Some(WholeSet::Split) => Ok(None),
        }
    }

    fn set(&mut self, ordinal: u32, value: CellValue) {
        let offset = Place::of(ordinal).offset;
        if value == CellValue::Bit(true) {
            self.0.insert(offset)
        } else {
            self.0.remove(&offset)
        };
    }

    fn data(self) -> Vec<u8> {
        WholeSet::List(self.0.into_iter().collect()).encode()
    }
}
