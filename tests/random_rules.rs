//! Random rules over HTTP, on contacts that change between pages, through the stream and the index on
//! the real engine: what `indexer`'s tests do at length in memory, in a smaller run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::client::{Client, until};
use crate::product::Product;

const PEOPLE: u64 = 60;
const ROUNDS: u64 = 12;
const COMPANIES: [&str; 3] = ["Acme", "Acme Corp", "Globex"];

/// Is what a contact shows; every third one changes.
#[derive(Debug, Clone, Default, PartialEq)]
struct Person {
    company: Option<&'static str>,
    budget: Option<u64>,
    is_partner: bool,
}

enum Rule {
    Company(&'static str),
    CompanyStarts(&'static str),
    HasCompany,
    BudgetOver(u64),
    BudgetWithin(u64, u64),
    Partner,
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Not(Box<Rule>),
}

/// Is SplitMix64, so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (n ^ (n >> 31)) % limit
    }

    fn person(&mut self) -> Person {
        Person {
            company: COMPANIES.get(self.below(4) as usize).copied(),
            budget: Some(self.below(8) * 10).filter(|budget| *budget > 0),
            is_partner: self.below(2) == 0,
        }
    }

    fn rule(&mut self, depth: u64) -> Rule {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => Rule::Company(COMPANIES[self.below(3) as usize]),
            1 => Rule::CompanyStarts(["Ac", "acme c", "g"][self.below(3) as usize]),
            2 => Rule::HasCompany,
            3 => Rule::BudgetOver(self.below(8) * 10),
            4 => Rule::BudgetWithin(self.below(4) * 10, 20 + self.below(6) * 10),
            5 => Rule::Partner,
            6 | 7 => Rule::All((0..2).map(|_| self.rule(depth - 1)).collect()),
            8 => Rule::Any((0..2).map(|_| self.rule(depth - 1)).collect()),
            _ => Rule::Not(Box::new(self.rule(depth - 1))),
        }
    }
}

impl Rule {
    fn query(&self) -> String {
        let joined = |rules: &[Self], word: &str| {
            format!("({})", rules.iter().map(Self::query).collect::<Vec<_>>().join(word))
        };
        match self {
            Self::Company(name) => format!("company:\"{name}\""),
            Self::CompanyStarts(start) => format!("company:starts_with(\"{start}\")"),
            Self::HasCompany => "has:company".to_owned(),
            Self::BudgetOver(least) => format!("budget:>{least}"),
            Self::BudgetWithin(least, most) => format!("budget:{least}..{most}"),
            Self::Partner => "tag:partner".to_owned(),
            Self::All(rules) => joined(rules, " AND "),
            Self::Any(rules) => joined(rules, " OR "),
            Self::Not(rule) => format!("(NOT {})", rule.query()),
        }
    }

    fn means(&self, person: &Person) -> bool {
        match self {
            Self::Company(name) => person.company == Some(name),
            Self::CompanyStarts(start) => person
                .company
                .is_some_and(|company| company.to_lowercase().starts_with(&start.to_lowercase())),
            Self::HasCompany => person.company.is_some(),
            Self::BudgetOver(least) => person.budget.is_some_and(|budget| budget > *least),
            Self::BudgetWithin(least, most) => {
                person.budget.is_some_and(|budget| (*least..=*most).contains(&budget))
            }
            Self::Partner => person.is_partner,
            Self::All(rules) => rules.iter().all(|rule| rule.means(person)),
            Self::Any(rules) => rules.iter().any(|rule| rule.means(person)),
            Self::Not(rule) => !rule.means(person),
        }
    }
}

fn body(person: &Person) -> Value {
    json!({
        "company": person.company,
        "attributes": { "budget": person.budget },
        "tags": if person.is_partner { vec!["partner"] } else { Vec::new() },
    })
}

fn email(number: u64) -> String {
    format!("person-{number:03}@example.com")
}

fn number_of(item: &Value) -> u64 {
    let email = item["email"].as_str().expect("an email");
    email.split(['-', '@']).nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// Reads one page, and gives who is on it, the total and where to go on.
fn page(client: &Client, query: &str, cursor: Option<&str>) -> (Vec<u64>, u64, Option<String>) {
    let mut asked = json!({"query": query, "sort": "-budget", "limit": 7});
    if let Some(cursor) = cursor {
        asked["cursor"] = cursor.into();
    }
    let page = client.post("/api/v1/contacts/search", &asked);
    assert_eq!(page.status, 200, "{query}: {}", page.json);
    let items = page.json["items"].as_array().expect("items");
    let next = page.json["next_cursor"].as_str().map(str::to_owned);
    (items.iter().map(number_of).collect(), page.json["total"].as_u64().expect("a total"), next)
}

#[test]
fn random_rules_mean_whom_looking_at_each_gives_while_contacts_change_and_after() {
    let client = Product::get().client();
    let mut random = Random(7);
    let mut people: BTreeMap<u64, Person> = (0..PEOPLE).map(|number| (number, random.person())).collect();
    let create = |(number, person): (&u64, &Person)| {
        let mut contact = json!({ "email": email(*number) });
        let shown = body(person);
        if person.company.is_some() {
            contact["company"] = shown["company"].clone();
        }
        if person.budget.is_some() {
            contact["attributes"] = shown["attributes"].clone();
        }
        contact["tags"] = shown["tags"].clone();
        contact
    };
    let contacts: Vec<Value> = people.iter().map(create).collect();
    let field = json!({"name": "budget", "type": "number"});
    assert_eq!(client.post("/api/v1/fields", &field).status, 201);
    let batch = client.post("/api/v1/contacts/batch", &json!({ "contacts": contacts }));
    assert_eq!(batch.json["created"], PEOPLE, "{}", batch.json);
    for rule in [Rule::HasCompany, Rule::Partner, Rule::BudgetOver(0), Rule::Not(Box::new(Rule::Partner))] {
        let expected = people.values().filter(|person| rule.means(person)).count() as u64;
        until(|| (page(&client, &rule.query(), None).1 == expected).then_some(()));
    }

    let mut rules = Vec::new();
    for _ in 0..ROUNDS {
        let rule = random.rule(3);
        let query = rule.query();
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let (some, total, next) = page(&client, &query, cursor.as_deref());
            found.extend(some);
            let stayed = people.iter().filter(|(number, person)| *number % 3 > 0 && rule.means(person));
            let (least, most) = (stayed.count() as u64, PEOPLE);
            assert!((least..=most).contains(&total), "{query}: {total} of {least} at least");
            cursor = next;
            if cursor.is_none() {
                break;
            }
            let changed = random.below(PEOPLE / 3) * 3;
            let person = random.person();
            let path = format!("/api/v1/contacts/{}", email(changed).replace('@', "%40"));
            let reply = client.patch(&path, &body(&person));
            assert_eq!(reply.status, 200, "{}", reply.json);
            people.insert(changed, person);
        }
        found.retain(|number| number % 3 > 0);
        let expected = people.iter().filter(|(number, person)| *number % 3 > 0 && rule.means(person));
        let expected: BTreeSet<u64> = expected.map(|(number, _)| *number).collect();
        assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), expected, "{query}");
        assert_eq!(found.len(), expected.len(), "{query}: somebody twice");
        rules.push(rule);
    }
    for rule in rules {
        let query = rule.query();
        let expected: BTreeSet<u64> =
            people.iter().filter(|(_, person)| rule.means(person)).map(|(number, _)| *number).collect();
        // The index follows: then who, how many and in which order is exact.
        until(|| {
            let (mut found, mut cursor) = (Vec::new(), None);
            loop {
                let (some, total, next) = page(&client, &query, cursor.as_deref());
                found.extend(some);
                if total != expected.len() as u64 {
                    return None;
                }
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            let is_sorted = found.is_sorted_by_key(|number| std::cmp::Reverse(people[number].budget));
            let all: BTreeSet<u64> = found.iter().copied().collect();
            (is_sorted && all.len() == found.len() && all == expected).then_some(())
        });
    }
}
