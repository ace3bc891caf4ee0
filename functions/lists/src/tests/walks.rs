use std::collections::{BTreeMap, BTreeSet};

use model::{Contact, ContactId, Email, Profile, Standing, Status};
use proptest::prelude::*;
use serde_json::json;
use store::{ContactStore, Freshness, ListStore, NewContact, ProfileUpdate, Write, Written};
use uuid::Uuid;

use super::{Ground, NOW, ground};

/// Is what happens to a contact between two pages.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Joins,
    Leaves,
    Unsubscribes,
    Resubscribes,
    MovesAway,
    IsDeleted,
    IsNew,
}

fn happenings() -> impl Strategy<Value = Vec<Vec<(usize, Happens)>>> {
    use Happens::{IsDeleted, IsNew, Joins, Leaves, MovesAway, Resubscribes, Unsubscribes};
    let what =
        prop::sample::select(vec![Joins, Leaves, Unsubscribes, Resubscribes, MovesAway, IsDeleted, IsNew]);
    prop::collection::vec(prop::collection::vec((0..40_usize, what), 0..8), 1..12)
}

/// Is a list of which some were on it and active when the walk began.
struct World {
    ground: Ground,
    list: model::ListNumber,
    path: String,
    /// The contacts by their ids, of which some are gone by now.
    ids: Vec<ContactId>,
    born: usize,
}

impl World {
    async fn new(members: &BTreeSet<usize>) -> Self {
        let ground = ground(0).await;
        let id = ground.made("Walk", None).await;
        let book = ground.store.lists(&ground.tenant, Freshness::Strong).await.unwrap();
        let list = book.iter().next().unwrap().number;
        let path = format!("/{id}/contacts");
        let mut world = Self { ground, list, path, ids: Vec::new(), born: 0 };
        for n in 0..40 {
            let status = if n % 7 == 0 { Status::Unsubscribed } else { Status::Active };
            world.birth(members.contains(&n), status).await;
        }
        world.ground.index().await;
        world
    }

    async fn birth(&mut self, is_member: bool, status: Status) {
        let email = Email::parse(&format!("p{}@example.com", self.born)).unwrap();
        self.born += 1;
        let mut profile = Profile::new(email.clone(), email.to_string(), status);
        profile.lists.extend(is_member.then_some(self.list));
        let contact = NewContact::of(profile);
        let written = self.write(Write::Create(Box::new(contact))).await;
        self.ids.push(written.id);
    }

    async fn write(&self, write: Write) -> Contact {
        let Ground { store, tenant, .. } = &self.ground;
        let written = store.write(tenant, vec![write], NOW.parse().unwrap()).await.unwrap().remove(0);
        let Written::Done(contact) = written.unwrap() else { panic!("nobody else writes") };
        *contact
    }

    async fn now(&self, id: ContactId) -> Option<Contact> {
        self.ground.store.by_id(&self.ground.tenant, id).await.unwrap()
    }

    /// Lets something happen, and tells to whom.
    async fn take(&mut self, who: usize, what: Happens) -> Option<ContactId> {
        if matches!(what, Happens::IsNew) {
            self.birth(true, Status::Active).await;
            return None;
        }
        let id = self.ids[who % self.ids.len()];
        let before = self.now(id).await?;
        let mut profile = before.profile.clone();
        let mut replaces = None;
        match what {
            Happens::Joins => profile.lists.extend([self.list]),
            Happens::Leaves => drop(profile.lists.remove(&self.list)),
            Happens::Unsubscribes => profile.status = Status::Unsubscribed,
            Happens::Resubscribes => profile.status = Status::Active,
            Happens::MovesAway => {
                profile.email = Email::parse(&format!("m{}@example.com", self.born)).unwrap();
                self.born += 1;
                let there = [profile.email.clone()];
                let there = self.ground.store.standings(&self.ground.tenant, &there).await.unwrap().remove(0);
                if let Standing::Suppressed(suppression) = there {
                    replaces = Some(suppression);
                }
            }
            Happens::IsDeleted => {
                let Ground { store, tenant, .. } = &self.ground;
                store.delete(tenant, &before, NOW.parse().unwrap()).await.unwrap();
                return Some(id);
            }
            Happens::IsNew => {}
        }
        let update = ProfileUpdate { before, profile, replaces, consent: None, origin: None };
        self.write(Write::Update(Box::new(update))).await;
        Some(id)
    }

    fn is_to_be_sent(&self, contact: &Contact) -> bool {
        contact.profile.lists.contains(&self.list) && contact.profile.status == Status::Active
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn whoever_stays_on_a_list_is_handed_over_once_and_nobody_who_came_or_left_since(
        members in prop::collection::btree_set(0..40_usize, 0..40),
        limit in 1..9_usize,
        between in happenings(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(&members).await;
            let mut at_start = BTreeSet::new();
            for id in world.ids.clone() {
                let contact = world.now(id).await.expect("nobody is gone yet");
                at_start.extend(world.is_to_be_sent(&contact).then_some(id.as_uuid()));
            }
            let mut was_away = BTreeSet::new();
            let mut times: BTreeMap<Uuid, usize> = BTreeMap::new();
            let mut cursor = String::new();
            for turn in 0.. {
                let page = world.ground.get(&format!("{}?limit={limit}{cursor}", world.path)).await;
                assert_eq!((page.status, &page.json["total"]), (200, &json!(at_start.len())), "{}", page.json);
                for item in page.json["items"].as_array().unwrap() {
                    let id = Uuid::parse_str(item["id"].as_str().unwrap()).unwrap();
                    *times.entry(id).or_default() += 1;
                    let now = world.ground.contact(item["email"].as_str().unwrap()).await;
                    assert!(world.is_to_be_sent(&now) && now.id.as_uuid() == id, "{item}");
                }
                let Some(next) = page.json["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
                for (who, what) in between.get(turn % between.len()).cloned().unwrap_or_default() {
                    let Some(id) = world.take(who, what).await else { continue };
                    let is_away = world.now(id).await.is_none_or(|now| !world.is_to_be_sent(&now));
                    was_away.extend(is_away.then_some(id.as_uuid()));
                }
                if turn % 3 == 0 {
                    world.ground.index().await;
                }
            }
            for (id, times) in &times {
                assert!(*times == 1 && at_start.contains(id), "{id} came {times} times");
            }
            for id in at_start.difference(&was_away) {
                assert_eq!(times.get(id), Some(&1), "{id} stayed");
            }
        });
    }
}

#[tokio::test]
async fn a_walk_goes_with_its_list_and_its_status_and_not_with_an_order() {
    let ground = ground(5).await;
    ground.made("Everybody", Some("has:email")).await;
    ground.made("Others", Some("has:budget")).await;
    let page = ground.get("/Everybody/contacts?limit=2").await;
    assert_eq!(super::emails(&page), ["c4@example.com", "c3@example.com"]);
    let cursor = page.json["next_cursor"].as_str().unwrap().to_owned();
    for path in [
        format!("/Others/contacts?cursor={cursor}"),
        format!("/Everybody/contacts?status=any&cursor={cursor}"),
        format!("/Everybody/contacts?sort=budget&cursor={cursor}"),
        "/Everybody/contacts?cursor=x".to_owned(),
    ] {
        let reply = ground.get(&path).await;
        assert_eq!((reply.status, reply.code()), (400, "invalid_cursor"), "{path}");
    }
    // Of the rule nobody else comes, and whom it does not mean any more is left out.
    let changed = ground.patch("/Everybody", json!({"query": "industry:odd"})).await;
    assert_eq!(changed.status, 200, "{}", changed.json);
    let page = ground.get(&format!("/Everybody/contacts?cursor={cursor}")).await;
    assert_eq!((super::emails(&page), &page.json["total"]), (vec!["c1@example.com".to_owned()], &json!(4)));
    assert_eq!(ground.delete("/Everybody").await.status, 204);
    assert_eq!(ground.get(&format!("/Everybody/contacts?cursor={cursor}")).await.code(), "list_not_found");
}

#[tokio::test]
async fn a_walk_that_takes_too_long_ends_with_410_and_not_early() {
    let ground = ground(5).await;
    ground.made("Everybody", Some("has:email")).await;
    let page = ground.get("/Everybody/contacts?limit=2").await;
    let cursor = page.json["next_cursor"].as_str().unwrap().to_owned();
    ground.store.forget_frozen();
    let page = ground.get(&format!("/Everybody/contacts?cursor={cursor}")).await;
    assert_eq!((page.status, page.code()), (410, "cursor_expired"));
}
