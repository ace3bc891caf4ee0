//! Addresses: the index has their start and their domain, the directory of slots has all of each.

use std::collections::{BTreeMap, BTreeSet};

use model::rule::text::normal_form;
use roaring::RoaringBitmap;

use super::{Answers, Question};

/// Is what has to be true of an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressTest {
    /// Its normal form as a text starts like this.
    StartsWith(String),
    /// Its normal form as a text ends like this.
    EndsWith(String),
    /// Its normal form as a text has this in it.
    Contains(String),
    /// It starts like this as it is.
    StartsPlain(String),
}

impl AddressTest {
    fn holds(&self, plain: &str, normal: &str) -> bool {
        match self {
            Self::StartsWith(start) => normal.starts_with(start.as_str()),
            Self::EndsWith(end) => normal.ends_with(end.as_str()),
            Self::Contains(part) => normal.contains(part.as_str()),
            Self::StartsPlain(start) => plain.starts_with(start.as_str()),
        }
    }
}

/// Gathers whose addresses pass tests, while the addresses come by.
#[derive(Debug)]
pub struct AddressBook(BTreeMap<AddressTest, RoaringBitmap>);

impl AddressBook {
    /// Takes the tests of a question; none where it has none.
    pub fn of(question: &Question) -> Option<Self> {
        let mut tests = BTreeSet::new();
        question.address_tests(&mut tests);
        let book: BTreeMap<_, _> =
            tests.into_iter().map(|test| (test.clone(), RoaringBitmap::new())).collect();
        (!book.is_empty()).then_some(Self(book))
    }

    /// Takes note of the address in the slot of an ordinal.
    pub fn see(&mut self, ordinal: u32, address: &str) {
        let normal = normal_form(address);
        for (test, passing) in &mut self.0 {
            if test.holds(address, &normal) {
                passing.insert(ordinal);
            }
        }
    }
}

impl Answers {
    /// Learns whose addresses pass.
    pub fn learn(&mut self, book: AddressBook) {
        self.addresses = book.0;
    }
}

impl Question {
    fn address_tests<'q>(&'q self, tests: &mut BTreeSet<&'q AddressTest>) {
        match self {
            Self::All(questions) | Self::Any(questions) => {
                questions.iter().for_each(|question| question.address_tests(tests));
            }
            Self::Not(question) | Self::Perhaps(question) | Self::AlmostExactly(question) => {
                question.address_tests(tests);
            }
            Self::Address(test) => {
                tests.insert(test);
            }
            Self::Term(..)
            | Self::StartsWith(..)
            | Self::Value(..)
            | Self::Number(..)
            | Self::HasNumber(_)
            | Self::Ordinals(_) => {}
        }
    }
}
