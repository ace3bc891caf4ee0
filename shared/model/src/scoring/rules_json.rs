//! The rules as JSON:
//! `{"rules":[{"id":"hard","event":"email.bounced","where":[{"property":"bounce_type","op":"is","value":"hard"}],"condition":"industry:SaaS","points":-50,"once":false,"cap":100,"window":{"points":10,"days":1}}],"max_score":1000,"decay":{"half_life_days":30},"tiers":{"warm":20,"hot":50}}`.
//! A rule has `points` or `set_to`; all but `id`, `event` and one of these may be left out. A
//! condition is read as a query string or as a tree, and printed as the former.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pattern::is_supported;
use super::{
    Condition, Decay, Effect, EventType, MAX_RULES, Pattern, PropertyTest, RuleId, ScoringRule, ScoringRules,
    Tiers, WindowCap,
};
use crate::Invalid;
use crate::rule::{Place, Rule, RuleError, condition_of_json, value_of_condition};

/// Most tests of properties in one rule.
const MAX_TESTS: usize = 10;
/// Most that one event may bring or take.
const MAX_POINTS: i32 = 1_000_000;

/// Says what is wrong with rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesFault {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// In a query string there: the column.
    pub column: Option<usize>,
    /// What.
    pub invalid: Invalid,
}

impl RulesFault {
    /// Places the fault of a condition that stands somewhere.
    pub(super) fn in_condition(at: &str, error: RuleError) -> Self {
        let invalid = Invalid { code: error.code, detail: error.detail };
        let (pointer, column) = match error.place {
            Place::Pointer(inner) => (format!("{at}{inner}"), None),
            Place::Column(column) => (at.to_owned(), Some(column)),
        };
        Self { pointer, column, invalid }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesForm {
    rules: Vec<RuleForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_score: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decay: Option<Decay>,
    #[serde(default)]
    tiers: Tiers,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleForm {
    id: String,
    event: String,
    #[serde(rename = "where", default, skip_serializing_if = "Vec::is_empty")]
    tests: Vec<TestForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    points: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set_to: Option<i32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    once: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cap: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<WindowCap>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestForm {
    property: String,
    op: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

impl ScoringRules {
    /// Reads rules and gives them a version.
    ///
    /// # Errors
    /// What has the wrong shape (`invalid_value`), or else all faults, each at its place.
    pub fn from_json(json: &Value, version: u64) -> Result<Self, Vec<RulesFault>> {
        let form: RulesForm = serde_path_to_error::deserialize(json).map_err(|error| {
            let pointer = pointer_of(error.path());
            vec![fault(pointer, Invalid::new("invalid_value", error.into_inner().to_string()))]
        })?;
        let mut reader = Reader { faults: Vec::new() };
        let rules = form.rules.into_iter().enumerate();
        let rules: Vec<ScoringRule> =
            rules.filter_map(|(n, rule)| reader.rule(rule, &format!("/rules/{n}"))).collect();
        reader.check_all(&rules, form.max_score, form.tiers);
        if !reader.faults.is_empty() {
            return Err(reader.faults);
        }
        Ok(Self { rules, max_score: form.max_score, decay: form.decay, tiers: form.tiers, version })
    }

    /// Gives the rules as [`ScoringRules::from_json`] reads them.
    pub fn to_json(&self) -> Value {
        let form = RulesForm {
            rules: self.rules.iter().map(form_of).collect(),
            max_score: self.max_score,
            decay: self.decay,
            tiers: self.tiers,
        };
        // Texts, numbers and maps with names only: there is nothing that JSON does not have.
        serde_json::to_value(form).unwrap_or_default()
    }
}

fn form_of(rule: &ScoringRule) -> RuleForm {
    let (points, set_to) = match rule.effect {
        Effect::Points(points) => (Some(points), None),
        Effect::SetTo(points) => (None, Some(points)),
    };
    let tests = rule.pattern.tests.iter().map(|test| TestForm {
        property: test.property.clone(),
        op: test.condition.operator().as_str().to_owned(),
        value: value_of_condition(&test.condition),
    });
    RuleForm {
        id: rule.id.to_string(),
        event: rule.pattern.kind.to_string(),
        tests: tests.collect(),
        condition: rule.condition.as_ref().map(|condition| condition.to_string().into()),
        points,
        set_to,
        once: rule.once,
        cap: rule.cap,
        window: rule.window,
    }
}

struct Reader {
    faults: Vec<RulesFault>,
}

impl Reader {
    fn noted<T>(&mut self, at: String, read: Result<T, Invalid>) -> Option<T> {
        read.map_err(|invalid| self.faults.push(fault(at, invalid))).ok()
    }

    fn placed<T>(&mut self, at: &str, read: Result<T, RuleError>) -> Option<T> {
        read.map_err(|error| self.faults.push(RulesFault::in_condition(at, error))).ok()
    }

    fn rule(&mut self, form: RuleForm, at: &str) -> Option<ScoringRule> {
        let id = self.noted(format!("{at}/id"), RuleId::parse(&form.id));
        let kind = self.noted(format!("{at}/event"), EventType::parse(&form.event));
        if form.tests.len() > MAX_TESTS {
            let detail = format!("a rule tests at most {MAX_TESTS} properties");
            self.faults.push(fault(format!("{at}/where"), Invalid::new("too_many_tests", detail)));
        }
        let tests = form.tests.iter().enumerate();
        let tests: Vec<PropertyTest> =
            tests.filter_map(|(n, test)| self.test(test, &format!("{at}/where/{n}"))).collect();
        let condition =
            form.condition.and_then(|condition| self.condition(&condition, &format!("{at}/condition")));
        let effect = self.effect(form.points, form.set_to, at);
        let has_caps = form.once || form.cap.is_some() || form.window.is_some();
        if matches!(effect, Some(Effect::SetTo(_))) && has_caps {
            let detail = "`once`, `cap` and `window` bound points; they say nothing beside `set_to`";
            self.faults.push(fault(at.to_owned(), Invalid::new("not_with_set_to", detail)));
        }
        Some(ScoringRule {
            id: id?,
            pattern: Pattern { kind: kind?, tests },
            condition,
            effect: effect?,
            once: form.once,
            cap: form.cap,
            window: form.window,
        })
    }

    fn test(&mut self, form: &TestForm, at: &str) -> Option<PropertyTest> {
        let value_at = format!("{at}/value");
        let value = form.value.as_ref().filter(|value| !value.is_null());
        let condition = condition_of_json(&form.op, value, &format!("{at}/op"), &value_at);
        let condition = self.placed("", condition)?;
        if !is_supported(&condition) {
            let detail = format!("`{}` does not work on properties, which have no declared type", form.op);
            self.faults.push(fault(format!("{at}/op"), Invalid::new("unsupported_operator", detail)));
        }
        Some(PropertyTest { property: form.property.clone(), condition })
    }

    fn condition(&mut self, condition: &Value, at: &str) -> Option<Condition> {
        let parsed = match condition {
            Value::Null => return None,
            Value::String(query) => Rule::parse(query),
            tree => Rule::from_json(tree),
        };
        self.placed(at, parsed.and_then(Condition::new))
    }

    fn effect(&mut self, points: Option<i32>, set_to: Option<i32>, at: &str) -> Option<Effect> {
        let (effect, name, size) = match (points, set_to) {
            (Some(points), None) => (Effect::Points(points), "points", points),
            (None, Some(points)) => (Effect::SetTo(points), "set_to", points),
            _ => {
                let invalid = Invalid::new("points_or_set_to", "give either `points` or `set_to`");
                return self.noted(at.to_owned(), Err(invalid));
            }
        };
        let out_of_range = || {
            let detail = format!("points go from -{MAX_POINTS} to {MAX_POINTS}");
            Invalid::new("out_of_range", detail)
        };
        let fits = (-MAX_POINTS..=MAX_POINTS).contains(&size);
        self.noted(format!("{at}/{name}"), if fits { Ok(effect) } else { Err(out_of_range()) })
    }

    fn check_all(&mut self, rules: &[ScoringRule], max_score: Option<i64>, tiers: Tiers) {
        if rules.len() > MAX_RULES {
            let invalid = Invalid::new("too_many_rules", format!("there are at most {MAX_RULES} rules"));
            self.faults.push(fault("/rules".to_owned(), invalid));
        }
        for (n, rule) in rules.iter().enumerate() {
            if rules.iter().take(n).any(|other| other.id == rule.id) {
                let detail = format!("another rule has the id `{}`; each needs its own", rule.id);
                self.faults.push(fault(format!("/rules/{n}/id"), Invalid::new("duplicate_rule_id", detail)));
            }
        }
        if max_score.is_some_and(|max| !(1..=i64::from(u32::MAX)).contains(&max)) {
            let invalid = Invalid::new("out_of_range", format!("give a score from 1 to {}", u32::MAX));
            self.faults.push(fault("/max_score".to_owned(), invalid));
        }
        if tiers.warm >= tiers.hot {
            let invalid = Invalid::new("invalid_tiers", "`hot` has to begin above `warm`");
            self.faults.push(fault("/tiers".to_owned(), invalid));
        }
    }
}

fn fault(pointer: String, invalid: Invalid) -> RulesFault {
    RulesFault { pointer, column: None, invalid }
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } | Segment::Enum { variant: key } => {
            format!("/{}", key.replace('~', "~0").replace('/', "~1"))
        }
        Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}
