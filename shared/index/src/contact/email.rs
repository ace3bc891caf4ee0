//! Questions about addresses, of which the index has the start and the domain; all of them lie in the
//! directory, which is read where that is cheaper than looking at contacts.

use std::collections::BTreeMap;

use model::rule::TextTest;

use super::text::{any_of, text};
use super::{EMAIL_DOMAIN, EMAIL_START, email_start, odd_email};
use crate::{AddressTest, Question};

/// Asks for whoever has an address whose normal form passes. Of odd addresses that is another one.
pub(super) fn question(test: &TextTest, addresses: &BTreeMap<String, u32>) -> Question {
    let (question, address) = match test {
        TextTest::OneOf(forms) => {
            let ordinals = forms.iter().filter_map(|form| addresses.get(form)).copied().collect();
            let odd = Question::perhaps(Question::Term(EMAIL_START, odd_email()));
            return any_of([Question::Ordinals(ordinals), odd]);
        }
        TextTest::StartsWith(start) => {
            let address = AddressTest::StartsWith(start.clone());
            (starts_with(start, address.clone()), address)
        }
        TextTest::EndsWith(end) => {
            let address = AddressTest::EndsWith(end.clone());
            let question = match end.split_once('@') {
                None => text(EMAIL_DOMAIN, test),
                Some((name, domain)) => {
                    part_of(name, text(EMAIL_DOMAIN, &TextTest::OneOf([domain.to_owned()].into())), &address)
                }
            };
            (question, address)
        }
        TextTest::Contains(part) => {
            let address = AddressTest::Contains(part.clone());
            let question = match part.split_once('@') {
                None => Question::Address(address.clone()),
                Some((name, start)) => {
                    part_of(name, text(EMAIL_DOMAIN, &TextTest::StartsWith(start.to_owned())), &address)
                }
            };
            (question, address)
        }
    };
    let odd = Question::Term(EMAIL_START, odd_email());
    any_of([question, Question::All(vec![odd, Question::Address(address)])])
}

/// Leaves it to the address where the index tells of its domain only.
fn part_of(name: &str, question: Question, address: &AddressTest) -> Question {
    if name.is_empty() {
        return question;
    }
    Question::All(vec![question, Question::Address(address.clone())])
}

/// Asks for whoever has an address that starts like this, as it is.
pub(super) fn starts_plain(start: &str) -> Question {
    starts_with(start, AddressTest::StartsPlain(start.to_owned()))
}

fn starts_with(start: &str, address: AddressTest) -> Question {
    // No address holds one, and in a key it would end the term.
    if start.contains('\0') {
        return Question::nobody();
    }
    let (term, is_all) = email_start(start);
    if is_all {
        return Question::StartsWith(EMAIL_START, term);
    }
    let domain = start.split_once('@').map(|(_, domain)| domain);
    let domain = domain.map(|domain| text(EMAIL_DOMAIN, &TextTest::StartsWith(domain.to_owned())));
    let start = Question::Term(EMAIL_START, term);
    Question::All([start].into_iter().chain(domain).chain([Question::Address(address)]).collect())
}
