//! Random contacts through the writer, random questions through the reader, and what counting by
//! hand gives.

use std::ops::{Bound, RangeBounds};

use futures::executor::block_on;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::testing::{Nobody, Table};
use crate::{Change, Facts, Writer};

const GENERATION: Generation = Generation { tenant: [9; 16], number: 3 };
const WORDS: u16 = 1;
const SCORE: u16 = 2;
/// Has one value at most.
const NAME: u16 = 3;

type People = BTreeMap<u32, Facts>;

fn facts() -> impl Strategy<Value = Facts> {
    (vec("[ab]{1,3}", 0..3), proptest::option::of(-3i32..4)).prop_map(|(words, score)| Facts {
        terms: words
            .iter()
            .map(|word| (WORDS, Term::value(word)))
            .chain(words.first().map(|word| (NAME, Term::value(word))))
            .collect(),
        columns: score.map(|score| (SCORE, f64::from(score) / 2.0)).into_iter().collect(),
    })
}

/// People in a crowd that outgrows a list, and at the borders of containers and slabs.
fn people() -> impl Strategy<Value = People> {
    let ordinal =
        prop_oneof![0u32..700, 4_090u32..4_100, 65_530u32..65_540, 262_140u32..262_150, 524_280u32..524_290,];
    btree_map(ordinal, facts(), 0..700)
}

fn questions() -> impl Strategy<Value = Question> {
    let bound = || {
        let value = || (-4i32..5).prop_map(|value| f64::from(value) / 2.0);
        prop_oneof![
            Just(Bound::Unbounded),
            value().prop_map(Bound::Included),
            value().prop_map(Bound::Excluded)
        ]
    };
    let leaf = prop_oneof![
        "[ab]{1,3}".prop_map(|word| Question::Term(WORDS, Term::value(&word))),
        "[ab]{1,2}".prop_map(|word| Question::StartsWith(WORDS, Term::value(&word))),
        (bound(), bound(), any::<bool>()).prop_map(|(from, to, as_function)| {
            let range = (from, to);
            let test = match as_function {
                true => NumberTest::Passes(Predicate::new(move |number: &f64| range.contains(number))),
                false => NumberTest::Within(vec![range]),
            };
            Question::Number(SCORE, test)
        }),
        "[ab]{1,2}".prop_map(|end| {
            Question::Value(WORDS, Predicate::new(move |value: &str| value.ends_with(&end)))
        }),
        vec(0u32..700, 0..9).prop_map(|ordinals| Question::Ordinals(ordinals.into_iter().collect())),
        Just(Question::HasNumber(SCORE)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Question::All),
            vec(inner.clone(), 0..4).prop_map(Question::Any),
            inner.prop_map(|question| Question::Not(Box::new(question))),
            Just(Question::Perhaps(Box::new(Question::HasNumber(SCORE)))),
            "[ab]{1,2}".prop_map(|word| {
                Question::Perhaps(Box::new(Question::StartsWith(WORDS, Term::value(&word))))
            }),
        ]
    })
}

/// Says that some conditions are true only of every second person whom they may be true of, as a
/// condition that is not indexed may be.
fn holds(question: &Question, ordinal: u32, facts: &Facts) -> bool {
    let holds = |question: &Question, facts: &Facts| holds(question, ordinal, facts);
    match question {
        Question::Perhaps(question) => ordinal.is_multiple_of(2) && holds(question, facts),
        Question::All(questions) => questions.iter().all(|question| holds(question, facts)),
        Question::Any(questions) => questions.iter().any(|question| holds(question, facts)),
        Question::Not(question) => !holds(question, facts),
        Question::Term(field, term) => facts.terms.contains(&(*field, term.clone())),
        Question::StartsWith(field, start) => facts
            .terms
            .iter()
            .any(|(known, term)| known == field && term.as_bytes().starts_with(start.as_bytes())),
        Question::Value(field, test) => facts.terms.iter().any(|(known, term)| {
            known == field && Term::whole_value(term.as_bytes()).is_some_and(|value| test.holds(value))
        }),
        Question::Number(field, test) => facts.columns.get(field).is_some_and(|value| test.holds(*value)),
        Question::Ordinals(ordinals) => ordinals.contains(ordinal),
        Question::HasNumber(field) => facts.columns.contains_key(field),
        Question::AlmostExactly(_) | Question::Address(_) => unreachable!("none is made here"),
    }
}

fn indexed(batches: &[Vec<Change>]) -> Table {
    let table = Table::default();
    let writer = Writer::new(&table, &Nobody, GENERATION);
    batches.iter().for_each(|batch| block_on(writer.apply(batch)).unwrap());
    table
}

fn image(ordinal: u32, old: Option<&Facts>, new: &Facts) -> Change {
    Change::Image { ordinal, old: old.cloned(), new: new.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_answer_is_what_counting_by_hand_gives(
        before in people(),
        changed in vec((any::<prop::sample::Index>(), facts()), 0..40),
        questions in vec(questions(), 1..8),
        direction in prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)],
        limit in 1usize..60,
    ) {
        let mut people = before.clone();
        let mut changes: Vec<Change> = before.iter().map(|(ordinal, new)| image(*ordinal, None, new)).collect();
        let ordinals: Vec<u32> = before.keys().copied().collect();
        for (index, new) in changed.into_iter().filter(|_| !ordinals.is_empty()) {
            let ordinal = *index.get(&ordinals);
            changes.push(image(ordinal, people.get(&ordinal), &new));
            people.insert(ordinal, new);
        }
        let batches: Vec<Vec<Change>> = changes.chunks(150).map(<[Change]>::to_vec).collect();
        let table = indexed(&batches);
        let answers = block_on(Reader::new(&table, GENERATION, 3).read(&questions, [by(SCORE, direction), by(NAME, direction)])).unwrap();
        for question in &questions {
            let expected: Vec<u32> =
                people.iter().filter(|(ordinal, facts)| holds(question, **ordinal, facts)).map(|(ordinal, _)| *ordinal).collect();
            let known = answers.to(question);
            let mut answer = known.certain.clone();
            answer.extend(known.open().iter().filter(|ordinal| holds(question, *ordinal, &people[ordinal])));
            prop_assert_eq!(answer.iter().collect::<Vec<_>>(), expected.clone());

            let by_age: Vec<u32> = expected.iter().rev().copied().collect();
            prop_assert_eq!(walk(&answers, &answer, None, limit), by_age.clone());

            let name = |ordinal: &u32| people[ordinal].terms.iter().find(|(field, _)| *field == NAME).cloned();
            let (mut named, without): (Vec<u32>, Vec<u32>) =
                by_age.iter().copied().partition(|ordinal| name(ordinal).is_some());
            named.sort_by(|a, b| match direction {
                Direction::Ascending => name(a).cmp(&name(b)),
                Direction::Descending => name(b).cmp(&name(a)),
            });
            named.extend(without);
            prop_assert_eq!(walk(&answers, &answer, Some(by(NAME, direction)), limit), named);

            let score = |ordinal: &u32| people[ordinal].columns.get(&SCORE).copied();
            let (mut sorted, without): (Vec<u32>, Vec<u32>) =
                by_age.into_iter().partition(|ordinal| score(ordinal).is_some());
            sorted.sort_by(|a, b| match direction {
                Direction::Ascending => score(a).partial_cmp(&score(b)).unwrap(),
                Direction::Descending => score(b).partial_cmp(&score(a)).unwrap(),
            });
            sorted.extend(without);
            prop_assert_eq!(walk(&answers, &answer, Some(by(SCORE, direction)), limit), sorted);
        }
    }
}

fn by(field: u16, direction: Direction) -> Sort {
    Sort { field, direction, missing: None, is_text: field == NAME }
}

/// Reads page by page to the end.
fn walk(answers: &Answers, answer: &RoaringBitmap, sort: Option<Sort>, limit: usize) -> Vec<u32> {
    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let page = answers.page(answer, sort, after.as_ref(), limit);
        let Some(last) = page.last() else { return walked };
        after = Some(last.clone());
        walked.extend(page.iter().map(|key| key.ordinal));
    }
}

#[test]
fn a_dense_term_is_read_from_its_sub_containers_and_a_sparse_one_from_its_list() {
    let with = |word: &str| Facts { terms: [(WORDS, Term::value(word))].into(), ..Facts::default() };
    let changes: Vec<Change> =
        (0..2_000).map(|n| image(n, None, &with(if n % 100 == 0 { "rare" } else { "common" }))).collect();
    let table = indexed(&[changes]);
    let sizes = |word: &str| -> Vec<usize> {
        let partition = GENERATION.partition(Kind::Terms, WORDS, 0);
        let items = block_on(table.query(&partition, &Term::value(word).prefix(), usize::MAX)).unwrap();
        items.into_iter().map(|(_, data)| data.len()).collect()
    };
    assert_eq!(sizes("rare"), [41]);
    assert_eq!(sizes("common").len(), 17);
    assert!(sizes("common").into_iter().all(|size| size <= 513));
}
