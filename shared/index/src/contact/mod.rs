//! Contacts in the index: under which numbers their fields are, and what is known of each.
//!
//! | fields | in the index |
//! |---|---|
//! | names, company, job title, custom texts | the whole value as a term |
//! | further words of the names and the company | each as a term of [`WORDS`] |
//! | email | its first six bytes, and its domain |
//! | phone | its last four digits |
//! | status, tags, static lists | a term each; `active` is who has no other status |
//! | custom booleans | a term for true; false is who has a value and not that one |
//! | score, counters, custom numbers | the number; no score and no counter is nought |
//! | dates | the day |
//! | instants | the minute; of the creation the second |
//! | when decay changes the score next | the minute; nothing where it does not |
//! | which texts and booleans there are | a bit each in columns of [`PRESENCE`] |
//!
//! What is left open, such as the rest of an email or the seconds, the contacts tell: the planner
//! marks it. `updated_at` is not kept, because each write would pay for it, nor are custom fields
//! after the first [`INDEXED_ATTRIBUTES`]. Whether a field is kept follows from its number alone, so
//! that no writer has to know a list of fields that another one just changed.

mod column;
mod email;
mod facts;
mod planner;
mod sort;
mod subject;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Bound;

use chrono::{DateTime, Utc};
use model::{AttributeType, Engagement, FieldId, ListNumber};

use crate::{IndexedFields, NumberTest, Question, Term};

pub use planner::Planner;
pub use subject::Subject;

/// How many custom fields of a tenant, the oldest first, are indexed.
pub const INDEXED_ATTRIBUTES: u32 = 48;

pub(crate) const EMAIL_START: u16 = 1;
pub(crate) const EMAIL_DOMAIN: u16 = 2;
pub(crate) const FIRST_NAME: u16 = 3;
pub(crate) const LAST_NAME: u16 = 4;
pub(crate) const COMPANY: u16 = 5;
pub(crate) const JOB_TITLE: u16 = 6;
pub(crate) const PHONE_END: u16 = 7;
pub(crate) const STATUS: u16 = 8;
pub(crate) const TAGS: u16 = 9;
pub(crate) const WORDS: u16 = 10;
pub(crate) const SCORE: u16 = 11;
pub(crate) const CREATED_AT: u16 = 12;
pub(crate) const LISTS: u16 = 13;
pub(crate) const SCORE_CHANGES_AT: u16 = 14;
const ENGAGED: u16 = 16;
const ENGAGEMENTS: u16 = 20;
const PRESENCE: u16 = 32;
const ATTRIBUTES: u16 = 64;

/// So many flags of 512 contacts fit the one kilobyte that a write pays for.
const FLAGS_A_COLUMN: u16 = 14;

/// An address is indexed by so many bytes of its start: a posting for each whole one would cost an
/// import a unit a contact.
const EMAIL_START_BYTES: usize = 6;
const PHONE_END_BYTES: usize = 4;

/// Gives the number of the moment of an engagement.
pub(crate) fn engaged(kind: Engagement) -> u16 {
    ENGAGED + place(kind)
}

/// Gives the number of the counter of an engagement.
pub(crate) fn engagements(kind: Engagement) -> u16 {
    ENGAGEMENTS + place(kind)
}

fn place(kind: Engagement) -> u16 {
    match kind {
        Engagement::Opened => 0,
        Engagement::Clicked => 1,
        Engagement::Replied => 2,
        Engagement::Visited => 3,
    }
}

/// Gives the number of a custom field, unless it is not indexed.
pub(crate) fn attribute(id: FieldId) -> Option<u16> {
    (id.number < INDEXED_ATTRIBUTES).then_some(ATTRIBUTES + id.number as u16)
}

impl IndexedFields {
    /// Lists all that the index may have of contacts.
    pub fn of_contacts() -> Self {
        let attributes = || (0..INDEXED_ATTRIBUTES).map(|number| ATTRIBUTES + number as u16);
        let presence = PRESENCE..=Flag::LAST.column();
        let engaged = Engagement::ALL.into_iter().flat_map(|kind| [engaged(kind), engagements(kind)]);
        let columns = [SCORE, CREATED_AT, SCORE_CHANGES_AT].into_iter().chain(engaged).chain(presence);
        Self {
            terms: (EMAIL_START..=WORDS).chain([LISTS]).chain(attributes()).collect(),
            columns: columns.chain(attributes()).collect(),
        }
    }
}

impl Question {
    /// Asks for whose score decay changes by a moment, or within its minute.
    pub fn score_changes_by(moment: DateTime<Utc>) -> Self {
        let last = facts::step(SCORE_CHANGES_AT, moment) as f64;
        let by_then = (Bound::Unbounded, Bound::Included(last));
        Self::Number(SCORE_CHANGES_AT, NumberTest::Within(vec![by_then]))
    }
}

/// Says where it is noted that a contact has a value at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flag(u16);

impl Flag {
    pub(crate) const FIRST_NAME: Self = Self(0);
    pub(crate) const LAST_NAME: Self = Self(1);
    pub(crate) const COMPANY: Self = Self(2);
    pub(crate) const JOB_TITLE: Self = Self(3);
    pub(crate) const PHONE: Self = Self(4);
    pub(crate) const TAGS: Self = Self(5);
    const ATTRIBUTES: u16 = 6;
    const LAST: Self = Self(Self::ATTRIBUTES + INDEXED_ATTRIBUTES as u16 - 1);

    /// Gives the flag of a custom text or boolean that is indexed.
    pub(crate) fn of_attribute(id: FieldId) -> Option<Self> {
        let is_flagged = matches!(id.kind, AttributeType::Text | AttributeType::Boolean);
        attribute(id).filter(|_| is_flagged).map(|number| Self(number - ATTRIBUTES + Self::ATTRIBUTES))
    }

    /// Gives the number of the column that it is in.
    pub(crate) fn column(self) -> u16 {
        PRESENCE + self.0 / FLAGS_A_COLUMN
    }

    /// Gives what it adds to the number there.
    fn value(self) -> u64 {
        1 << (self.0 % FLAGS_A_COLUMN)
    }

    /// Tells whether it is part of a number.
    pub(crate) fn is_in(self, flags: f64) -> bool {
        flags as u64 & self.value() != 0
    }
}

/// Gives the term of the start of an address, or of what an address starts with.
pub(crate) fn email_start(email: &str) -> (Term, bool) {
    let start = email.floor_char_boundary(EMAIL_START_BYTES);
    let (start, rest) = email.split_at(start);
    (Term::value(start), rest.is_empty())
}

/// Gives the end of a phone number, and whether that is all of it.
pub(crate) fn phone_end(phone: &str) -> (&str, bool) {
    let cut = phone.ceil_char_boundary(phone.len().saturating_sub(PHONE_END_BYTES));
    (phone.split_at(cut).1, cut == 0)
}

/// Gives the term of who is on a static list.
pub(crate) fn list_term(list: ListNumber) -> Term {
    Term::value(&list.0.to_string())
}

/// Marks addresses of which the index does not tell what rules compare.
pub(crate) fn odd_email() -> Term {
    Term::present()
}
