//! The tree as JSON: `{"all":[…]}`, `{"any":[…]}`, `{"not":…}`, `{"field":…,"op":…,"value":…}`,
//! `{"words":…}`, `{"list":…}`, `{"segment":…}`. Unknown members are refused by name.
//!
//! `value` is a text, a number or a boolean; a list of them for `in`, `not_in`, `has_any`,
//! `has_all`, `has_none` and, of two, `between`; a span such as `"30d"` for `in_last`, `in_next`,
//! `older_than` and `anniversary_in_next`; a period such as `"this_week"` for `during`; and absent
//! for `exists` and `missing`.

use serde_json::{Map, Value, json};

use super::error::{Fault, did_you_mean, shown, with_guess};
use super::limits::{MAX_DEPTH, MAX_VALUES, too_deep};
use super::{
    Condition, FieldRef, LeafPlace, ListRef, Literal, Operator, Parsed, Period, Place, Rule, RuleError,
    TimeSpan, query, text,
};
use crate::Number;

const KINDS: [&str; 7] = ["all", "any", "not", "field", "words", "list", "segment"];

impl Rule {
    /// Reads a tree.
    ///
    /// # Errors
    /// What is wrong, with a JSON pointer into the tree.
    pub fn from_json(tree: &Value) -> Result<Parsed, RuleError> {
        let mut places = Vec::new();
        let rule = Reader { places: &mut places }.rule(tree, "", MAX_DEPTH)?;
        Parsed { rule, places }.within_limits(Place::Pointer(String::new()))
    }

    /// Reads a tree that was kept: it was within the limits when it was given, and a list that it
    /// names may have a longer name since.
    pub(crate) fn of_kept(tree: &Value) -> Result<Self, RuleError> {
        Reader { places: &mut Vec::new() }.rule(tree, "", MAX_DEPTH)
    }

    /// Gives the tree.
    pub fn to_json(&self) -> Value {
        match self {
            Self::All(rules) => json!({"all": rules.iter().map(Self::to_json).collect::<Vec<_>>()}),
            Self::Any(rules) => json!({"any": rules.iter().map(Self::to_json).collect::<Vec<_>>()}),
            Self::Not(rule) => json!({"not": rule.to_json()}),
            Self::Field { field, condition } => {
                let mut leaf = json!({"field": field.to_json(), "op": condition.operator().as_str()});
                if let (Value::Object(members), Some(value)) = (&mut leaf, value_of(condition)) {
                    members.insert("value".to_owned(), value);
                }
                leaf
            }
            Self::Words(words) => json!({"words": words}),
            Self::List(list) => json!({"list": list.as_str()}),
            Self::Segment(segment) => json!({"segment": segment.as_str()}),
        }
    }
}

/// Gives what a condition compares with; none where it takes nothing.
pub(crate) fn value_of(condition: &Condition) -> Option<Value> {
    Some(match condition {
        Condition::Exists | Condition::Missing => return None,
        Condition::One(_, value) => value.to_json(),
        Condition::Many(_, values) => values.iter().map(Literal::to_json).collect(),
        Condition::Between(from, to) => json!([from.to_json(), to.to_json()]),
        Condition::Relative(_, span) => span.to_string().into(),
        Condition::During(period) => period.to_string().into(),
    })
}

impl Literal {
    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => number.to_json(),
            Self::Boolean(boolean) => (*boolean).into(),
        }
    }
}

struct Reader<'p> {
    places: &'p mut Vec<LeafPlace>,
}

impl Reader<'_> {
    fn rule(&mut self, tree: &Value, at: &str, levels: usize) -> Result<Rule, RuleError> {
        if levels == 0 {
            return Err(too_deep().at(pointer(at)));
        }
        let Value::Object(members) = tree else {
            return Err(invalid(
                "expected an object such as `{\"field\":\"score\",\"op\":\"gt\",\"value\":50}`",
                at,
            ));
        };
        let mut kinds = KINDS.into_iter().filter_map(|kind| Some((kind, members.get(kind)?)));
        let (Some((kind, inner)), second) = (kinds.next(), kinds.next()) else {
            let found = members.keys().next().map(String::as_str).unwrap_or_default();
            let complaint = format!("expected one of `{}`", KINDS.join("`, `"));
            return Err(invalid(with_guess(complaint, did_you_mean(found, KINDS)), at));
        };
        if let Some((other, _)) = second {
            return Err(invalid(
                format!("`{kind}` and `{other}` exclude each other; join them in an `all`"),
                at,
            ));
        }
        let known: &[&str] = if kind == "field" { &["field", "op", "value"] } else { &[kind] };
        no_others(members, known, at)?;
        let inside = format!("{at}/{kind}");
        Ok(match kind {
            "all" => Rule::all(self.rules(inner, &inside, levels)?),
            "any" => Rule::any(self.rules(inner, &inside, levels)?),
            "not" => Rule::Not(Box::new(self.rule(inner, &inside, levels - 1)?)),
            "field" => self.leaf(members, inner, at)?,
            "words" => {
                let words = name(inner, "text to look for", &inside)?;
                if text::pieces(words).is_empty() {
                    return Err(invalid("there is nothing to look for in this text", &inside));
                }
                self.place(&inside, &inside);
                Rule::Words(words.to_owned())
            }
            "list" => Rule::List(self.list(inner, &inside)?),
            _ => Rule::Segment(self.list(inner, &inside)?),
        })
    }

    fn rules(&mut self, list: &Value, at: &str, levels: usize) -> Result<Vec<Rule>, RuleError> {
        let rules = list.as_array().filter(|rules| !rules.is_empty()).ok_or_else(|| {
            let detail = "expected a list of one rule or more; every contact is `{\"field\":\"email\",\"op\":\"exists\"}`";
            Fault::new("empty_rule", detail).at(pointer(at))
        })?;
        rules.iter().enumerate().map(|(n, rule)| self.rule(rule, &format!("{at}/{n}"), levels - 1)).collect()
    }

    fn list(&mut self, value: &Value, at: &str) -> Result<ListRef, RuleError> {
        self.place(at, at);
        let list = name(value, "the name or id of a list", at)?;
        ListRef::new(list).ok_or_else(|| invalid("expected the name or id of a list, found blank text", at))
    }

    fn leaf(&mut self, members: &Map<String, Value>, field: &Value, at: &str) -> Result<Rule, RuleError> {
        let value_at = format!("{at}/value");
        let field_at = format!("{at}/field");
        self.place(&field_at, &value_at);
        let field = name(field, "the name of a field", &field_at)?;
        let field = FieldRef::parse(field)
            .ok_or_else(|| invalid(format!("`{}` can name no field", shown(field)), &field_at))?;
        let op_at = format!("{at}/op");
        let Some(op) = members.get("op") else {
            return Err(invalid("expected an `op` such as `is` beside `field`", at));
        };
        let op = name(op, "the name of an operator", &op_at)?;
        let value = members.get("value").filter(|value| !value.is_null());
        let condition = condition(op, value, &op_at, &value_at)?;
        Ok(Rule::Field { field, condition })
    }

    fn place(&mut self, field: &str, value: &str) {
        self.places.push(LeafPlace { field: pointer(field), value: pointer(value) });
    }
}

/// Reads an operator with what it takes, each at its pointer.
pub(crate) fn condition(
    op: &str,
    value: Option<&Value>,
    op_at: &str,
    at: &str,
) -> Result<Condition, RuleError> {
    let operator = Operator::parse(op).ok_or_else(|| {
        let guess = did_you_mean(op, Operator::NAMES.into_iter().map(|(_, name)| name));
        let complaint = format!("`{}` is no operator", shown(op));
        Fault::new("unknown_operator", with_guess(complaint, guess)).at(pointer(op_at))
    })?;
    let needed = || value.ok_or_else(|| invalid(format!("`{operator}` needs a `value`"), at));
    match operator {
        Operator::Exists | Operator::Missing if value.is_some() => {
            Err(invalid(format!("`{operator}` takes no `value`; remove it"), at))
        }
        Operator::Exists => Ok(Condition::Exists),
        Operator::Missing => Ok(Condition::Missing),
        Operator::One(comparison) => Ok(Condition::One(comparison, literal(needed()?, at)?)),
        Operator::Many(choice) => Ok(Condition::Many(choice, literals(needed()?, at)?)),
        Operator::Between => match <[Literal; 2]>::try_from(literals(needed()?, at)?) {
            Ok([from, to]) => Ok(Condition::Between(from, to)),
            Err(_) => Err(invalid("expected a list of two values", at)),
        },
        Operator::Relative(relative) => {
            let span = needed()?.as_str().and_then(TimeSpan::parse);
            let span = span.ok_or_else(|| invalid(format!("expected {}", TimeSpan::EXPECTED), at))?;
            Ok(Condition::Relative(relative, span))
        }
        Operator::During => {
            let name = name(needed()?, "the name of a period", at)?;
            let period = Period::parse(name).ok_or_else(|| query::no_period(name).at(pointer(at)))?;
            Ok(Condition::During(period))
        }
    }
}

fn literals(value: &Value, at: &str) -> Result<Vec<Literal>, RuleError> {
    let values = value.as_array().filter(|values| !values.is_empty());
    let values = values.ok_or_else(|| invalid("expected a list of one value or more", at))?;
    if values.len() > MAX_VALUES {
        let detail = format!(
            "a condition has at most {MAX_VALUES} values, found {}; put the contacts on a list",
            values.len()
        );
        return Err(Fault::new("too_many_values", detail).at(pointer(at)));
    }
    values.iter().enumerate().map(|(n, value)| literal(value, &format!("{at}/{n}"))).collect()
}

fn literal(value: &Value, at: &str) -> Result<Literal, RuleError> {
    match value {
        Value::String(text) => Ok(Literal::Text(text.clone())),
        Value::Bool(boolean) => Ok(Literal::Boolean(*boolean)),
        Value::Number(number) => Number::from_json(number).map(Literal::Number).ok_or_else(|| {
            invalid("this number cannot be kept exactly; whole numbers have at most 15 digits", at)
        }),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(invalid("expected a text, a number, `true` or `false`", at))
        }
    }
}

fn name<'v>(value: &'v Value, what: &str, at: &str) -> Result<&'v str, RuleError> {
    value.as_str().ok_or_else(|| invalid(format!("expected {what}"), at))
}

fn no_others(members: &Map<String, Value>, known: &[&str], at: &str) -> Result<(), RuleError> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(other) => {
            let complaint =
                format!("there is no member `{}` beside `{}`", shown(other), known.first().unwrap_or(&""));
            let place = format!("{at}/{}", other.replace('~', "~0").replace('/', "~1"));
            let guess = did_you_mean(other, known.iter().copied());
            Err(Fault::new("unknown_member", with_guess(complaint, guess)).at(Place::Pointer(place)))
        }
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>, at: &str) -> RuleError {
    Fault::new("invalid_rule", detail).at(pointer(at))
}

fn pointer(at: &str) -> Place {
    Place::Pointer(at.to_owned())
}
