//! From a query string to a tree; the grammar stands in [`super`].

use winnow::Parser;
use winnow::combinator::opt;
use winnow::error::ErrMode;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};

use super::super::error::{Fault, did_you_mean, with_guess};
use super::super::limits::{self, MAX_DEPTH};
use super::super::{
    Choice, Comparison, Condition, FieldRef, LeafPlace, ListRef, Literal, Operator, Parsed, Period, Place,
    Relative, Rule, RuleError, StandardField, TimeSpan, text,
};
use super::lex::{
    Input, Lexeme, Read, State, end_of_condition, expected, head, keyword, must, next, refuse, sign, skip,
    space, value,
};

const CONDITION: &str = "a condition such as `status:active`, `score:>50` or a word";

/// Reads a query string.
pub(in super::super) fn parse(query: &str) -> Result<Parsed, RuleError> {
    limits::check_size(query.len()).map_err(|fault| fault.at(Place::Column(1)))?;
    if query.trim().is_empty() {
        let detail = "the query is empty; say what to look for, or `has:email` for every contact";
        return Err(Fault::new("empty_rule", detail).at(Place::Column(1)));
    }
    let mut input: Input<'_> = Stateful { input: LocatingSlice::new(query), state: State::default() };
    match whole(&mut input) {
        Ok(rule) => {
            let mut columns = Columns::of(query);
            let places = input.state.leaves.iter().map(|(field, value)| LeafPlace {
                field: columns.place(*field),
                value: columns.place(*value),
            });
            Parsed { rule, places: places.collect() }.within_limits(Place::Column(1))
        }
        Err(ErrMode::Backtrack(failure) | ErrMode::Cut(failure)) => {
            let fault =
                failure.fault.unwrap_or_else(|| Fault::new("invalid_query", format!("expected {CONDITION}")));
            Err(fault.at(Columns::of(query).place(failure.at)))
        }
        // Only a stream that is not there as a whole is ever incomplete.
        Err(ErrMode::Incomplete(_)) => {
            Err(Fault::new("invalid_query", "the query breaks off").at(Place::Column(query.chars().count())))
        }
    }
}

/// Counts columns up to places that mostly increase.
struct Columns<'q> {
    query: &'q str,
    counted: (usize, usize),
}

impl<'q> Columns<'q> {
    fn of(query: &'q str) -> Self {
        Self { query, counted: (0, 1) }
    }

    fn place(&mut self, byte: usize) -> Place {
        let (from, column) = if self.counted.0 <= byte { self.counted } else { (0, 1) };
        let between = self.query.get(from..byte).unwrap_or_default();
        self.counted = (byte, column + between.chars().count());
        Place::Column(self.counted.1)
    }
}

fn whole(input: &mut Input<'_>) -> Read<Rule> {
    let rule = any_of(input)?;
    space(input)?;
    match next(input) {
        None => Ok(rule),
        Some(')') => expected(input, "the end or another condition (no bracket is open)"),
        Some(_) => expected(input, CONDITION),
    }
}

fn any_of(input: &mut Input<'_>) -> Read<Rule> {
    let mut rules = vec![all_of(input)?];
    loop {
        space(input)?;
        if !keyword(input, "OR")? {
            return Ok(Rule::any(rules));
        }
        rules.push(all_of(input)?);
    }
}

fn all_of(input: &mut Input<'_>) -> Read<Rule> {
    let mut rules = vec![negation(input)?];
    loop {
        space(input)?;
        let is_over = matches!(next(input), None | Some(')')) || is_next(input, "OR")?;
        if !keyword(input, "AND")? && is_over {
            return Ok(Rule::all(rules));
        }
        rules.push(negation(input)?);
    }
}

fn is_next(input: &mut Input<'_>, wanted: &'static str) -> Read<bool> {
    let start = input.checkpoint();
    let found = keyword(input, wanted)?;
    input.reset(&start);
    Ok(found)
}

fn negation(input: &mut Input<'_>) -> Read<Rule> {
    space(input)?;
    if sign(input, "-")? || keyword(input, "NOT")? {
        return nested(input, |input| Ok(Rule::Not(Box::new(negation(input)?))));
    }
    if sign(input, "(")? {
        return nested(input, |input| {
            let rule = any_of(input)?;
            must(input, ")")?;
            Ok(rule)
        });
    }
    if is_next(input, "AND")? || is_next(input, "OR")? {
        return expected(input, CONDITION);
    }
    let rule = condition(input)?;
    end_of_condition(input)?;
    Ok(rule)
}

/// Keeps hostile nesting from the stack.
fn nested(input: &mut Input<'_>, read: impl FnOnce(&mut Input<'_>) -> Read<Rule>) -> Read<Rule> {
    input.state.nesting += 1;
    if input.state.nesting > MAX_DEPTH {
        return refuse(input.current_token_start(), limits::too_deep());
    }
    let rule = read(input)?;
    input.state.nesting -= 1;
    Ok(rule)
}

fn condition(input: &mut Input<'_>) -> Read<Rule> {
    let Some(head) = opt(head).parse_next(input)? else { return expected(input, CONDITION) };
    let start = input.clone();
    space(input)?;
    if !matches!(next(input), Some(':' | '<' | '>' | '=' | '!')) {
        *input = start;
        return words(input, &head);
    }
    match (head.is_quoted, head.text.to_ascii_lowercase().as_str()) {
        (false, "has") => presence(input, head.at, Condition::Exists),
        (false, "missing") => presence(input, head.at, Condition::Missing),
        (false, "list") => named(input, head.at, "list").map(Rule::List),
        (false, "segment") => named(input, head.at, "segment").map(Rule::Segment),
        (false, "tag") => on_field(input, FieldRef::Standard(StandardField::Tags), head.at),
        (_, name) => match FieldRef::parse(&head.text) {
            Some(field) => on_field(input, field, head.at),
            None => refuse(head.at, Fault::new("invalid_query", format!("`{name}` can name no field"))),
        },
    }
}

fn words(input: &mut Input<'_>, head: &Lexeme<'_>) -> Read<Rule> {
    sign(input, "*")?;
    if text::pieces(&head.text).is_empty() {
        return refuse(head.at, Fault::new("invalid_query", "there is nothing to look for in these quotes"));
    }
    input.state.leaves.push((head.at, head.at));
    Ok(Rule::Words(head.text.clone().into_owned()))
}

fn presence(input: &mut Input<'_>, at: usize, condition: Condition) -> Read<Rule> {
    must(input, ":")?;
    space(input)?;
    let Some(name) = opt(head).parse_next(input)? else { return expected(input, "the name of a field") };
    let field = match name.text.to_ascii_lowercase().as_str() {
        "tag" if !name.is_quoted => Some(FieldRef::Standard(StandardField::Tags)),
        _ => FieldRef::parse(&name.text),
    };
    let Some(field) = field else {
        return refuse(name.at, Fault::new("invalid_query", format!("`{}` can name no field", name.text)));
    };
    input.state.leaves.push((name.at, at));
    Ok(Rule::Field { field, condition })
}

fn named(input: &mut Input<'_>, at: usize, what: &str) -> Read<ListRef> {
    must(input, ":")?;
    space(input)?;
    let what = format!("the name of a {what}");
    let Some(name) = opt(value).parse_next(input)? else { return expected(input, &what) };
    input.state.leaves.push((at, name.at));
    match ListRef::new(name.text) {
        Some(list) => Ok(list),
        None => {
            refuse(name.at, Fault::new("invalid_query", format!("expected {what}, found none in the quotes")))
        }
    }
}

fn on_field(input: &mut Input<'_>, field: FieldRef, at: usize) -> Read<Rule> {
    let colon = sign(input, ":")?;
    space(input)?;
    // Said before the condition is read: the places go from left to right.
    input.state.leaves.push((at, input.current_token_start()));
    let condition = match compared(input)? {
        Some(condition) => condition,
        None if colon => tested(input, &field)?,
        None => return expected(input, "`:`, `=`, `!=`, `>`, `>=`, `<` or `<=`"),
    };
    Ok(Rule::Field { field, condition })
}

fn compared(input: &mut Input<'_>) -> Read<Option<Condition>> {
    const SIGNS: [(&str, Comparison); 6] = [
        (">=", Comparison::Gte),
        ("<=", Comparison::Lte),
        ("!=", Comparison::Ne),
        (">", Comparison::Gt),
        ("<", Comparison::Lt),
        ("=", Comparison::Eq),
    ];
    for (spelling, comparison) in SIGNS {
        if !sign(input, spelling)? {
            continue;
        }
        space(input)?;
        let value = some_value(input)?;
        let relative = match comparison {
            Comparison::Gt => Some(Relative::OlderThan),
            Comparison::Lt => Some(Relative::InLast),
            _ => None,
        };
        return match relative {
            Some(relative) if !value.is_quoted && TimeSpan::is_like(&value.text) => {
                time_span(&value).map(|span| Some(Condition::Relative(relative, span)))
            }
            _ => Ok(Some(Condition::One(comparison, literal(value)))),
        };
    }
    Ok(None)
}

fn tested(input: &mut Input<'_>, field: &FieldRef) -> Read<Condition> {
    if sign(input, "(")? {
        let values = values(input)?;
        let is_tags = *field == FieldRef::Standard(StandardField::Tags);
        return Ok(Condition::Many(if is_tags { Choice::HasAny } else { Choice::In }, values));
    }
    if sign(input, "..")? {
        return some_value(input).map(|value| Condition::One(Comparison::Lte, literal(value)));
    }
    if sign(input, "*")? {
        let Some(value) = opt(value).parse_next(input)? else { return Ok(Condition::Exists) };
        let comparison = if sign(input, "*")? { Comparison::Contains } else { Comparison::EndsWith };
        return Ok(Condition::One(comparison, literal(value)));
    }
    let value = some_value(input)?;
    match next(input) {
        Some('*') => {
            skip(input)?;
            Ok(Condition::One(Comparison::StartsWith, literal(value)))
        }
        Some('(') if !value.is_quoted => called(input, &value),
        _ if sign(input, "..")? => match opt(self::value).parse_next(input)? {
            Some(end) => Ok(Condition::Between(literal(value), literal(end))),
            None => Ok(Condition::One(Comparison::Gte, literal(value))),
        },
        _ => Ok(match (value.is_quoted, Period::parse(&value.text), field) {
            (false, Some(period), _) => Condition::During(period),
            (_, _, FieldRef::Standard(StandardField::Tags)) => {
                Condition::Many(Choice::HasAny, vec![literal(value)])
            }
            _ => Condition::One(Comparison::Is, literal(value)),
        }),
    }
}

/// Reads `operator(values)`.
fn called(input: &mut Input<'_>, name: &Lexeme<'_>) -> Read<Condition> {
    let Some(operator) = Operator::parse(&name.text) else {
        let guess = did_you_mean(&name.text, Operator::NAMES.into_iter().map(|(_, name)| name));
        let complaint =
            format!("`{}` in front of `(` is no operator (quotes hold a text together)", name.text);
        return refuse(name.at, Fault::new("unknown_operator", with_guess(complaint, guess)));
    };
    must(input, "(")?;
    space(input)?;
    let condition = match operator {
        Operator::Exists => Condition::Exists,
        Operator::Missing => Condition::Missing,
        Operator::One(comparison) => Condition::One(comparison, literal(some_value(input)?)),
        Operator::Many(choice) => return values(input).map(|values| Condition::Many(choice, values)),
        Operator::Between => {
            let from = literal(some_value(input)?);
            must(input, ",")?;
            space(input)?;
            Condition::Between(from, literal(some_value(input)?))
        }
        Operator::Relative(relative) => Condition::Relative(relative, time_span(&some_value(input)?)?),
        Operator::During => {
            let name = some_value(input)?;
            match Period::parse(&name.text) {
                Some(period) => Condition::During(period),
                None => return refuse(name.at, no_period(&name.text)),
            }
        }
    };
    must(input, ")")?;
    Ok(condition)
}

/// Says what a period is called.
pub(in super::super) fn no_period(name: &str) -> Fault {
    let guess = did_you_mean(name, Period::NAMES.into_iter().map(|(_, name)| name));
    let complaint = format!("`{name}` is no period; use `today`, `this_week`, `last_month` and the like");
    Fault::new("invalid_value", with_guess(complaint, guess))
}

/// Reads values up to the closing bracket.
fn values(input: &mut Input<'_>) -> Read<Vec<Literal>> {
    let mut values = Vec::new();
    loop {
        space(input)?;
        values.push(literal(some_value(input)?));
        space(input)?;
        if sign(input, ")")? {
            return Ok(values);
        }
        if !sign(input, ",")? && !keyword(input, "OR")? {
            return expected(input, "`OR`, `,` or `)` (quotes hold a text together)");
        }
    }
}

fn some_value<'i>(input: &mut Input<'i>) -> Read<Lexeme<'i>> {
    match opt(value).parse_next(input)? {
        Some(value) => Ok(value),
        None => expected(input, "a value"),
    }
}

fn literal(value: Lexeme<'_>) -> Literal {
    if value.is_quoted { Literal::Text(value.text.into_owned()) } else { Literal::of_word(&value.text) }
}

fn time_span(value: &Lexeme<'_>) -> Read<TimeSpan> {
    match TimeSpan::parse(&value.text) {
        Some(span) => Ok(span),
        None => refuse(value.at, Fault::new("invalid_value", format!("expected {}", TimeSpan::EXPECTED))),
    }
}
