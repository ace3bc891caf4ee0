//! Histories for tests: changes, deliveries, crashes and late writes in any order, by a scheduler that
//! lets a random task go one call further at a time.

mod tasks;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use futures::future::{BoxFuture, poll_fn};
use futures::task::noop_waker;
use model::Generations;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::writer::Target;
use crate::{
    Block, Change, ColumnBlock, Contacts, Facts, Found, Generation, IndexTable, IndexedFields, Item, ItemKey,
    Nonce, Place, SetBlock, Term, WholeSet, Writer,
};

/// Neighbours, and those behind the borders of a sub-container, a container and a slab.
const ORDINALS: [u32; 8] = [0, 1, 2, 3, 4, 4_096, 65_536, 262_144];
/// Those whose making is in no stream.
const IMPORTED: [u32; 6] = [8, 9, 10, 11, 511, 4_097];
/// What whoever builds or audits all of it goes through.
const BLOCKS: [(u32, u32); 3] = [(0, 4_097), (65_536, 65_536), (262_144, 262_144)];
const TERMS: [&str; 3] = ["a", "b", "c"];
/// Fields with terms, and fields with columns; the second of each becomes indexed while others write.
const TERM_FIELDS: [u16; 2] = [1, 3];
const COLUMN_FIELDS: [u16; 2] = [2, 4];
const LANES: usize = 2;
const CHANGES: usize = 20;
/// How old a reading of the meta item may be, in steps of the scheduler.
const CACHE: u64 = 300;
/// A list of two, three or four is split.
const MAX_ITEM_BYTES: [usize; 3] = [43, 45, 47];

/// What the index is to hold: of everybody who is or was, whether that is a contact, and its facts.
pub(crate) type Held = BTreeMap<u32, (bool, Facts)>;

/// Says what may go wrong besides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Troubles {
    /// Of so many batches one is lost.
    pub(crate) lost_batches: Option<usize>,
    /// Loaders may die and not come again.
    pub(crate) has_dying_loaders: bool,
}

/// Is what everybody knows a cache time later.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meta {
    /// From when on the further fields are indexed.
    late_fields: Option<u64>,
    pub(crate) generations: Generations,
}

/// Is what a process goes by for one batch or block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    meta: Meta,
    /// When it began.
    now: u64,
}

impl Known {
    fn written(self) -> impl Iterator<Item = Generation> {
        let numbers = self.meta.generations.written(self.now);
        numbers.map(|number| Generation { tenant: [1; 16], number })
    }

    fn fields(self) -> IndexedFields {
        let known = if self.meta.late_fields.is_some_and(|since| since <= self.now) { 2 } else { 1 };
        IndexedFields {
            terms: TERM_FIELDS.into_iter().take(known).collect(),
            columns: COLUMN_FIELDS.into_iter().take(known).collect(),
        }
    }

    /// Gives as much of the facts as is indexed.
    fn facts(self, facts: &Facts) -> Facts {
        let fields = self.fields();
        let mut facts = facts.clone();
        facts.terms.retain(|(field, _)| fields.terms.contains(field));
        facts.columns.retain(|field, _| fields.columns.contains(field));
        facts
    }
}

#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

struct State {
    rng: TestRng,
    troubles: Troubles,
    max_item_bytes: usize,
    now: u64,
    /// What the meta item was, and from when on.
    metas: Vec<(u64, Meta)>,
    truth: BTreeMap<u32, Facts>,
    /// On which lane a contact's records are: that of its address.
    lane_of: BTreeMap<u32, usize>,
    lanes: Vec<VecDeque<Change>>,
    is_over: bool,
    table: BTreeMap<ItemKey, Item>,
    /// Writes on their way: they take effect when the scheduler says so, also after whoever sent
    /// them is gone.
    sent: Vec<Sent>,
    answers: HashMap<u64, bool>,
    last_sent: u64,
}

struct Sent {
    id: u64,
    key: ItemKey,
    item: Item,
    seen: Option<Nonce>,
    is_late: bool,
}

impl State {
    fn below(&mut self, limit: usize) -> usize {
        (self.rng.next_u64() % limit as u64) as usize
    }

    fn facts(&mut self) -> Facts {
        let mut facts = Facts::default();
        for (term_field, column_field) in TERM_FIELDS.into_iter().zip(COLUMN_FIELDS) {
            let term = TERMS[self.below(TERMS.len())];
            if self.below(5) > 0 {
                facts.terms.insert((term_field, Term::value(term)));
            }
            if self.below(3) > 0 {
                facts.columns.insert(column_field, self.below(4) as f64);
            }
        }
        facts
    }

    fn meta(&self) -> Meta {
        self.metas.last().unwrap().1
    }

    /// Gives what some process knows that begins now: another one each time, with a reading of the
    /// meta item that is as old as it may be.
    fn known(&mut self) -> Known {
        let age = self.below(CACHE as usize) as u64;
        let read_at = self.now.saturating_sub(age);
        let meta = self.metas.iter().rfind(|(since, _)| *since <= read_at).unwrap().1;
        Known { meta, now: self.now }
    }

    fn change_meta(&mut self, change: impl FnOnce(Meta, u64) -> Meta) {
        let meta = change(self.meta(), self.now);
        self.metas.push((self.now, meta));
    }

    fn land(&mut self, number: usize) {
        let Sent { id, key, item, seen, .. } = self.sent.swap_remove(number);
        let is_unchanged = self.table.get(&key).map(|item| item.nonce) == seen;
        if is_unchanged {
            self.table.insert(key, item);
        }
        self.answers.insert(id, is_unchanged);
    }
}

impl World {
    pub(crate) fn new(seed: u64, troubles: Troubles) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(Arc::new(Mutex::new(State {
            rng: TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
            troubles,
            max_item_bytes: MAX_ITEM_BYTES[(seed % 3) as usize],
            now: 0,
            metas: vec![(0, Meta::default())],
            truth: BTreeMap::new(),
            lane_of: BTreeMap::new(),
            lanes: vec![VecDeque::new(); LANES],
            is_over: false,
            table: BTreeMap::new(),
            sent: Vec::new(),
            answers: HashMap::new(),
            last_sent: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Gives what everybody knows in the end.
    pub(crate) fn known(&self) -> Known {
        let state = self.state();
        Known { meta: state.meta(), now: state.now }
    }

    /// Gives the number of the generation that is read.
    pub(crate) fn current(&self) -> u8 {
        self.known().meta.generations.current
    }

    fn writer<'a>(&'a self, view: &'a View<'a>, generation: Generation) -> Writer<'a, Self, View<'a>> {
        // Both ways to read a block, the one as often as the other.
        let mut state = self.state();
        let min_queried_ordinals = if state.below(2) == 0 { 0 } else { u64::MAX };
        let writer = Writer::new(self, view, generation);
        Writer { max_item_bytes: state.max_item_bytes, min_queried_ordinals, ..writer }
    }

    /// Runs tasks to their ends, and then lets all writes land that are on their way.
    pub(crate) fn run(&self, mut tasks: Vec<BoxFuture<'static, ()>>) {
        let waker = noop_waker();
        while !tasks.is_empty() {
            let (task, landing) = {
                let mut state = self.state();
                state.now += 1;
                let sent = state.sent.len();
                let landing = (sent > 0 && state.below(2) == 0).then(|| state.below(sent));
                // Some are late: whoever waits for them gives up.
                let landing = landing.filter(|number| !state.sent[*number].is_late || state.below(200) == 0);
                (state.below(tasks.len()), landing)
            };
            if let Some(number) = landing {
                self.state().land(number);
            } else if tasks[task].as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                drop(tasks.swap_remove(task));
            }
        }
        loop {
            let mut state = self.state();
            let sent = state.sent.len();
            if sent == 0 {
                return;
            }
            let number = state.below(sent);
            state.land(number);
        }
    }

    /// Gives what the index should hold.
    pub(crate) fn expected(&self) -> Held {
        let known = self.known();
        self.state().truth.iter().map(|(ordinal, facts)| (*ordinal, (true, known.facts(facts)))).collect()
    }

    /// Reads the index as it lies there.
    pub(crate) fn indexed(&self, number: u8) -> Held {
        let state = self.state();
        let generation = Generation { tenant: [1; 16], number };
        let data =
            |target: &Target, sub| state.table.get(&target.key(&generation, sub)).map(|item| &item.data);
        let has = |ordinal: u32, term: Option<(u16, &str)>| {
            let Place { slab, container, sub, offset, .. } = Place::of(ordinal);
            let (field, term) = term.map_or((0, None), |(field, term)| (field, Some(Term::value(term))));
            let target = Target::Set { slab, field, term, container };
            match data(&target, None).map(|data| WholeSet::decode(data).unwrap()) {
                None => false,
                Some(WholeSet::List(offsets)) => offsets.contains(&offset),
                Some(WholeSet::Split) => data(&target, Some(sub))
                    .is_some_and(|data| SetBlock::decode(data).unwrap().contains(offset & 0x0FFF)),
            }
        };
        let number = |ordinal: u32, field: u16| {
            let Place { slab, chunk, value, .. } = Place::of(ordinal);
            let data = data(&Target::Column { slab, field, chunk }, None)?;
            ColumnBlock::decode(data).unwrap().get(value)
        };
        let held = |ordinal: u32| {
            let terms = TERM_FIELDS.iter().flat_map(|field| TERMS.map(|term| (*field, term)));
            let terms = terms.filter(|term| has(ordinal, Some(*term)));
            let numbers = COLUMN_FIELDS.iter().filter_map(|field| Some((*field, number(ordinal, *field)?)));
            let facts = Facts {
                terms: terms.map(|(field, term)| (field, Term::value(term))).collect::<BTreeSet<_>>(),
                columns: numbers.collect(),
            };
            (ordinal, (has(ordinal, None), facts))
        };
        let held = ORDINALS.into_iter().chain(IMPORTED).map(held);
        held.filter(|(_, held)| *held != (false, Facts::default())).collect()
    }
}

/// Is how one process sees the contacts: with the fields that it knows of.
pub(crate) struct View<'a> {
    world: &'a World,
    known: Known,
}

/// Lets others go on.
async fn step() {
    let mut was_here = false;
    poll_fn(|context| {
        if was_here {
            return Poll::Ready(());
        }
        was_here = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl IndexTable for World {
    type Error = Infallible;

    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, Infallible> {
        step().await;
        let item = self.state().table.get(key).cloned();
        step().await;
        Ok(item)
    }

    async fn query_strong(
        &self,
        partition: &[u8; 22],
        start: &[u8],
        is_wanted: impl Fn(&[u8]) -> bool + Send + Sync,
    ) -> Result<Vec<(Vec<u8>, Item)>, Infallible> {
        step().await;
        let mut found: Vec<(Vec<u8>, Item)> = Vec::new();
        loop {
            // As if each page had but few items.
            if self.state().below(3) == 0 {
                step().await;
            }
            let state = self.state();
            let sort = found.last().map_or(start.to_vec(), |(last, _)| [last, &[0][..]].concat());
            let next = state.table.range(ItemKey { partition: *partition, sort }..).next();
            let next = next.filter(|(key, _)| key.partition == *partition && key.sort.starts_with(start));
            let Some((key, item)) = next else { break };
            found.push((key.sort.clone(), item.clone()));
        }
        step().await;
        found.retain(|(sort, _)| is_wanted(sort));
        Ok(found)
    }

    async fn query(&self, partition: &[u8; 22], start: &[u8], _: usize) -> Result<Vec<Found>, Infallible> {
        let found = self.query_strong(partition, start, |_| true).await?;
        Ok(found.into_iter().map(|(sort, item)| (sort, item.data)).collect())
    }

    async fn remove(&self, keys: &[ItemKey]) -> Result<(), Infallible> {
        for key in keys {
            step().await;
            self.state().table.remove(key);
        }
        Ok(())
    }

    async fn put(&self, key: &ItemKey, item: Item, seen: Option<Nonce>) -> Result<bool, Infallible> {
        let id = {
            let mut state = self.state();
            state.last_sent += 1;
            let id = state.last_sent;
            let is_late = state.below(20) == 0;
            state.sent.push(Sent { id, key: key.clone(), item, seen, is_late });
            id
        };
        loop {
            step().await;
            if let Some(answer) = self.state().answers.remove(&id) {
                return Ok(answer);
            }
        }
    }

    async fn pause(&self, _attempt: u32) {
        step().await;
    }
}

impl Contacts for View<'_> {
    type Error = Infallible;

    async fn facts(&self, ordinal: u32) -> Result<Option<Facts>, Infallible> {
        step().await;
        let facts = self.world.state().truth.get(&ordinal).map(|facts| self.known.facts(facts));
        step().await;
        Ok(facts)
    }

    async fn facts_of_many(&self, ordinals: &[u32]) -> Result<Vec<Option<Facts>>, Infallible> {
        let mut all = Vec::new();
        for ordinal in ordinals {
            // Most are nobody, and never were.
            let is_known = ORDINALS.contains(ordinal) || IMPORTED.contains(ordinal);
            all.push(if is_known { self.facts(*ordinal).await? } else { None });
        }
        Ok(all)
    }
}

/// Gives the blocks in which there may be anybody.
pub(crate) fn blocks() -> impl Iterator<Item = Block> {
    BLOCKS.into_iter().filter_map(|(first, last)| Block::new(first, last))
}
