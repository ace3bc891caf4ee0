//! How many contacts each of many rules means, by one reading of the index.

use std::collections::{BTreeSet, HashMap};

use index::{Answer, IndexTable, Planner, Question};
use model::rule::{Bound, Leaf, Moment, Node, Source, StandardField, Test, TextTest};
use model::{Contact, Ordinal, Status};
use roaring::RoaringBitmap;

use crate::search::means;
use crate::{Consistency, ContactSearch, ContactStore, MAX_LOOKED_AT, SearchError, StoreError};

/// Is how many contacts a rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// All of them.
    pub all: u64,
    /// Those that may be written to.
    pub active: u64,
}

impl<S: ContactStore + IndexTable<Error = StoreError>> ContactSearch<'_, S> {
    /// Counts whom each of some rules means. Whatever several of them ask of the index is read once,
    /// and a contact that has to be looked at is looked at once.
    ///
    /// # Errors
    /// When a table fails. A rule has an error of its own where the index alone does not tell, the
    /// rules with the fewest contacts to look at coming first.
    pub async fn count_all(
        &self,
        rules: &[&Bound],
    ) -> Result<Vec<Result<Counted, SearchError>>, SearchError> {
        let Some(first) = rules.first() else { return Ok(Vec::new()) };
        let addresses = self.addresses(rules).await?;
        let id_key = self.tenant.secret.id_key();
        let planner = Planner { id_key: &id_key, addresses: &addresses };
        let active = planner.question(&active(&first.moment));
        let questions: Vec<Question> = rules.iter().map(|rule| planner.question(rule)).collect();
        let reader = self.reader(self.store.ordinals(self.tenant).await?);
        let mut answers = reader.read(questions.iter().chain([&active]), None).await?;
        let active = answers.to(&active).certain;
        let mut found: Vec<Answer> = questions.iter().map(|question| answers.to(question)).collect();
        let mut looks = Looks::choose(&found);
        if looks.chosen.contains(&false) {
            // Perhaps of crowds that did something within one minute, or were made within one second.
            answers.to_the_step();
            found = questions.iter().map(|question| answers.to(question)).collect();
            looks = Looks::choose(&found);
        }
        let asked: Vec<Ordinal> = looks.ordinals.iter().map(Ordinal).collect();
        let contacts = match asked.as_slice() {
            [] => Vec::new(),
            asked => self.store.by_ordinals(self.tenant, asked, Consistency::Eventual).await?,
        };
        let contacts: HashMap<u32, Contact> =
            contacts.into_iter().map(|contact| (contact.ordinal.0, contact)).collect();
        let counted = rules.iter().zip(found).zip(looks.chosen).map(|((rule, answer), is_chosen)| {
            let open = answer.open();
            if !is_chosen {
                return Err(SearchError::TooManyToLookAt(open.len()));
            }
            let mut members = answer.certain;
            let meant = open.iter().filter_map(|ordinal| contacts.get(&ordinal));
            members.extend(meant.filter(|contact| means(rule, contact)).map(|contact| contact.ordinal.0));
            Ok(Counted { all: members.len(), active: members.intersection_len(&active) })
        });
        Ok(counted.collect())
    }
}

/// Says whose open contacts are looked at.
struct Looks {
    ordinals: RoaringBitmap,
    chosen: Vec<bool>,
}

impl Looks {
    /// Chooses answers, those that leave the fewest open first, while all of them together leave no
    /// more open than one question may.
    fn choose(answers: &[Answer]) -> Self {
        let open: Vec<RoaringBitmap> = answers.iter().map(Answer::open).collect();
        let mut order: Vec<usize> = (0..open.len()).collect();
        order.sort_by_key(|place| open.get(*place).map(RoaringBitmap::len));
        let mut looks = Self { ordinals: RoaringBitmap::new(), chosen: vec![false; open.len()] };
        for place in order {
            let (Some(open), Some(chosen)) = (open.get(place), looks.chosen.get_mut(place)) else { continue };
            if looks.ordinals.union_len(open) <= MAX_LOOKED_AT {
                looks.ordinals |= open;
                *chosen = true;
            }
        }
        looks
    }
}

fn active(moment: &Moment) -> Bound {
    let status = BTreeSet::from([Status::Active.as_str().to_owned()]);
    let leaf = Leaf {
        source: Source::Standard(StandardField::Status),
        test: Test::Text(TextTest::OneOf(status)),
        is_negated: false,
    };
    Bound { node: Node::Leaf(leaf), moment: moment.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(possible: std::ops::Range<u32>) -> Answer {
        Answer { certain: RoaringBitmap::new(), possible: possible.collect() }
    }

    #[test]
    fn as_many_answers_are_looked_at_as_one_question_may_leave_open() {
        let answers = [answer(0..9_000), answer(0..0), answer(8_000..10_000), answer(20_000..22_000)];
        let looks = Looks::choose(&answers);
        assert_eq!(looks.chosen, [false, true, true, true]);
        assert_eq!(looks.ordinals.len(), 4_000);
    }
}
