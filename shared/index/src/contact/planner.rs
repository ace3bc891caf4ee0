//! From a rule to a question of the index.
//!
//! The index answers most conditions itself. Where it knows less than the contacts do, the question
//! says [`Question::Perhaps`] around a superset.

use std::collections::{BTreeMap, BTreeSet};

use model::rule::text::Piece;
use model::rule::{Bound, Leaf, Moment, Node, SetTest, Source, StandardField, Test, TextTest, Value};
use model::{AttributeType, ContactId, IdKey, ListNumber, Status, Tier};

use super::column::{column, number_ranges};
use super::text::{any_of, text, value};
use super::{
    COMPANY, CREATED_AT, FIRST_NAME, Flag, JOB_TITLE, LAST_NAME, LISTS, PHONE_END, SCORE, STATUS, TAGS,
    WORDS, attribute, email, engaged, engagements, list_term, phone_end,
};
use crate::{NumberTest, Predicate, Question, Term};

/// Above this one walk over all postings of the field is cheaper than a query for each list.
const LISTS_ASKED_SINGLY: usize = 16;

/// Turns rules of one tenant into questions.
#[derive(Debug)]
pub struct Planner<'a> {
    /// Finds the ordinal in an id.
    pub id_key: &'a IdKey,
    /// The ordinals of the contacts at the addresses that the rule asks for whole: see
    /// [`Planner::emails`].
    pub addresses: &'a BTreeMap<String, u32>,
}

impl Planner<'_> {
    /// Gives the addresses that a rule compares whole ones with. A look at each is cheaper than the
    /// postings that would find them.
    pub fn emails(rule: &Bound) -> Vec<&str> {
        let mut emails = Vec::new();
        add_emails(&rule.node, &mut emails);
        emails
    }

    /// Gives the question that a rule is.
    pub fn question(&self, rule: &Bound) -> Question {
        self.node(&rule.node, &rule.moment)
    }

    fn node(&self, node: &Node, moment: &Moment) -> Question {
        let all = |nodes: &[Node]| nodes.iter().map(|node| self.node(node, moment)).collect();
        match node {
            Node::All(nodes) => Question::All(all(nodes)),
            Node::Any(nodes) => Question::Any(all(nodes)),
            Node::Not(node) => not(self.node(node, moment)),
            Node::Segment(segment) => self.node(&segment.1, moment),
            Node::Leaf(leaf) => {
                let question = self.test(leaf, moment);
                if leaf.is_negated { not(question) } else { question }
            }
        }
    }

    /// Gives the question whether the value passes the test.
    fn test(&self, leaf: &Leaf, moment: &Moment) -> Question {
        let test = &leaf.test;
        match leaf.source {
            Source::Standard(field) => self.standard(field, leaf, moment),
            // Some of its contacts are not there yet.
            Source::Converting(..) => Question::unknown(),
            Source::Attribute(id) => match (attribute(id), id.kind) {
                (None, _) => Question::unknown(),
                (Some(field), AttributeType::Text | AttributeType::Boolean) => {
                    let has_value = Flag::of_attribute(id).map_or_else(Question::unknown, has);
                    match test {
                        Test::Text(test) => text(field, test),
                        Test::Boolean(wanted) => {
                            let is_true = Question::Term(field, Term::boolean(true));
                            let is_false = Question::All(vec![has_value, not(is_true.clone())]);
                            let both = [(true, is_true), (false, is_false)].into_iter();
                            any_of(
                                both.filter(|(value, _)| wanted.contains(value))
                                    .map(|(_, question)| question),
                            )
                        }
                        _ => has_value,
                    }
                }
                (Some(field), AttributeType::Number | AttributeType::Date) => column(field, leaf, moment),
            },
            Source::Unknown => Question::nobody(),
            Source::Words => match test {
                Test::Words(pieces) if !pieces.is_empty() => {
                    Question::All(pieces.iter().map(piece).collect())
                }
                _ => Question::nobody(),
            },
            Source::List(list) => on_list(list),
        }
    }

    fn standard(&self, field: StandardField, leaf: &Leaf, moment: &Moment) -> Question {
        use StandardField as F;
        let test = &leaf.test;
        let text_or = |number, flag: Flag| match test {
            Test::Text(test) => text(number, test),
            _ => has(flag),
        };
        match (field, test) {
            (
                F::Id
                | F::Email
                | F::Status
                | F::Tier
                | F::Score
                | F::Engagements(_)
                | F::CreatedAt
                | F::UpdatedAt,
                Test::Exists,
            ) => Question::everybody(),
            (F::Id, Test::Text(test)) => self.id(test),
            (F::Email, Test::Text(test)) => email::question(test, self.addresses),
            (F::FirstName, _) => text_or(FIRST_NAME, Flag::FIRST_NAME),
            (F::LastName, _) => text_or(LAST_NAME, Flag::LAST_NAME),
            (F::Company, _) => text_or(COMPANY, Flag::COMPANY),
            (F::JobTitle, _) => text_or(JOB_TITLE, Flag::JOB_TITLE),
            (F::Phone, Test::Text(test)) => phone(test),
            (F::Phone, _) => has(Flag::PHONE),
            (F::Status, _) => {
                any_of(Status::ALL.into_iter().filter(|s| holds(leaf, s.as_str(), moment)).map(status))
            }
            (F::Tier, _) => {
                let tiers = Tier::ALL.into_iter().filter(|tier| holds(leaf, tier.as_str(), moment));
                let wanted: Vec<Tier> = tiers.collect();
                let tiers = moment.tiers;
                let is_wanted = move |score: &f64| wanted.contains(&tiers.of(*score as i64));
                or_nought(SCORE, NumberTest::Passes(Predicate::new(is_wanted)))
            }
            (F::Score, Test::Number(test)) => or_nought(SCORE, NumberTest::Within(number_ranges(test))),
            (F::Engagements(kind), Test::Number(test)) => {
                or_nought(engagements(kind), NumberTest::Within(number_ranges(test)))
            }
            (F::Tags, Test::Tags(SetTest::Any(tags))) => any_of(tags.iter().map(|tag| value(TAGS, tag))),
            (F::Tags, Test::Tags(SetTest::All(tags))) => {
                let tags = tags.iter().map(|tag| value(TAGS, tag)).collect();
                Question::All(vec![has(Flag::TAGS), Question::All(tags)])
            }
            (F::Tags, _) => has(Flag::TAGS),
            (F::Lists, Test::Lists(SetTest::Any(lists))) => on_any_list(lists),
            (F::Lists, Test::Lists(SetTest::All(lists))) => {
                Question::All(lists.iter().copied().map(on_list).collect())
            }
            (F::LastEngaged(kind), _) => column(engaged(kind), leaf, moment),
            (F::CreatedAt, _) => column(CREATED_AT, leaf, moment),
            (F::Id | F::Email | F::Score | F::Engagements(_) | F::UpdatedAt | F::Lists, _) => {
                Question::unknown()
            }
        }
    }

    fn id(&self, test: &TextTest) -> Question {
        let TextTest::OneOf(ids) = test else { return Question::unknown() };
        let ids = ids.iter().filter_map(|id| ContactId::parse(id).ok());
        // Of an id that was never given the ordinal is somebody else's.
        Question::perhaps(Question::Ordinals(ids.map(|id| id.ordinal(self.id_key).0).collect()))
    }
}

fn add_emails<'r>(node: &'r Node, emails: &mut Vec<&'r str>) {
    match node {
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| add_emails(node, emails)),
        Node::Not(node) => add_emails(node, emails),
        Node::Segment(segment) => add_emails(&segment.1, emails),
        Node::Leaf(Leaf {
            source: Source::Standard(StandardField::Email),
            test: Test::Text(TextTest::OneOf(forms)),
            ..
        }) => emails.extend(forms.iter().map(String::as_str)),
        Node::Leaf(_) => {}
    }
}

pub(super) fn not(question: Question) -> Question {
    Question::Not(Box::new(question))
}

fn on_list(list: ListNumber) -> Question {
    Question::Term(LISTS, list_term(list))
}

/// Asks for each of a few lists, and of many for all postings of the field at once.
fn on_any_list(lists: &BTreeSet<ListNumber>) -> Question {
    if lists.len() <= LISTS_ASKED_SINGLY {
        return any_of(lists.iter().copied().map(on_list));
    }
    let numbers: BTreeSet<String> = lists.iter().map(|list| list.0.to_string()).collect();
    Question::Value(LISTS, Predicate::new(move |number: &str| numbers.contains(number)))
}

fn has(flag: Flag) -> Question {
    let is_set = Predicate::new(move |flags: &f64| flag.is_in(*flags));
    Question::Number(flag.column(), NumberTest::Passes(is_set))
}

/// Tells whether a positive condition holds of a text.
fn holds(leaf: &Leaf, text: &str, moment: &Moment) -> bool {
    Leaf { is_negated: false, ..leaf.clone() }.holds(Some(&Value::Text(text.into())), moment)
}

fn status(status: Status) -> Question {
    let term = |status: Status| Question::Term(STATUS, Term::value(status.as_str()));
    match status {
        // It has no posting, because nearly everybody has it.
        Status::Active => {
            not(any_of(Status::ALL.into_iter().filter(|status| *status != Status::Active).map(term)))
        }
        other => term(other),
    }
}

fn phone(test: &TextTest) -> Question {
    match test {
        TextTest::OneOf(forms) => {
            any_of(forms.iter().map(|form| Question::perhaps(value(PHONE_END, phone_end(form).0))))
        }
        TextTest::EndsWith(end) => {
            let (cut, is_all) = phone_end(end);
            let question = text(PHONE_END, &TextTest::EndsWith(cut.to_owned()));
            if is_all { question } else { Question::perhaps(question) }
        }
        TextTest::Contains(_) | TextTest::StartsWith(_) => Question::perhaps(has(Flag::PHONE)),
    }
}

/// Asks about the score or a counter: who has none in the index has nought.
fn or_nought(field: u16, test: NumberTest) -> Question {
    let of_nought = test.holds(0.0).then(|| not(Question::HasNumber(field)));
    any_of([Question::Number(field, test)].into_iter().chain(of_nought))
}

/// Asks for a piece of bare words: all its words, or the start of the address.
fn piece(piece: &Piece) -> Question {
    let starts = |field, word: &str| text(field, &TextTest::StartsWith(word.to_owned()));
    let word =
        |word: &String| any_of([FIRST_NAME, LAST_NAME, COMPANY, WORDS].map(|field| starts(field, word)));
    let words = (!piece.words.is_empty()).then(|| Question::All(piece.words.iter().map(word).collect()));
    any_of(words.into_iter().chain([email::starts_plain(&piece.email)]))
}
