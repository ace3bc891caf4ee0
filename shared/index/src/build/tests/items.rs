//! What is written, item by item, and what it costs.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use roaring::RoaringBitmap;

use crate::testing::Table;
use crate::{
    Block, Cell, Contacts, Facts, Generation, IndexedFields, Item, ItemKey, Kind, SetPlace, Term, WholeSet,
    Writer,
};

const GENERATION: Generation = Generation { tenant: [4; 16], number: 0 };
const WORDS: u16 = 1;
const SCORE: u16 = 2;

fn key(kind: Kind, field: u16, sort: Vec<u8>) -> ItemKey {
    ItemKey { partition: GENERATION.partition(kind, field, 0), sort }
}

fn spoil(table: &Table, key: ItemKey, data: Vec<u8>) {
    table.items.lock().unwrap().insert(key, Item { data, nonce: [7; 8] });
}

/// Everybody below a number, with the same facts each time.
struct People {
    count: u32,
    facts: fn(u32) -> Facts,
    reads: AtomicUsize,
}

impl People {
    fn new(count: u32, facts: fn(u32) -> Facts) -> Self {
        Self { count, facts, reads: AtomicUsize::new(0) }
    }
}

impl Contacts for People {
    type Error = Infallible;

    async fn facts(&self, ordinal: u32) -> Result<Option<Facts>, Infallible> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok((ordinal < self.count).then(|| (self.facts)(ordinal)))
    }
}

fn with(word: &str, score: u32) -> Facts {
    Facts { terms: [(WORDS, Term::value(word))].into(), columns: [(SCORE, f64::from(score))].into() }
}

fn fields() -> IndexedFields {
    IndexedFields { terms: [WORDS].into(), columns: [SCORE].into() }
}

fn container() -> Block {
    Block::container(0)
}

/// Twelve fields as of people in companies: names from long lists, companies of twenty.
fn lead(ordinal: u32) -> Facts {
    let mixed =
        |field: u32| (ordinal.wrapping_mul(2_654_435_761) ^ field.wrapping_mul(97)).rotate_left(field * 5);
    // As names go, the first of a list are far more frequent than the last.
    let frequent = |field: u32, count: u32| {
        let share = f64::from(mixed(field)) / f64::from(u32::MAX);
        (share.powi(3) * f64::from(count)) as u32
    };
    let term = |field: u16, number: u32| (field, Term::value(&format!("some value {number}")));
    let terms = [
        term(1, frequent(1, 3_000)),
        term(2, frequent(2, 20_000)),
        term(3, ordinal / 20),
        term(4, frequent(4, 1_000)),
        term(5, mixed(5) % 30),
        term(6, frequent(6, 60)),
        term(7, frequent(7, 2_000)),
        term(8, mixed(8) % 5),
        term(9, mixed(9) % 8),
    ];
    let columns = [
        (10, f64::from(mixed(10) % 100)),
        (11, f64::from(29_000_000 + ordinal / 10)),
        (12, f64::from(29_000_000 + mixed(12) % 500_000)),
    ];
    Facts { terms: terms.into(), columns: columns.into() }
}

#[test]
fn an_imported_container_takes_less_than_one_write_unit_and_one_read_of_each_contact() {
    let (table, people) = (Table::default(), People::new(65_536, lead));
    let fields = IndexedFields { terms: (1..=9).collect(), columns: (10..=12).collect() };
    let writer = Writer::new(&table, &people, GENERATION);
    assert_eq!(block_on(writer.build(container(), &fields, &[])).unwrap(), 65_536);
    assert_eq!(people.reads.load(Ordering::Relaxed), 65_536);
    let units = table.write_units.load(Ordering::Relaxed);
    assert!(units < 65_536 / 2, "{units} write units");

    // Whoever comes again writes nothing.
    block_on(writer.build(container(), &fields, &[])).unwrap();
    assert_eq!(table.write_units.load(Ordering::Relaxed), units);
}

#[test]
fn a_few_contacts_are_built_by_what_is_remembered_without_reading_all_terms_of_the_container() {
    let (table, people) = (Table::default(), People::new(1_000, |ordinal| with("x", ordinal)));
    let writer = Writer::new(&table, &people, GENERATION);
    let known: Vec<(u32, Facts)> = (0..100).map(|ordinal| (ordinal, with("x", 0))).collect();
    block_on(writer.build(Block::new(0, 99).unwrap(), &fields(), &known)).unwrap();
    assert_eq!(people.reads.load(Ordering::Relaxed), 100);
    assert_eq!(table.queried_bytes.load(Ordering::Relaxed), 0);
    // Live, the word, and the one block of scores.
    assert_eq!(table.write_units.load(Ordering::Relaxed), 3);
}

#[test]
fn a_dense_set_is_written_split_at_once_and_one_that_grew_from_a_list_too() {
    let people = People::new(5_000, |ordinal| with("x", ordinal % 7));
    for has_list in [false, true] {
        let table = Table::default();
        let whole = SetPlace { container: 0, sub: None }.key_of(&Term::value("x"));
        if has_list {
            let list = WholeSet::List(vec![3, 60_000]);
            spoil(&table, key(Kind::Terms, WORDS, whole.clone()), list.encode());
        }
        let writer = Writer::new(&table, &people, GENERATION);
        block_on(writer.build(Block::new(0, 9_999).unwrap(), &fields(), &[])).unwrap();
        assert_eq!(
            table.items.lock().unwrap()[&key(Kind::Terms, WORDS, whole)].data,
            WholeSet::Split.encode()
        );
        let audit = block_on(writer.audit(container(), &fields())).unwrap();
        // Nobody has the ordinal behind the block, whose bit was left alone.
        assert_eq!((audit.differences.len(), audit.garbage.len()), (0, usize::from(has_list)));
        // Live and the word: two sub-containers each, and the mark; ten blocks of scores.
        let all_subs = if has_list { 16 + 2 } else { 2 };
        assert_eq!(table.write_units.load(Ordering::Relaxed), (2 + 1) + (all_subs + 1) + 10);
    }
}

#[test]
fn an_audit_tells_what_is_wrong_with_whom_and_a_repair_rights_just_that() {
    let people = People::new(2_000, |ordinal| with(if ordinal < 10 { "rare" } else { "common" }, ordinal));
    let table = Table::default();
    let writer = Writer::new(&table, &people, GENERATION);
    block_on(writer.build(container(), &fields(), &[])).unwrap();

    let rare = Term::value("rare");
    let place = SetPlace { container: 0, sub: None };
    // Five and six are missing, eleven is too much, and 9,999 is nobody.
    let list = WholeSet::List(vec![0, 1, 2, 3, 4, 7, 8, 9, 11, 9_999]);
    spoil(&table, key(Kind::Terms, WORDS, place.key_of(&rare)), list.encode());
    let ghosts = WholeSet::List(vec![12, 9_999]);
    spoil(&table, key(Kind::Terms, WORDS, place.key_of(&Term::value("old"))), ghosts.encode());
    // The second half of who is live cannot be read, nor can a block of scores.
    let live = SetPlace { container: 0, sub: Some(0) }.key();
    spoil(&table, key(Kind::Live, 0, live), vec![b'?']);
    spoil(&table, key(Kind::Column, SCORE, vec![0, 1]), vec![1, 2, 3]);
    spoil(&table, key(Kind::Terms, WORDS, vec![1, 2, 3]), vec![]);

    let audit = block_on(writer.audit(container(), &fields())).unwrap();
    let set = |ordinals: &[u32]| ordinals.iter().copied().collect::<RoaringBitmap>();
    let found: Vec<_> = audit.differences.iter().map(|found| found.cell.clone()).collect();
    let word = |word: &str| Cell::Term(WORDS, Term::value(word));
    assert_eq!(found, [Cell::Live, word("old"), word("rare"), Cell::Column(SCORE)]);
    let [live, old, rare, scores] = &audit.differences[..] else { panic!() };
    assert!(live.is_unreadable && live.missing == (0..2_000).collect());
    assert!(old.missing.is_empty() && old.extra == set(&[12]));
    assert!(rare.missing == set(&[5, 6]) && rare.extra == set(&[11]) && !rare.is_unreadable);
    assert!(scores.is_unreadable && scores.missing == (512..1_024).collect());
    let garbage: Vec<_> =
        audit.garbage.iter().map(|found| (found.cell.clone(), found.extra.clone())).collect();
    assert_eq!(garbage, [(word("old"), set(&[9_999])), (word("rare"), set(&[9_999]))]);
    assert_eq!((audit.contacts, audit.strange_keys), (2_000, 1));
    assert_eq!(block_on(writer.audit_again(&audit)).unwrap(), audit);

    let units = table.write_units.load(Ordering::Relaxed);
    block_on(writer.repair(&audit)).unwrap();
    assert_eq!(table.write_units.load(Ordering::Relaxed), units + 4);
    let audit = block_on(writer.audit(container(), &fields())).unwrap();
    assert!(audit.differences.is_empty() && audit.garbage.is_empty());
}

#[test]
fn a_set_of_which_nobody_can_tell_whether_it_is_split_is_written_afresh() {
    let (table, people) = (Table::default(), People::new(2_000, |_| with("x", 0)));
    let writer = Writer::new(&table, &people, GENERATION);
    let whole = SetPlace { container: 0, sub: None }.key_of(&Term::value("x"));
    spoil(&table, key(Kind::Terms, WORDS, whole), vec![b'?']);
    let part = block_on(writer.build(Block::new(0, 9_999).unwrap(), &fields(), &[]));
    assert!(part.is_err(), "a part of the ordinals is not enough");
    block_on(writer.build(container(), &fields(), &[])).unwrap();
    assert!(block_on(writer.audit(container(), &fields())).unwrap().is_clean());
}

#[test]
fn containers_go_up_to_the_last_ordinal_and_blocks_stay_in_one() {
    assert_eq!(Block::all(0).count(), 0);
    assert_eq!(Block::all(65_536).count(), 1);
    assert_eq!(Block::all(65_537).last(), Block::new(65_536, 131_071));
    assert_eq!(*Block::container(u32::MAX).ordinals().end(), u32::MAX);
    assert_eq!(Block::new(65_535, 65_536), None);
}

#[test]
fn work_may_go_from_thread_to_thread() {
    fn is_send(_: &impl Send) {}
    let (table, people, fields) = (Table::default(), People::new(0, |_| Facts::default()), fields());
    let writer = Writer::new(&table, &people, GENERATION);
    let audit = crate::Audit::default();
    is_send(&writer.build(container(), &fields, &[]));
    is_send(&writer.audit(container(), &fields));
    is_send(&writer.audit_again(&audit));
    is_send(&writer.repair(&audit));
    is_send(&writer.apply(&[]));
}
