//! Questions about addresses, of which the index has the start and the domain.

use std::collections::BTreeMap;

use model::rule::TextTest;

use super::text::{any_of, text};
use super::{EMAIL_DOMAIN, EMAIL_START, email_start, odd_email};
use crate::Question;

/// Asks for whoever has an address whose normal form passes. Of odd addresses that is another one.
pub(super) fn question(test: &TextTest, addresses: &BTreeMap<String, u32>) -> Question {
    let question = match test {
        TextTest::OneOf(forms) => {
            Question::Ordinals(forms.iter().filter_map(|form| addresses.get(form)).copied().collect())
        }
        TextTest::StartsWith(start) => starts_with(start),
        TextTest::EndsWith(end) => match end.split_once('@') {
            None => text(EMAIL_DOMAIN, test),
            Some((name, domain)) => {
                part_of(name, text(EMAIL_DOMAIN, &TextTest::OneOf([domain.to_owned()].into())))
            }
        },
        TextTest::Contains(part) => match part.split_once('@') {
            None => Question::unknown(),
            Some((name, start)) => part_of(name, text(EMAIL_DOMAIN, &TextTest::StartsWith(start.to_owned()))),
        },
    };
    any_of([question, Question::perhaps(Question::Term(EMAIL_START, odd_email()))])
}

/// Leaves open what a name that ends with this leaves open.
fn part_of(name: &str, question: Question) -> Question {
    if name.is_empty() { question } else { Question::perhaps(question) }
}

/// Asks for whoever has an address that starts like this.
pub(super) fn starts_with(start: &str) -> Question {
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
    Question::perhaps(Question::All([start].into_iter().chain(domain).collect()))
}
