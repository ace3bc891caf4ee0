//! Reading: a question becomes one parallel wave of queries, and set algebra over what they give.
//!
//! `not x` is what is live and not `x`, and every answer is of live ordinals only, so that postings
//! may dangle. The count is the size of the answer: there is no counter to drift.
//!
//! Not everything that a rule asks is in the index: a long text is there by its start and a hash, an
//! instant by its minute or second, a field of no interest not at all. What it leaves open is
//! [`Question::Perhaps`], and an [`Answer`] parts who is meant from who may be: those few contacts
//! are looked at. Addresses lie in the directory as well: where the index leaves too many open by
//! theirs, it is read instead ([`Question::Address`]).

mod address;
mod columns;
mod predicate;
mod sets;
mod sort;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use roaring::RoaringBitmap;

use crate::members::gather;
use crate::{Found, Generation, IndexTable, Kind, Malformed, Term};

pub use address::{AddressBook, AddressTest};
pub use columns::Column;
pub use predicate::{NumberRange, NumberTest, Predicate};
pub use sort::{Direction, Sort, SortKey, SortValue};

/// Most items that are read of the terms that start alike, or of all terms of a field: a thousand
/// bytes or less each, so this is 2,500 read units as terms usually are.
pub const MAX_WALKED_ITEMS: usize = 200_000;

/// Queries under way at once.
const QUERIES_AT_ONCE: usize = 64;

/// Is a question in the index's own words.
#[derive(Debug, Clone)]
pub enum Question {
    /// Who is in every one of these; of none: everybody.
    All(Vec<Question>),
    /// Who is in at least one of these; of none: nobody.
    Any(Vec<Question>),
    /// Who is not in this.
    Not(Box<Question>),
    /// Who has a term in a field.
    Term(u16, Term),
    /// Who has a term in a field that starts like this one.
    StartsWith(u16, Term),
    /// Who has a whole value in a field that passes a test; whoever has a long one may have.
    Value(u16, Predicate<str>),
    /// Whose number or date passes a test.
    Number(u16, NumberTest),
    /// Who has a number or date at all.
    HasNumber(u16),
    /// Who has one of these ordinals.
    Ordinals(RoaringBitmap),
    /// Nobody else than who is in this, and not all of them: only the contact tells.
    Perhaps(Box<Question>),
    /// Likewise, but all of these are within a minute, or a second, of being in it.
    AlmostExactly(Box<Question>),
    /// Who has an address that passes a test, if the addresses were read; else anybody perhaps.
    Address(AddressTest),
}

/// Is what the index knows of a question's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Who is in it for certain.
    pub certain: RoaringBitmap,
    /// Who may be in it: those who are for certain, and those that have to be looked at.
    pub possible: RoaringBitmap,
}

impl Answer {
    /// Gives whom to look at.
    pub fn open(&self) -> RoaringBitmap {
        &self.possible - &self.certain
    }

    fn exactly(set: RoaringBitmap) -> Self {
        Self { certain: set.clone(), possible: set }
    }
}

/// Says why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E> {
    /// The table failed.
    #[error("the table failed")]
    Table(#[source] E),
    /// What starts like this, or any term of a field, has more than [`MAX_WALKED_ITEMS`].
    #[error("more than {MAX_WALKED_ITEMS} items would have to be read")]
    TooManyItems,
    /// What lies there is not of the index.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Is one thing to query in every slab.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Live,
    Terms {
        field: u16,
        start: Vec<u8>,
    },
    /// All terms of values, each by itself.
    Values {
        field: u16,
    },
    Column {
        field: u16,
    },
}

impl Part {
    fn of_term(field: u16, term: &Term) -> Self {
        Self::Terms { field, start: term.prefix() }
    }

    fn of_start(field: u16, term: &Term) -> Self {
        Self::Terms { field, start: term.as_bytes().to_vec() }
    }
}

/// Holds what was read for a question, and for the order of its answer.
#[derive(Debug, Default)]
pub struct Answers {
    live: RoaringBitmap,
    sets: BTreeMap<Part, RoaringBitmap>,
    values: BTreeMap<u16, BTreeMap<Vec<u8>, RoaringBitmap>>,
    columns: BTreeMap<u16, Column>,
    addresses: BTreeMap<AddressTest, RoaringBitmap>,
    is_to_the_step: bool,
}

/// Reads one tenant's index.
#[derive(Debug)]
pub struct Reader<'a, T> {
    table: &'a T,
    generation: Generation,
    slabs: u16,
}

impl<'a, T: IndexTable> Reader<'a, T> {
    /// Reads from a table. `slabs` is how many there are: up to that of the highest ordinal.
    pub fn new(table: &'a T, generation: Generation, slabs: u16) -> Self {
        Self { table, generation, slabs }
    }

    /// Reads what questions need, each thing once, all at the same time; and what orders go by.
    ///
    /// # Errors
    /// When a query fails.
    pub async fn read(
        &self,
        questions: impl IntoIterator<Item = &Question>,
        sorts: impl IntoIterator<Item = Sort>,
    ) -> Result<Answers, ReadError<T::Error>> {
        let mut parts = BTreeSet::from([Part::Live]);
        questions.into_iter().for_each(|question| question.parts(&mut parts));
        parts.extend(sorts.into_iter().map(|Sort { field, is_text, .. }| {
            if is_text { Part::Values { field } } else { Part::Column { field } }
        }));
        let wave: Vec<(&Part, u16)> =
            parts.iter().flat_map(|part| (0..self.slabs).map(move |slab| (part, slab))).collect();
        // Collected first: as a lazy stream the borrowing futures would not be provably `Send`.
        let queries: Vec<_> = wave.into_iter().map(|(part, slab)| self.query(part, slab)).collect();
        let mut results = stream::iter(queries).buffer_unordered(QUERIES_AT_ONCE);
        let mut answers = Answers::default();
        let mut walked: BTreeMap<&Part, usize> = BTreeMap::new();
        while let Some((part, slab, items)) = results.try_next().await? {
            if part.is_walked() {
                let walked = walked.entry(part).or_default();
                *walked += items.len();
                if *walked > MAX_WALKED_ITEMS {
                    return Err(ReadError::TooManyItems);
                }
            }
            match part {
                Part::Live => sets::add(&mut answers.live, slab, &items)?,
                Part::Terms { .. } => {
                    sets::add(answers.sets.entry(part.clone()).or_default(), slab, &items)?;
                }
                Part::Values { field } => {
                    sets::add_each(answers.values.entry(*field).or_default(), slab, &items)?;
                }
                Part::Column { field } => {
                    answers.columns.entry(*field).or_default().add(slab, &items)?;
                }
            }
        }
        Ok(answers)
    }

    /// Reads who was told to be in a segment.
    ///
    /// # Errors
    /// When a query fails.
    pub async fn members(&self, segment: u16) -> Result<RoaringBitmap, ReadError<T::Error>> {
        let partition = |slab| self.generation.partition(Kind::Members, segment, slab);
        let slabs: Vec<_> = (0..self.slabs).map(|slab| (slab, partition(slab))).collect();
        let queries: Vec<_> = slabs
            .iter()
            .map(|(slab, partition)| async move {
                self.table.query(partition, &[], usize::MAX).await.map(|items| (*slab, items))
            })
            .collect();
        let mut results = stream::iter(queries).buffer_unordered(QUERIES_AT_ONCE);
        let mut members = RoaringBitmap::new();
        while let Some((slab, items)) = results.try_next().await.map_err(ReadError::Table)? {
            gather(&mut members, slab, &items)?;
        }
        Ok(members)
    }

    async fn query<'p>(
        &self,
        part: &'p Part,
        slab: u16,
    ) -> Result<(&'p Part, u16, Vec<Found>), ReadError<T::Error>> {
        let (kind, field, start) = match part {
            Part::Live => (Kind::Live, 0, Vec::new()),
            Part::Terms { field, start } => (Kind::Terms, *field, start.clone()),
            Part::Values { field } => (Kind::Terms, *field, Term::values()),
            Part::Column { field } => (Kind::Column, *field, Vec::new()),
        };
        let partition = self.generation.partition(kind, field, slab);
        let most = if part.is_walked() { MAX_WALKED_ITEMS } else { usize::MAX };
        let items = self.table.query(&partition, &start, most).await.map_err(ReadError::Table)?;
        Ok((part, slab, items))
    }
}

impl Question {
    /// Asks for everybody.
    pub fn everybody() -> Self {
        Self::All(Vec::new())
    }

    /// Asks for nobody.
    pub fn nobody() -> Self {
        Self::Any(Vec::new())
    }

    /// Leaves open who in this is meant.
    pub fn perhaps(question: Self) -> Self {
        Self::Perhaps(Box::new(question))
    }

    /// Is about what the index knows nothing of.
    pub fn unknown() -> Self {
        Self::perhaps(Self::everybody())
    }

    fn parts(&self, parts: &mut BTreeSet<Part>) {
        match self {
            Self::All(questions) | Self::Any(questions) => {
                questions.iter().for_each(|question| question.parts(parts));
            }
            Self::Not(question) | Self::Perhaps(question) | Self::AlmostExactly(question) => {
                question.parts(parts);
            }
            Self::Term(field, term) => {
                parts.insert(Part::of_term(*field, term));
            }
            Self::StartsWith(field, term) => {
                parts.insert(Part::of_start(*field, term));
            }
            Self::Value(field, _) => {
                parts.insert(Part::Values { field: *field });
            }
            Self::Number(field, _) | Self::HasNumber(field) => {
                parts.insert(Part::Column { field: *field });
            }
            Self::Ordinals(_) | Self::Address(_) => {}
        }
    }
}

impl Part {
    /// Tells whether there is no bound on its items but that of the tenant's different values.
    fn is_walked(&self) -> bool {
        match self {
            Self::Live | Self::Column { .. } => false,
            Self::Values { .. } => true,
            Self::Terms { start, .. } => start.last() != Some(&0),
        }
    }
}

impl Answers {
    /// Answers a question that was read for.
    pub fn to(&self, question: &Question) -> Answer {
        let set = |part: &Part| self.sets.get(part).map(|set| set & &self.live).unwrap_or_default();
        let column = |field: &u16| self.columns.get(field);
        match question {
            Question::All(questions) => {
                questions.iter().fold(Answer::exactly(self.live.clone()), |all, question| {
                    let Answer { certain, possible } = self.to(question);
                    Answer { certain: all.certain & certain, possible: all.possible & possible }
                })
            }
            Question::Any(questions) => {
                questions.iter().fold(Answer::exactly(RoaringBitmap::new()), |any, question| {
                    let Answer { certain, possible } = self.to(question);
                    Answer { certain: any.certain | certain, possible: any.possible | possible }
                })
            }
            Question::Not(question) => {
                let Answer { certain, possible } = self.to(question);
                Answer { certain: &self.live - possible, possible: &self.live - certain }
            }
            Question::Perhaps(question) => {
                Answer { certain: RoaringBitmap::new(), possible: self.to(question).possible }
            }
            Question::Term(field, term) => Answer::exactly(set(&Part::of_term(*field, term))),
            Question::StartsWith(field, term) => Answer::exactly(set(&Part::of_start(*field, term))),
            Question::Value(field, test) => self.with_value(*field, test),
            Question::Number(field, test) => {
                let passing = column(field).map(|column| column.passing(test) & &self.live);
                Answer::exactly(passing.unwrap_or_default())
            }
            Question::HasNumber(field) => {
                let present = column(field).map(|column| column.present() & &self.live);
                Answer::exactly(present.unwrap_or_default())
            }
            Question::Ordinals(ordinals) => Answer::exactly(ordinals & &self.live),
            Question::AlmostExactly(question) => {
                let Answer { certain, possible } = self.to(question);
                let certain = if self.is_to_the_step { certain } else { RoaringBitmap::new() };
                Answer { certain, possible }
            }
            Question::Address(test) => match self.addresses.get(test) {
                Some(passing) => Answer::exactly(passing & &self.live),
                None => Answer { certain: RoaringBitmap::new(), possible: self.live.clone() },
            },
        }
    }

    fn with_value(&self, field: u16, test: &Predicate<str>) -> Answer {
        let mut answer = Answer::exactly(RoaringBitmap::new());
        for (term, ordinals) in self.values.get(&field).into_iter().flatten() {
            match Term::whole_value(term) {
                Some(value) if !test.holds(value) => {}
                Some(_) => answer.certain |= ordinals,
                None => answer.possible |= ordinals,
            }
        }
        answer.certain &= &self.live;
        answer.possible = (answer.possible & &self.live) | &answer.certain;
        answer
    }

    /// Takes moments as exact to the minute, or second, from here on: see [`Question::AlmostExactly`].
    pub fn to_the_step(&mut self) {
        self.is_to_the_step = true;
    }

    /// Gives everybody.
    pub fn live(&self) -> &RoaringBitmap {
        &self.live
    }
}
