//! Segments whose transitions are told, under a clock that tests move: whatever comes twice, late or
//! not at all, entering and leaving alternate, and what was told is what the rule says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use model::rule::Subject;
use model::{Engagement, List, ListId, ListName, ListNumber};
use proptest::prelude::*;
use store::{About, DomainEvent, DomainEventType, Freshness, ListChange, ListStore, SegmentWatch};
use uuid::Uuid;

use super::*;

const RULES: [&str; 4] = [
    "last_opened_at:<30d",
    "company:acme AND NOT last_opened_at:<30d",
    "company:acme",
    "last_opened_at:>10d OR company:globex",
];
const CONTACTS: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    /// Somebody opened an email so many minutes ago.
    Open(usize, i64),
    Company(usize, bool),
    Move(usize),
    Delete(usize),
    /// The stream delivers so many records, and the indexer dies at a call, if it makes so many.
    Deliver(usize, Option<(usize, Crash)>),
    /// The stream delivers the last records again.
    Again(usize),
    Pass(i64),
    Tick(Option<(usize, Crash)>),
    Edit(usize),
    BusDown(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let crash = || {
        let moment = prop_oneof![Just(Crash::Before), Just(Crash::After)];
        proptest::option::weighted(0.3, (0..30_usize, moment))
    };
    let near_an_edge = prop_oneof![0..10_i64, 43_190..43_210_i64, 14_395..14_405_i64];
    prop_oneof![
        4 => (0..CONTACTS, near_an_edge).prop_map(|(who, ago)| Step::Open(who, ago)),
        2 => (0..CONTACTS, any::<bool>()).prop_map(|(who, is_acme)| Step::Company(who, is_acme)),
        1 => (0..CONTACTS).prop_map(Step::Move),
        1 => (0..CONTACTS).prop_map(Step::Delete),
        6 => (1..6_usize, crash()).prop_map(|(count, crash)| Step::Deliver(count, crash)),
        2 => (1..8_usize).prop_map(Step::Again),
        3 => prop_oneof![1..8_i64, 14_000..15_000_i64, 43_000..44_000_i64].prop_map(Step::Pass),
        5 => crash().prop_map(Step::Tick),
        1 => (0..RULES.len()).prop_map(Step::Edit),
        1 => any::<bool>().prop_map(Step::BusDown),
    ]
}

/// A tenant with one watched segment, and a stream that a test delivers.
struct Watched {
    world: World,
    list: List,
    now: DateTime<Utc>,
    contacts: Vec<Option<Contact>>,
    born: usize,
    stream: Vec<ContactRecord>,
    delivered: usize,
    told: BTreeMap<Uuid, DomainEvent>,
}

impl Watched {
    async fn new(query: &str) -> Self {
        let world = World::new().await;
        let list = List {
            id: ListId(Uuid::new_v4()),
            number: ListNumber(0),
            name: ListName::parse("Watched").unwrap(),
            rule: Some(Rule::parse(query).unwrap().rule),
            events: true,
            created_at: now(),
            updated_at: now(),
        };
        let book = world.store.lists(&world.tenant, Freshness::Strong).await.unwrap();
        let change = ListChange::Insert(list.clone());
        assert!(world.store.change_lists(&world.tenant, &book, change).await.unwrap());
        let contacts = vec![None; CONTACTS];
        let told = BTreeMap::new();
        Self { world, list, now: now(), contacts, born: 0, stream: Vec::new(), delivered: 0, told }
    }

    fn record(&mut self, before: Option<Contact>, after: Option<Contact>) {
        self.stream.push(ContactRecord { tenant: self.world.tenant.id, before, after });
    }

    /// Gives a contact, which is born where there is none.
    async fn contact(&mut self, who: usize) -> Contact {
        if let Some(contact) = &self.contacts[who] {
            return contact.clone();
        }
        self.born += 1;
        let contact = self.world.create(&format!("c{who}.{}@example.com", self.born), "Initech").await;
        self.record(None, Some(contact.clone()));
        self.contacts[who] = Some(contact.clone());
        contact
    }

    async fn update(&mut self, who: usize, change: impl FnOnce(&mut Profile)) {
        let before = self.contact(who).await;
        let mut profile = before.profile.clone();
        change(&mut profile);
        let is_moved = profile.email != before.profile.email;
        let after = self.world.update(before.clone(), profile).await;
        self.contacts[who] = Some(after.clone());
        if is_moved {
            // Two lanes: here the arrival comes first.
            self.record(None, Some(after));
            self.record(Some(before), None);
        } else {
            self.record(Some(before), Some(after));
        }
    }

    async fn deliver(&mut self, from: usize, to: usize, crash: Option<(usize, Crash)>) -> bool {
        let store = match crash {
            Some((at, moment)) => self.world.store.failing(CallFaults::crash(at, moment)),
            None => self.world.store.clone(),
        };
        let deps = Deps::new(store, self.world.bus.clone(), Clock::starting_at(self.now));
        let placed: Vec<Placed> = self.stream[from..to].iter().cloned().enumerate().collect();
        let is_indexed = apply(&deps, &self.world.tenant, &placed).await.is_ok();
        is_indexed && watch(&deps, &self.world.tenant, &placed).await.is_ok()
    }

    async fn tick(&mut self, crash: Option<(usize, Crash)>) -> bool {
        let store = match crash {
            Some((at, moment)) => self.world.store.failing(CallFaults::crash(at, moment)),
            None => self.world.store.clone(),
        };
        let bus = &self.world.bus;
        let watch = SegmentWatch { store: &store, bus, tenant: &self.world.tenant, now: self.now };
        watch.tick(None).await.is_ok()
    }

    async fn edit(&mut self, query: &str) {
        let list =
            List { rule: Some(Rule::parse(query).unwrap().rule), updated_at: self.now, ..self.list.clone() };
        let book = self.world.store.lists(&self.world.tenant, Freshness::Strong).await.unwrap();
        let change = ListChange::Replace(list.clone());
        assert!(self.world.store.change_lists(&self.world.tenant, &book, change).await.unwrap());
        self.list = list;
    }

    fn hear(&mut self) {
        for event in self.world.bus.take_announced() {
            let known = self.told.insert(event.id(), event.clone());
            assert!(known.is_none_or(|known| known == event), "one id, two events: {event:?}");
        }
    }

    /// Folds what was told, and fails unless entering and leaving alternate.
    fn members(&self) -> BTreeSet<model::ContactId> {
        let mut events: Vec<&DomainEvent> = self.told.values().collect();
        events.sort_by_key(|event| event.occurred_at);
        let mut members = BTreeSet::new();
        for event in events {
            let About::Contact { id, .. } = event.about else { panic!("not of a contact: {event:?}") };
            let went = match event.kind {
                DomainEventType::SegmentEntered => members.insert(id),
                DomainEventType::SegmentExited => members.remove(&id),
                _ => panic!("not of a segment: {event:?}"),
            };
            assert!(went, "told twice: {event:?}");
        }
        members
    }

    /// Evaluates every contact.
    fn expected(&self) -> BTreeSet<model::ContactId> {
        let moment = Moment::new(self.now, Zone::utc());
        let rule = Rule::parse(&self.list.rule.as_ref().unwrap().to_string()).unwrap();
        let (rule, _) = bind(&rule, &Fields::default(), &NoLists, &moment).unwrap();
        let all = self.contacts.iter().flatten();
        all.filter(|contact| rule.matches(Subject::of(contact))).map(|contact| contact.id).collect()
    }

    async fn take(&mut self, step: Step) {
        // Half a minute beside all edges, and no two steps at one instant.
        self.now += TimeDelta::milliseconds(100);
        match step {
            Step::Open(who, ago) => {
                let at = self.now - TimeDelta::minutes(ago);
                self.update(who, |profile| {
                    profile.engagement.insert(Engagement::Opened, at);
                })
                .await;
            }
            Step::Company(who, is_acme) => {
                let company = if is_acme { "Acme" } else { "Globex" };
                self.update(who, |profile| profile.company = Some(company.to_owned())).await;
            }
            Step::Move(who) => {
                self.born += 1;
                let email = Email::parse(&format!("m{who}.{}@example.com", self.born)).unwrap();
                self.update(who, |profile| profile.email = email).await;
            }
            Step::Delete(who) => {
                if let Some(contact) = self.contacts[who].take() {
                    self.world.store.delete(&self.world.tenant, &contact, self.now).await.unwrap();
                    self.record(Some(contact), None);
                }
            }
            Step::Deliver(count, crash) => {
                let to = self.stream.len().min(self.delivered + count);
                if self.deliver(self.delivered, to, crash).await {
                    self.delivered = to;
                }
            }
            Step::Again(count) => {
                self.deliver(self.delivered.saturating_sub(count), self.delivered, None).await;
            }
            Step::Pass(minutes) => self.now += TimeDelta::minutes(minutes),
            Step::Tick(crash) => {
                let is_done = self.tick(crash).await;
                self.hear();
                if is_done && self.delivered == self.stream.len() && !self.world.bus.is_down() {
                    assert_eq!(self.members(), self.expected(), "at a tick");
                }
            }
            Step::Edit(rule) => self.edit(RULES[rule]).await,
            Step::BusDown(is_down) => self.world.bus.be_down(is_down),
        }
    }

    async fn come_to_rest(&mut self) {
        self.world.bus.be_down(false);
        self.now += TimeDelta::seconds(1);
        assert!(self.deliver(self.delivered, self.stream.len(), None).await);
        self.delivered = self.stream.len();
        self.now += TimeDelta::seconds(1);
        assert!(self.tick(None).await);
        self.hear();
        assert_eq!(self.members(), self.expected());
    }
}

proptest! {
    #[test]
    fn what_was_told_is_what_the_rule_says_at_every_tick(
        rule in 0..RULES.len(), steps in proptest::collection::vec(step(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut watched = Watched::new(RULES[rule]).await;
            for step in steps {
                watched.take(step).await;
            }
            watched.come_to_rest().await;
        });
    }
}

/// Gives what was told, by name and cause.
fn told(watched: &mut Watched) -> Vec<(String, String)> {
    let events = watched.world.bus.take_announced().into_iter();
    let told = events.map(|event| (event.kind.as_str().to_owned(), event.detail()["cause"].to_string()));
    told.collect()
}

fn one(name: &str, cause: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), format!("{cause:?}"))]
}

#[tokio::test]
async fn a_change_the_clock_and_the_rule_each_tell_a_transition_once() {
    let mut watched = Watched::new("last_opened_at:<30d").await;
    watched.take(Step::Open(0, 30 * 24 * 60 - 1)).await;
    for _ in 0..2 {
        watched.deliver(0, watched.stream.len(), None).await;
    }
    assert_eq!(told(&mut watched), one("segment.entered", "change"));
    watched.tick(None).await;
    assert_eq!(told(&mut watched), []);
    watched.now += TimeDelta::minutes(2);
    for _ in 0..2 {
        watched.tick(None).await;
    }
    assert_eq!(told(&mut watched), one("segment.exited", "clock"));
    watched.now += TimeDelta::seconds(1);
    watched.edit("last_opened_at:<60d").await;
    watched.now += TimeDelta::seconds(1);
    for _ in 0..2 {
        watched.tick(None).await;
    }
    assert_eq!(told(&mut watched), one("segment.entered", "rule"));
}

#[tokio::test]
async fn what_the_bus_did_not_take_is_told_by_the_next_tick() {
    let mut watched = Watched::new("company:acme").await;
    watched.take(Step::Company(0, true)).await;
    watched.world.bus.be_down(true);
    assert!(watched.deliver(0, watched.stream.len(), None).await);
    watched.world.bus.be_down(false);
    for _ in 0..2 {
        watched.tick(None).await;
    }
    assert_eq!(told(&mut watched), one("segment.entered", "change"));
}

#[tokio::test]
async fn a_segment_that_is_watched_again_tells_the_difference() {
    let mut watched = Watched::new("company:acme").await;
    for (who, is_acme) in [(0, true), (1, false)] {
        watched.take(Step::Company(who, is_acme)).await;
    }
    watched.deliver(0, watched.stream.len(), None).await;
    assert_eq!(told(&mut watched), one("segment.entered", "change"));
    watched.list.events = false;
    watched.edit("company:acme").await;
    let from = watched.stream.len();
    watched.take(Step::Company(0, false)).await;
    watched.deliver(from, watched.stream.len(), None).await;
    watched.tick(None).await;
    assert_eq!(told(&mut watched), []);
    watched.list.events = true;
    watched.edit("company:acme").await;
    watched.tick(None).await;
    assert_eq!(told(&mut watched), one("segment.exited", "rule"));
}
