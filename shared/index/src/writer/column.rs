//! Writing a column's item.

use super::plan::{Target, Wanted};
use super::{ATTEMPTS, Contacts, Fault, Writer};
use crate::facts::CellValue;
use crate::{ColumnBlock, IndexTable, Place};

impl<T: IndexTable, C: Contacts> Writer<'_, T, C> {
    pub(super) async fn write_column(
        &self,
        target: &Target,
        wanted: &[Wanted],
    ) -> Result<(), Fault<T::Error, C::Error>> {
        let key = target.key(&self.generation, None);
        for attempt in 0..ATTEMPTS {
            let item = self.get(&key).await?;
            let mut block = match &item {
                Some(item) => ColumnBlock::decode(&item.data)?,
                None => ColumnBlock::new(),
            };
            for (ordinal, value) in self.values(wanted, &target.cell()).await? {
                if let CellValue::Number(number) = value {
                    block.set(Place::of(ordinal).value, number);
                }
            }
            if self.put(&key, block.encode(), item.map(|item| item.nonce)).await?.is_some() {
                return Ok(());
            }
            self.table.pause(attempt).await;
        }
        Err(Fault::Contended)
    }
}
