//! Random rules on contacts that change while they are asked: the contacts through the store, their
//! records to the index in batches of any size, which may die halfway or come again, and what looking
//! at each contact gives.
//!
//! Of a contact without a record that is yet to be indexed every answer is right, at any moment. One
//! that has such records, and stayed where it is, is found if the rule means each of the states that
//! it had since; of one that was moved or deleted meanwhile nothing is promised until the index
//! followed. Then every answer is exact: who, in which order, how many.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use index::{Direction, Sort, SortKey};
use model::rule::{Bound, Source, StandardField, Subject};
use model::{AttributeType, AttributeValue, Engagement, Field, FieldId, FieldSlug, Tag};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

const EMAILS: usize = 30;
const BUDGET: FieldId = FieldId { kind: AttributeType::Number, number: 1 };
const ORDERS: usize = 6;
/// More pages than contacts there ever are.
const MANY_PAGES: usize = 1_000;

/// Is what a contact shows.
#[derive(Debug, Clone)]
struct Shown {
    first_name: Option<&'static str>,
    company: Option<&'static str>,
    is_unsubscribed: bool,
    is_vip: bool,
    budget: Option<&'static str>,
    opened_minutes_ago: Option<i64>,
}

#[derive(Debug, Clone)]
enum Step {
    Create(usize, Shown),
    Change(Index, Shown),
    Move(Index, usize),
    Delete(Index),
    /// The stream delivers so many records.
    Deliver(usize),
    /// It does, and the indexer dies at one of its calls.
    Die(usize, usize, bool),
    /// So many that were delivered come again.
    Again(usize),
}

fn shown() -> impl Strategy<Value = Shown> {
    let names = select(vec!["Jane", "Jan", "Zoë", "van der Berg"]);
    let companies = select(vec!["Acme", "Acme Corp", "Globex", "ACME & Sons", "Initech"]);
    let budgets = select(vec!["0", "-1", "20", "49.5", "50", "1000000"]);
    let minutes = select(vec![0i64, 1, 59, 60, 720, 1_440, 43_199, 43_200, 43_201, 100_000]);
    (of(names), of(companies), any::<bool>(), any::<bool>(), of(budgets), of(minutes)).prop_map(
        |(first_name, company, is_unsubscribed, is_vip, budget, opened_minutes_ago)| Shown {
            first_name,
            company,
            is_unsubscribed,
            is_vip,
            budget,
            opened_minutes_ago,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..EMAILS, shown()).prop_map(|(email, shown)| Step::Create(email, shown)),
        6 => (any::<Index>(), shown()).prop_map(|(who, shown)| Step::Change(who, shown)),
        1 => (any::<Index>(), 0..EMAILS).prop_map(|(who, email)| Step::Move(who, email)),
        1 => any::<Index>().prop_map(Step::Delete),
        4 => (1..12usize).prop_map(Step::Deliver),
        1 => (1..12usize, 0..60usize, any::<bool>()).prop_map(|(n, at, after)| Step::Die(n, at, after)),
        1 => (1..12usize).prop_map(Step::Again),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let leaves = [
        "company:acme",
        "company:\"Acme Corp\"",
        "company:acme*",
        "company:*corp",
        "company:contains(me)",
        "-company:globex",
        "has:company",
        "missing:company",
        "first_name:jan*",
        "jan",
        "jane",
        "berg",
        "zoe",
        "status:unsubscribed",
        "status:active",
        "tag:vip",
        "tags:has_none(vip)",
        "budget:>20",
        "budget:0..50",
        "budget:is_not(50)",
        "missing:budget",
        "last_opened_at:<30d",
        "last_opened_at:>12h",
        "has:last_opened_at",
        "last_opened_at:today",
        "created_at:<1d",
        "updated_at:<1d",
        "email:person-1*",
        "email:*@b.example",
        "email:person-12@a.example",
        "nobody_has_it:1",
    ];
    select(leaves.to_vec()).prop_map(str::to_owned).prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" AND "))),
            vec(inner.clone(), 2..4).prop_map(|any| format!("({})", any.join(" OR "))),
            inner.prop_map(|query| format!("(NOT {query})")),
        ]
    })
}

fn bound(query: &str) -> Bound {
    let budget = Field::new(BUDGET, FieldSlug::from_name("budget").unwrap(), "Budget");
    let moment = Moment::new(now(), Zone::utc());
    let parsed = Rule::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    bind(&parsed, &[budget].into_iter().collect::<Fields>(), &NoLists, &moment).unwrap().0
}

fn order(number: usize) -> Option<Sort> {
    let source = match number {
        0 => return None,
        1 | 2 => Source::Standard(StandardField::Company),
        3 | 4 => Source::Attribute(BUDGET),
        _ => Source::Standard(StandardField::LastEngaged(Engagement::Opened)),
    };
    let direction = if number % 2 == 1 { Direction::Ascending } else { Direction::Descending };
    Some(Sort::by(source, direction).unwrap())
}

/// Puts contacts into an order in the plainest way: without a value comes last, and among equals the
/// newest first.
fn in_order(contacts: impl Iterator<Item = Contact>, number: usize) -> Vec<u32> {
    let mut contacts: Vec<Contact> = contacts.collect();
    contacts.sort_by_key(|contact| std::cmp::Reverse(contact.ordinal));
    let budget = |contact: &Contact| match contact.profile.attributes.get(&BUDGET) {
        Some(AttributeValue::Number(number)) => Some(number.as_f64()),
        _ => None,
    };
    let compared = |a: &Contact, b: &Contact| match number {
        1 | 2 => {
            let form = |contact: &Contact| contact.profile.company.as_deref().map(str::to_lowercase);
            with_value_first(form(a), form(b), number == 2)
        }
        3 | 4 => with_value_first(budget(a), budget(b), number == 4),
        5 => {
            let opened = |contact: &Contact| contact.profile.engagement.get(&Engagement::Opened).copied();
            with_value_first(opened(a), opened(b), false)
        }
        _ => std::cmp::Ordering::Equal,
    };
    contacts.sort_by(compared);
    contacts.into_iter().map(|contact| contact.ordinal.0).collect()
}

fn with_value_first<T: PartialOrd>(a: Option<T>, b: Option<T>, is_descending: bool) -> std::cmp::Ordering {
    match (a, b) {
        (Some(a), Some(b)) if is_descending => b.partial_cmp(&a).unwrap(),
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap(),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// Is a tenant whose contacts change, and how far the index followed.
struct Living {
    world: World,
    contacts: BTreeMap<u32, Contact>,
    records: Vec<ContactRecord>,
    /// Everything before this is indexed.
    indexed: usize,
    /// The least that was since the walk began: what comes again takes the index back for a while.
    lowest: usize,
    /// How far anything may have come, once.
    reached: usize,
    /// Whether that was ever further than what is indexed, since the walk began.
    is_mixed: bool,
    /// Who was ever read again instead of taken from the stream.
    moved: BTreeSet<u32>,
}

impl Living {
    async fn new(people: Vec<Shown>) -> Self {
        let mut living = Self {
            world: World::new().await,
            contacts: BTreeMap::new(),
            records: Vec::new(),
            indexed: 0,
            lowest: 0,
            reached: 0,
            is_mixed: false,
            moved: BTreeSet::new(),
        };
        for (email, shown) in people.into_iter().enumerate() {
            living.step(Step::Create(email, shown)).await;
        }
        living.follow().await;
        living
    }

    fn somebody(&self, who: Index) -> Option<Contact> {
        (!self.contacts.is_empty())
            .then(|| self.contacts.values().nth(who.index(self.contacts.len())).unwrap().clone())
    }

    async fn write(&mut self, write: Write) -> Option<Contact> {
        let World { store, tenant, .. } = &self.world;
        match store.write(tenant, vec![write], now()).await.unwrap().remove(0).unwrap() {
            Written::Done(contact) => {
                self.contacts.insert(contact.ordinal.0, (*contact).clone());
                Some(*contact)
            }
            // Somebody is there, or was and had unsubscribed.
            Written::Lost { .. } => None,
        }
    }

    fn record(&mut self, before: Option<&Contact>, after: Option<&Contact>) {
        let tenant = self.world.tenant.id;
        self.records.push(ContactRecord { tenant, before: before.cloned(), after: after.cloned() });
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Create(email, shown) => {
                let profile = shown.profile(&address(email));
                let new = NewContact::of(profile);
                if let Some(contact) = self.write(Write::Create(Box::new(new))).await {
                    self.record(None, Some(&contact));
                }
            }
            Step::Change(who, shown) => {
                let Some(before) = self.somebody(who) else { return };
                let profile = shown.profile(before.profile.email.as_str());
                let after = self.update(&before, profile).await.unwrap();
                self.record(Some(&before), Some(&after));
            }
            Step::Move(who, email) => {
                let Some(before) = self.somebody(who) else { return };
                let to = Email::parse(&address(email)).unwrap();
                if to == before.profile.email {
                    return;
                }
                let profile = Profile { email_typed: to.to_string(), email: to, ..before.profile.clone() };
                if let Some(after) = self.update(&before, profile).await {
                    self.moved.insert(before.ordinal.0);
                    // They are on two lanes: either may come first.
                    if email.is_multiple_of(2) {
                        self.record(Some(&before), None);
                        self.record(None, Some(&after));
                    } else {
                        self.record(None, Some(&after));
                        self.record(Some(&before), None);
                    }
                }
            }
            Step::Delete(who) => {
                let Some(contact) = self.somebody(who) else { return };
                self.world.store.delete(&self.world.tenant, &contact, now()).await.unwrap();
                self.contacts.remove(&contact.ordinal.0);
                self.moved.insert(contact.ordinal.0);
                self.record(Some(&contact), None);
            }
            Step::Deliver(count) => self.deliver(count, CallFaults::none()).await,
            Step::Die(count, at, is_after) => {
                let moment = if is_after { Crash::After } else { Crash::Before };
                self.deliver(count, CallFaults::crash(at, moment)).await;
            }
            Step::Again(count) => {
                self.indexed = self.indexed.saturating_sub(count);
                self.note();
            }
        }
    }

    async fn update(&mut self, before: &Contact, profile: Profile) -> Option<Contact> {
        let before = before.clone();
        let update = ProfileUpdate { before, profile, replaces: None, consent: None, origin: None };
        self.write(Write::Update(Box::new(update))).await
    }

    async fn deliver(&mut self, count: usize, faults: CallFaults) {
        let end = self.records.len().min(self.indexed + count);
        let placed: Vec<Placed> = self.records[self.indexed..end].iter().cloned().enumerate().collect();
        if placed.is_empty() {
            return;
        }
        let deps =
            Deps::new(self.world.store.failing(faults), MemoryBus::default(), Clock::starting_at(now()));
        self.reached = self.reached.max(end);
        self.indexed = match apply(&deps, &self.world.tenant, &placed).await {
            Ok(()) => end,
            Err(first) => self.indexed + first,
        };
        self.note();
    }

    fn note(&mut self) {
        self.lowest = self.lowest.min(self.indexed);
        self.is_mixed |= self.indexed < self.reached;
    }

    /// Lets the index follow to the end.
    async fn follow(&mut self) {
        while self.indexed < self.records.len() {
            self.deliver(7, CallFaults::none()).await;
        }
    }

    /// Gives who has records from a place on.
    fn touched_since(&self, place: usize) -> BTreeSet<u32> {
        let records = &self.records[place..];
        records
            .iter()
            .flat_map(|r| r.before.iter().chain(&r.after))
            .map(|contact| contact.ordinal.0)
            .collect()
    }

    /// Gives who must be found although there is something to index: who stayed, whose records are
    /// indexed in order, and whom the rule means in each state since.
    fn meant_throughout(&self, place: usize, rule: &Bound) -> BTreeSet<u32> {
        let mut meant = self.touched_since(place);
        meant.retain(|ordinal| self.contacts.contains_key(ordinal) && !self.moved.contains(ordinal));
        for record in &self.records[place..] {
            let of = |contact: &Option<Contact>| contact.as_ref().map(|contact| contact.ordinal.0);
            let is_meant = |contact: &Contact| rule.matches(Subject::of(contact));
            if !record.before.as_ref().is_some_and(is_meant) || !record.after.as_ref().is_some_and(is_meant) {
                of(&record.before).or(of(&record.after)).map(|ordinal| meant.remove(&ordinal));
            }
        }
        meant
    }

    /// Walks page by page while the steps go on, and compares with looking at each contact.
    async fn walk(&mut self, query: &str, number: usize, limit: usize, steps: Vec<Step>) {
        let (rule, sort) = (bound(query), order(number));
        (self.lowest, self.is_mixed) = (self.indexed, self.indexed < self.reached);
        let (mut found, mut totals, mut after) = (Vec::new(), Vec::new(), None::<SortKey>);
        let mut steps = steps.into_iter();
        for pages in 0.. {
            assert!(pages < MANY_PAGES, "{query} by {number}: a walk that does not end");
            let search = ContactSearch { store: &self.world.store, tenant: &self.world.tenant };
            let matches = search.find(rule.clone(), sort).await.unwrap();
            totals.push(matches.total());
            let page = search.page(&matches, after, limit).await.unwrap();
            assert!(page.contacts.len() <= limit);
            for (_, contact) in page.contacts {
                assert_eq!(
                    Some(&contact),
                    self.contacts.get(&contact.ordinal.0),
                    "{query} finds what is gone"
                );
                assert!(rule.matches(Subject::of(&contact)), "{query} does not mean {contact:?}");
                found.push(contact.ordinal.0);
            }
            after = page.next_after;
            if after.is_none() {
                break;
            }
            for step in steps.by_ref().take(2) {
                self.step(step).await;
            }
        }
        let touched = self.touched_since(self.lowest);
        let told = format!("{query} by {number}, {limit} a page");
        let stayed = |ordinal: &u32| !touched.contains(ordinal);
        let expected = self.contacts.values().filter(|contact| rule.matches(Subject::of(contact)));
        let expected = in_order(expected.cloned(), number);
        let expected: Vec<u32> = expected.into_iter().filter(stayed).collect();
        assert_eq!(found.iter().copied().filter(stayed).collect::<Vec<_>>(), expected, "{told}");
        let (least, most) = (expected.len() as u64, (expected.len() + touched.len()) as u64);
        assert!(totals.iter().all(|total| (least..=most).contains(total)), "{told}: {totals:?} of {least}");
        if !self.is_mixed && number == 0 {
            for ordinal in self.meant_throughout(self.lowest, &rule) {
                let times = found.iter().filter(|found| **found == ordinal).count();
                assert_eq!(times, 1, "{told}: {ordinal} was meant all the time");
            }
        }
    }
}

impl Shown {
    fn profile(&self, email: &str) -> Profile {
        let status = if self.is_unsubscribed { Status::Unsubscribed } else { Status::Active };
        let mut profile = Profile::new(Email::parse(email).unwrap(), email, status);
        profile.first_name = self.first_name.map(str::to_owned);
        profile.company = self.company.map(str::to_owned);
        profile.tags.extend(self.is_vip.then(|| Tag::parse("VIP").unwrap()));
        let budget = self.budget.map(|text| AttributeValue::parse_as(text, BUDGET.kind).unwrap());
        profile.attributes.extend(budget.map(|budget| (BUDGET, budget)));
        let opened = self.opened_minutes_ago.map(|minutes| now() - TimeDelta::minutes(minutes));
        profile.engagement.extend(opened.map(|at| (Engagement::Opened, at)));
        profile
    }
}

fn address(number: usize) -> String {
    format!("person-{number}@{}.example", if number.is_multiple_of(3) { "a" } else { "b" })
}

proptest! {
    // 2,500 cases, by `PROPTEST_CASES`, are 10,000 rules.
    #[test]
    fn rules_mean_whom_looking_at_each_gives_while_writes_go_on_and_after(
        people in vec(shown(), 0..EMAILS),
        asked in vec((query(), 0..ORDERS, 1..9usize, vec(step(), 0..24)), 4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut living = Living::new(people).await;
            for (query, number, limit, steps) in &asked {
                living.walk(query, *number, *limit, steps.clone()).await;
            }
            living.follow().await;
            for (query, number, limit, _) in &asked {
                living.walk(query, *number, *limit, Vec::new()).await;
            }
        });
    }
}
