//! Finding what the index has wrong, and putting it right.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::compare::Compared;
use super::truth::Truth;
use super::write::{Work, mixed};
use super::{Block, IndexedFields, NotBuilt};
use crate::facts::Cell;
use crate::writer::Target;
use crate::{Contacts, IndexTable, Writer};

/// Is one set or column that does not hold what the contacts say.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Of what.
    pub cell: Cell,
    /// Who should be there and is not, or with another number.
    pub missing: RoaringBitmap,
    /// Who is there and should not, or with another number.
    pub extra: RoaringBitmap,
    /// Whether there are items that cannot be read.
    pub is_unreadable: bool,
    target: Target,
}

/// Is what an audit of a block found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Audit {
    /// The contacts that were read.
    pub contacts: u64,
    /// The index's items that were read.
    pub items: u64,
    /// What gives wrong answers, or will when the stream is done with what it has.
    pub differences: Vec<Difference>,
    /// What is left of ordinals that are no contacts, and does no harm: every answer is of live ones.
    pub garbage: Vec<Difference>,
    /// Keys that this crate does not write; only a new generation is rid of them.
    pub strange_keys: u64,
}

impl Audit {
    /// Tells whether everything was right.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.garbage.is_empty() && self.strange_keys == 0
    }

    fn of(contacts: u64, items: u64, compared: impl IntoIterator<Item = Compared>, truth: &Truth) -> Self {
        let mut audit = Self { contacts, items, ..Self::default() };
        for compared in compared {
            let cell = compared.target.cell();
            let dangling = match cell {
                Cell::Live => RoaringBitmap::new(),
                Cell::Term(..) | Cell::Column(_) => &compared.extra - truth.live(),
            };
            let is_unreadable = !compared.unreadable.is_empty();
            let target = compared.target;
            let extra = compared.extra - &dangling;
            if !compared.missing.is_empty() || !extra.is_empty() || is_unreadable {
                let (cell, target) = (cell.clone(), target.clone());
                let missing = compared.missing;
                audit.differences.push(Difference { cell, missing, extra, is_unreadable, target });
            }
            if !dangling.is_empty() {
                let missing = RoaringBitmap::new();
                audit.garbage.push(Difference {
                    cell,
                    missing,
                    extra: dangling,
                    is_unreadable: false,
                    target,
                });
            }
        }
        audit
    }

    /// Gives all that is wrong, with the ordinals concerned.
    fn work(&self) -> Work {
        let mut work = Work::new();
        for difference in self.differences.iter().chain(&self.garbage) {
            let concerned = work.entry(difference.target.clone()).or_default();
            *concerned |= &difference.missing | &difference.extra;
            if difference.is_unreadable {
                concerned.insert_range(difference.target.ordinals());
            }
        }
        work
    }
}

impl<T: IndexTable, C: Contacts> Writer<'_, T, C> {
    /// Compares a block's items of these fields with the contacts. What changed in the last seconds
    /// may differ because it is still on its way: see [`Self::audit_again`].
    ///
    /// # Errors
    /// When the table or the contacts fail.
    pub async fn audit(&self, block: Block, fields: &IndexedFields) -> Result<Audit, NotBuilt> {
        let concerned = block.set();
        let snapshot = self.query_items(block, fields).await?;
        let truth = self.truth(&concerned, Some(fields)).await?;
        let targets: BTreeSet<&Target> = truth.targets().chain(snapshot.targets()).collect();
        let compared = targets
            .into_iter()
            .filter_map(|target| Some(Compared::of(target, snapshot.get(target)?, &concerned, &truth)));
        let audit = Audit::of(truth.live().len(), snapshot.items(), compared, &truth);
        Ok(Audit { strange_keys: snapshot.strange_keys, ..audit })
    }

    /// Looks again at what an audit found, and gives what still differs. With some seconds between
    /// them that is what the stream does not put right by itself, unless it lags.
    ///
    /// # Errors
    /// When the table or the contacts fail.
    pub async fn audit_again(&self, audit: &Audit) -> Result<Audit, NotBuilt> {
        let (compared, truth) = self.compare(&audit.work()).await?;
        let again = Audit::of(audit.contacts, audit.items, compared, &truth);
        Ok(Audit { strange_keys: audit.strange_keys, ..again })
    }

    /// Puts right what an audit found, as the contacts are now. It may be called while others write,
    /// and does no harm where nothing differs any more. Where records of the stream were lost, a
    /// write sent before may still land after this: only an audit a writer's longest life later is
    /// the last word.
    ///
    /// # Errors
    /// When the table or the contacts fail.
    pub async fn repair(&self, audit: &Audit) -> Result<(), NotBuilt> {
        let (compared, truth) = self.compare(&audit.work()).await?;
        let compared = mixed(compared, |compared| &compared.target);
        Ok(self.write_all(compared.into_iter(), Work::new(), &truth).await?)
    }
}
