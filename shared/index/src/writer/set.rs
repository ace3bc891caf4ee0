//! Writing the set of a container: one list, or sixteen sub-containers.

use std::collections::BTreeSet;

use futures::future::try_join_all;

use super::item::{List, Outcome};
use super::plan::{Target, Wanted};
use super::{ATTEMPTS, Contacts, Fault, Writer};
use crate::{IndexTable, Item, ItemKey, Nonce, Place, SUBS, SetBlock, WholeSet};

impl<T: IndexTable, C: Contacts> Writer<'_, T, C> {
    pub(super) async fn write_set(
        &self,
        target: &Target,
        wanted: &[Wanted],
    ) -> Result<(), Fault<T::Error, C::Error>> {
        let key = target.key(&self.generation, None);
        for _ in 0..ATTEMPTS {
            match self.rewrite::<List>(&key, target, wanted, self.max_item_bytes).await? {
                Outcome::Written => return Ok(()),
                Outcome::Elsewhere => return self.write_subs(target, wanted).await,
                // Whether it worked shows at the next look.
                Outcome::Outgrown => self.split(target, &key).await?,
            };
        }
        Err(Fault::Contended)
    }

    /// Splits a list as it is, unless somebody else splits it or writes it meanwhile.
    pub(crate) async fn split(
        &self,
        target: &Target,
        key: &ItemKey,
    ) -> Result<Option<Split>, Fault<T::Error, C::Error>> {
        let keys: Vec<ItemKey> = (0..SUBS as u8).map(|sub| target.key(&self.generation, Some(sub))).collect();
        // Before the list: see the module's head.
        let seen: Vec<Option<Nonce>> = self
            .table
            .get_many(&keys)
            .await
            .map_err(Fault::Table)?
            .into_iter()
            .map(|item| item.map(|item| item.nonce))
            .collect();
        let item = self.table.get(key).await.map_err(Fault::Table)?;
        let (WholeSet::List(offsets), whole_seen) = read(item.as_ref())? else { return Ok(None) };
        let blocks = WholeSet::split(&offsets);
        let puts = keys.iter().zip(&blocks).zip(seen);
        let written =
            try_join_all(puts.map(|((key, block), seen)| self.put(key, block.encode(), seen))).await?;
        let Some(subs) = written.into_iter().collect::<Option<Vec<Nonce>>>() else { return Ok(None) };
        let mark = self.put(key, WholeSet::Split.encode(), whole_seen).await?;
        Ok(mark.map(|_| Split { list: whole_seen, subs }))
    }

    async fn write_subs(&self, target: &Target, wanted: &[Wanted]) -> Result<(), Fault<T::Error, C::Error>> {
        let subs: BTreeSet<u8> = wanted.iter().map(|wanted| Place::of(wanted.ordinal).sub).collect();
        try_join_all(subs.into_iter().map(|sub| self.write_sub(target, sub, wanted))).await?;
        Ok(())
    }

    async fn write_sub(
        &self,
        target: &Target,
        sub: u8,
        wanted: &[Wanted],
    ) -> Result<(), Fault<T::Error, C::Error>> {
        let here = wanted.iter().filter(|wanted| Place::of(wanted.ordinal).sub == sub);
        let here: Vec<Wanted> = here.cloned().collect();
        let key = target.key(&self.generation, Some(sub));
        self.rewrite::<SetBlock>(&key, target, &here, usize::MAX).await?;
        Ok(())
    }
}

/// Is what whoever split a list knows.
#[derive(Debug)]
pub(crate) struct Split {
    /// Which list it was.
    pub(crate) list: Option<Nonce>,
    /// The sub-containers as they were written.
    pub(crate) subs: Vec<Nonce>,
}

/// Reads an item that may not be there.
fn read(item: Option<&Item>) -> Result<(WholeSet, Option<Nonce>), crate::Malformed> {
    match item {
        Some(item) => Ok((WholeSet::decode(&item.data)?, Some(item.nonce))),
        None => Ok((WholeSet::List(Vec::new()), None)),
    }
}
