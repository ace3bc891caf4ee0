//! Histories: changes, deliveries, crashes and late writes in any order, by a scheduler that lets a
//! random task go one call further at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use futures::future::{BoxFuture, poll_fn};
use futures::task::noop_waker;
use proptest::prelude::*;
use proptest::test_runner::TestRng;

use super::*;
use crate::{ColumnBlock, Found, Place, SetBlock, Term, WholeSet};

/// Neighbours, and those behind the borders of a sub-container, a container and a slab.
const ORDINALS: [u32; 8] = [0, 1, 2, 3, 4, 4_096, 65_536, 262_144];
const TERMS: [&str; 3] = ["a", "b", "c"];
const TERM_FIELD: u16 = 1;
const COLUMN_FIELD: u16 = 2;
const LANES: usize = 2;
const CHANGES: usize = 20;
/// An invocation that waits longer has timed out.
const LONGEST_LIFE: usize = 400;
/// A list of four is split.
const MAX_ITEM_BYTES: usize = 47;

#[derive(Clone)]
struct World(Arc<Mutex<State>>);

struct State {
    rng: TestRng,
    truth: BTreeMap<u32, Facts>,
    /// On which lane a contact's records are: that of its address.
    lane_of: BTreeMap<u32, usize>,
    lanes: Vec<VecDeque<Change>>,
    is_over: bool,
    table: HashMap<ItemKey, Item>,
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
        let term = TERMS[self.below(TERMS.len())];
        let mut facts = Facts::default();
        if self.below(5) > 0 {
            facts.terms.insert((TERM_FIELD, Term::value(term)));
        }
        if self.below(3) > 0 {
            facts.columns.insert(COLUMN_FIELD, self.below(4) as f64);
        }
        facts
    }

    /// Changes a contact, and logs it on its lane.
    fn change(&mut self) {
        // Most of them about the same few.
        let few = if self.below(4) > 0 { 3 } else { ORDINALS.len() };
        let ordinal = ORDINALS[self.below(few)];
        let new = self.facts();
        let Some(old) = self.truth.get(&ordinal).cloned() else {
            // An ordinal is never used again.
            if !self.lane_of.contains_key(&ordinal) {
                let lane = self.below(LANES);
                self.lane_of.insert(ordinal, lane);
                self.truth.insert(ordinal, new.clone());
                self.lanes[lane].push_back(Change::Image { ordinal, old: None, new });
            }
            return;
        };
        let lane = self.lane_of[&ordinal];
        match self.below(8) {
            0 => {
                self.truth.remove(&ordinal);
                self.lanes[lane].push_back(Change::Reread { ordinal, known: old });
            }
            1 => {
                let other = (lane + 1) % LANES;
                self.lane_of.insert(ordinal, other);
                for lane in [lane, other] {
                    self.lanes[lane].push_back(Change::Reread { ordinal, known: old.clone() });
                }
            }
            _ => {
                self.truth.insert(ordinal, new.clone());
                self.lanes[lane].push_back(Change::Image { ordinal, old: Some(old), new });
            }
        }
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
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(Arc::new(Mutex::new(State {
            rng: TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &bytes),
            truth: BTreeMap::new(),
            lane_of: BTreeMap::new(),
            lanes: vec![VecDeque::new(); LANES],
            is_over: false,
            table: HashMap::new(),
            sent: Vec::new(),
            answers: HashMap::new(),
            last_sent: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Changes contacts.
    async fn people(self) {
        for _ in 0..CHANGES {
            self.state().change();
            step().await;
        }
        self.state().is_over = true;
    }

    /// Consumes one lane as an event source mapping does: what was not finished comes again, and
    /// sometimes what was.
    async fn consumer(self, lane: usize) {
        loop {
            let batch: Vec<Change> = {
                let mut state = self.state();
                let most = 1 + state.below(4);
                if state.lanes[lane].is_empty() && state.is_over {
                    return;
                }
                state.lanes[lane].iter().take(most).cloned().collect()
            };
            if batch.is_empty() {
                step().await;
                continue;
            }
            let generation = Generation { tenant: [1; 16], number: 0 };
            let writer = Writer { max_item_bytes: MAX_ITEM_BYTES, ..Writer::new(&self, &self, generation) };
            let is_done = self.crashing(writer.apply(&batch)).await;
            if is_done && self.state().below(10) > 0 {
                self.state().lanes[lane].drain(..batch.len());
            }
        }
    }

    /// Runs to the end, unless the process dies; what it has sent is on its way all the same.
    async fn crashing(&self, work: impl Future<Output = Result<(), NotApplied>>) -> bool {
        let mut work = std::pin::pin!(work);
        let mut lifetime = {
            let mut state = self.state();
            if state.below(3) == 0 { state.below(60) } else { LONGEST_LIFE }
        };
        poll_fn(|context| {
            lifetime = lifetime.saturating_sub(1);
            if lifetime == 0 {
                return Poll::Ready(false);
            }
            work.as_mut().poll(context).map(|applied| applied.is_ok())
        })
        .await
    }

    fn run(&self) {
        let mut tasks: Vec<BoxFuture<'static, ()>> = vec![Box::pin(self.clone().people())];
        tasks.extend((0..LANES).map(|lane| Box::pin(self.clone().consumer(lane)) as Pin<Box<_>>));
        let waker = noop_waker();
        while !tasks.is_empty() {
            let (task, landing) = {
                let mut state = self.state();
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

    /// Reads the index as it lies there.
    fn indexed(&self) -> BTreeMap<u32, Facts> {
        let state = self.state();
        let generation = Generation { tenant: [1; 16], number: 0 };
        let data =
            |target: &Target, sub| state.table.get(&target.key(&generation, sub)).map(|item| &item.data);
        let has = |ordinal: u32, term: Option<&str>| {
            let Place { slab, container, sub, offset, .. } = Place::of(ordinal);
            let field = if term.is_some() { TERM_FIELD } else { 0 };
            let target = Target::Set { slab, field, term: term.map(Term::value), container };
            match data(&target, None).map(|data| WholeSet::decode(data).unwrap()) {
                None => false,
                Some(WholeSet::List(offsets)) => offsets.contains(&offset),
                Some(WholeSet::Split) => {
                    SetBlock::decode(data(&target, Some(sub)).unwrap()).unwrap().contains(offset & 0x0FFF)
                }
            }
        };
        let number = |ordinal: u32| {
            let Place { slab, chunk, value, .. } = Place::of(ordinal);
            let data = data(&Target::Column { slab, field: COLUMN_FIELD, chunk }, None)?;
            ColumnBlock::decode(data).unwrap().get(value)
        };
        let facts = |ordinal: u32| {
            let terms = TERMS.into_iter().filter(|term| has(ordinal, Some(term)));
            let facts = Facts {
                terms: terms.map(|term| (TERM_FIELD, Term::value(term))).collect::<BTreeSet<_>>(),
                columns: number(ordinal).map(|number| (COLUMN_FIELD, number)).into_iter().collect(),
            };
            let is_live = has(ordinal, None);
            assert!(is_live || facts == Facts::default(), "the index knows {facts:?} of nobody");
            is_live.then_some((ordinal, facts))
        };
        ORDINALS.into_iter().filter_map(facts).collect()
    }
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

    async fn query(&self, _: &[u8; 22], _: &[u8]) -> Result<Vec<Found>, Infallible> {
        unreachable!("a writer queries nothing")
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

impl Contacts for World {
    type Error = Infallible;

    async fn facts(&self, ordinal: u32) -> Result<Option<Facts>, Infallible> {
        step().await;
        let facts = self.state().truth.get(&ordinal).cloned();
        step().await;
        Ok(facts)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_comes_again_late_or_not_at_all_the_index_ends_as_the_contacts_are(seed: u64) {
        let world = World::new(seed);
        world.run();
        let truth = world.state().truth.clone();
        prop_assert_eq!(world.indexed(), truth);
    }
}
