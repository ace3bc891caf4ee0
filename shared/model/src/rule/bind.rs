//! From names and literals to fields, lists and typed tests.

use std::collections::BTreeSet;

use super::bound::{Bound, Leaf, Node, SetTest, Source, Test};
use super::error::{Fault, did_you_mean, shown};
use super::{
    Choice, Condition, FieldRef, Kind, LeafPlace, ListRef, Lists, Literal, MAX_DEPTH, MAX_LEAVES, Moment,
    Parsed, Place, Rule, RuleError, StandardField, text, typed,
};
use crate::{AttributeType, Fields, ListNumber, Status, Tier};

/// Most conditions of a rule with all segments that it names.
const MAX_LEAVES_WITH_SEGMENTS: usize = 10 * MAX_LEAVES;

/// Is something odd about a rule that works all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// `unknown_field` or `unknown_value`; stable, for programs.
    pub code: &'static str,
    /// The field.
    pub field: String,
    /// The value, where that is what nobody has.
    pub value: Option<String>,
    /// What may have been meant.
    pub did_you_mean: Option<String>,
    /// Where it is.
    pub place: Place,
}

impl From<Warning> for RuleError {
    /// Takes what is odd as a fault: of a rule that is kept it is one.
    fn from(warning: Warning) -> Self {
        let named = match &warning.value {
            Some(value) => format!("no contact has the value `{}` of `{}`", shown(value), warning.field),
            None => format!("there is no field `{}`", shown(&warning.field)),
        };
        let guess = warning.did_you_mean.map(|guess| format!("; did you mean `{guess}`?"));
        let detail = named + guess.as_deref().unwrap_or_default();
        Fault::new(warning.code, detail).at(warning.place)
    }
}

/// Binds a rule to the fields and lists of a tenant, and to a moment.
///
/// A field that nobody has is a warning: its value is missing everywhere.
///
/// # Errors
/// All faults: values and operators that do not fit their fields, lists that do not exist.
pub fn bind(
    parsed: &Parsed,
    fields: &Fields,
    lists: &impl Lists,
    moment: &Moment,
) -> Result<(Bound, Vec<Warning>), Vec<RuleError>> {
    let mut binder = Binder {
        fields,
        lists,
        moment,
        places: parsed.places.iter(),
        warnings: Vec::new(),
        errors: Vec::new(),
        leaves: 0,
        within: Vec::new(),
    };
    let node = binder.node(&parsed.rule);
    if !binder.errors.is_empty() {
        return Err(binder.errors);
    }
    Ok((Bound { node, moment: moment.clone() }, binder.warnings))
}

struct Binder<'b, L> {
    fields: &'b Fields,
    lists: &'b L,
    moment: &'b Moment,
    places: std::slice::Iter<'b, LeafPlace>,
    warnings: Vec<Warning>,
    errors: Vec<RuleError>,
    leaves: usize,
    /// The segments whose rules are being bound, by number and name, with the place that named the
    /// outermost.
    within: Vec<(ListNumber, String, LeafPlace)>,
}

impl<L: Lists> Binder<'_, L> {
    fn node(&mut self, rule: &Rule) -> Node {
        match rule {
            Rule::All(rules) => Node::All(rules.iter().map(|rule| self.node(rule)).collect()),
            Rule::Any(rules) => Node::Any(rules.iter().map(|rule| self.node(rule)).collect()),
            Rule::Not(rule) => Node::Not(Box::new(self.node(rule))),
            leaf => {
                let place = self.place();
                self.leaves += 1;
                self.leaf(leaf, &place).unwrap_or_else(|error| {
                    self.errors.push(error);
                    // Never evaluated: with an error nothing is bound.
                    Node::Any(Vec::new())
                })
            }
        }
    }

    /// Gives the place of the next condition; within a segment that is where the segment is named.
    fn place(&mut self) -> LeafPlace {
        let nowhere = || LeafPlace { field: Place::Column(1), value: Place::Column(1) };
        match self.within.first() {
            Some((.., place)) => place.clone(),
            None => self.places.next().cloned().unwrap_or_else(nowhere),
        }
    }

    fn leaf(&mut self, rule: &Rule, place: &LeafPlace) -> Result<Node, RuleError> {
        if self.leaves > MAX_LEAVES_WITH_SEGMENTS {
            let detail =
                format!("with its segments a rule has at most {MAX_LEAVES_WITH_SEGMENTS} conditions");
            return Err(Fault::new("too_many_conditions", detail).at(place.field.clone()));
        }
        let leaf = match rule {
            Rule::Field { field, condition } => self.field(field, condition, place)?,
            Rule::Words(words) => {
                Leaf { source: Source::Words, test: Test::Words(text::pieces(words)), is_negated: false }
            }
            Rule::List(list) => {
                let source = Source::List(self.list(list, &place.value)?);
                Leaf { source, test: Test::Exists, is_negated: false }
            }
            Rule::Segment(segment) => return self.segment(segment, place),
            Rule::All(_) | Rule::Any(_) | Rule::Not(_) => return Ok(self.node(rule)),
        };
        Ok(Node::Leaf(leaf))
    }

    fn field(
        &mut self,
        field: &FieldRef,
        condition: &Condition,
        place: &LeafPlace,
    ) -> Result<Leaf, RuleError> {
        let is_negated = condition.operator().holds_of_missing();
        let (source, kind) = match field {
            FieldRef::Standard(field) => (Source::Standard(*field), field.kind()),
            FieldRef::Attribute(slug) => match self.fields.get(slug) {
                Some(field) => (field.source(), kind_of(field.id.kind)),
                None => {
                    self.warn_of_field(field, place);
                    return Ok(Leaf { source: Source::Unknown, test: Test::Exists, is_negated });
                }
            },
        };
        let test = match (kind, condition) {
            // Of a list that was deleted contacts may still hold the number.
            (Kind::Lists, Condition::Exists | Condition::Missing) => {
                Test::Lists(SetTest::Any(self.lists.statics()))
            }
            (_, Condition::Exists | Condition::Missing) => Test::Exists,
            (
                Kind::Lists,
                Condition::Many(choice @ (Choice::HasAny | Choice::HasAll | Choice::HasNone), names),
            ) => {
                let lists = names.iter().map(|name| match ListRef::new(name.to_string()) {
                    Some(list) => self.list(&list, &place.value),
                    None => Err(no_list(&name.to_string()).at(place.value.clone())),
                });
                let lists: BTreeSet<ListNumber> = lists.collect::<Result<_, _>>()?;
                Test::Lists(if *choice == Choice::HasAll { SetTest::All(lists) } else { SetTest::Any(lists) })
            }
            _ => typed::test(&source, kind, field, condition, self.moment)
                .map_err(|fault| self.placed(fault, &place.value))?,
        };
        self.warn_of_values(field, condition, place);
        Ok(Leaf { source, test, is_negated })
    }

    fn list(&self, list: &ListRef, place: &Place) -> Result<ListNumber, RuleError> {
        if let Some(number) = self.lists.list(list) {
            return Ok(number);
        }
        let name = shown(list.as_str());
        let fault = match self.lists.segment(list) {
            Some(_) => {
                let detail = format!("`{name}` is no static list but a segment; ask for it by `segment:`");
                Fault::new("unknown_list", detail)
            }
            None => no_list(list.as_str()),
        };
        Err(self.placed(fault, place))
    }

    fn segment(&mut self, name: &ListRef, place: &LeafPlace) -> Result<Node, RuleError> {
        let Some(segment) = self.lists.segment(name) else {
            let fault = match self.lists.list(name) {
                Some(_) => {
                    let name = shown(name.as_str());
                    let detail = format!("`{name}` is no segment but a static list; ask for it by `list:`");
                    Fault::new("unknown_segment", detail)
                }
                None => no_segment(name.as_str()),
            };
            return Err(self.placed(fault, &place.value));
        };
        let is_cycle = self.within.iter().any(|(outer, ..)| *outer == segment.number);
        if is_cycle || self.within.len() >= MAX_DEPTH {
            let fault = if is_cycle {
                let chain: Vec<String> = self.within.iter().map(|(_, name, _)| shown(name)).collect();
                let detail = format!(
                    "the segment `{}` is part of its own rule: {} > {0}",
                    shown(&segment.name),
                    chain.join(" > ")
                );
                Fault::new("segment_cycle", detail)
            } else {
                let detail = format!("segments name each other more than {MAX_DEPTH} levels deep");
                Fault::new("segments_too_deep", detail)
            };
            return Err(self.placed(fault, &place.value));
        }
        self.within.push((segment.number, segment.name, place.clone()));
        let node = self.node(&segment.rule);
        self.within.pop();
        Ok(Node::Segment(Box::new((segment.rule, node))))
    }

    /// Places a fault; one in a segment's rule says so.
    fn placed(&self, fault: Fault, place: &Place) -> RuleError {
        match self.within.last() {
            None => fault.at(place.clone()),
            Some((_, segment, _)) => {
                let detail = format!("in the rule of the segment `{}`: {}", shown(segment), fault.detail);
                Fault::new(fault.code, detail).at(place.clone())
            }
        }
    }

    fn warn_of_field(&mut self, field: &FieldRef, place: &LeafPlace) {
        let name = match field {
            FieldRef::Attribute(slug) => slug.to_string(),
            FieldRef::Standard(field) => field.as_str().to_owned(),
        };
        let standard = StandardField::ALL.map(StandardField::as_str);
        let others = ["tag", "list", "segment", "has", "missing"];
        let custom = self.fields.iter().map(|field| field.slug.as_str());
        let guess = did_you_mean(&name, standard.into_iter().chain(others).chain(custom)).map(str::to_owned);
        self.warnings.push(Warning {
            code: "unknown_field",
            did_you_mean: guess,
            field: name,
            value: None,
            place: place.field.clone(),
        });
    }

    /// Warns of a status or a tier that there is not.
    fn warn_of_values(&mut self, field: &FieldRef, condition: &Condition, place: &LeafPlace) {
        let known: Vec<&str> = match field {
            FieldRef::Standard(StandardField::Status) => {
                Status::ALL.into_iter().map(Status::as_str).collect()
            }
            FieldRef::Standard(StandardField::Tier) => Tier::ALL.into_iter().map(Tier::as_str).collect(),
            FieldRef::Standard(_) | FieldRef::Attribute(_) => return,
        };
        let values = match condition {
            Condition::One(super::Comparison::Is | super::Comparison::IsNot, value) => {
                std::slice::from_ref(value)
            }
            Condition::Many(_, values) => values,
            _ => return,
        };
        for value in values.iter().map(Literal::to_string) {
            if !known.contains(&text::normal_form(&value).as_str()) {
                self.warnings.push(Warning {
                    code: "unknown_value",
                    field: field.to_string(),
                    did_you_mean: did_you_mean(&value, known.iter().copied()).map(str::to_owned),
                    value: Some(value),
                    place: place.value.clone(),
                });
            }
        }
    }
}

fn kind_of(kind: AttributeType) -> Kind {
    match kind {
        AttributeType::Text => Kind::Text,
        AttributeType::Number => Kind::Number,
        AttributeType::Date => Kind::Day,
        AttributeType::Boolean => Kind::Boolean,
    }
}

fn no_list(name: &str) -> Fault {
    Fault::new("unknown_list", format!("there is no list `{}`", shown(name)))
}

fn no_segment(name: &str) -> Fault {
    Fault::new("unknown_segment", format!("there is no segment `{}`", shown(name)))
}
