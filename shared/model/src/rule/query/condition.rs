//! Conditions: fields with what is asked of them, memberships and bare words.

use winnow::Parser;
use winnow::combinator::opt;
use winnow::stream::{Location, Stream};

use super::super::error::{Fault, did_you_mean, shown, with_guess};
use super::super::{
    Choice, Comparison, Condition, FieldRef, ListRef, Literal, Operator, Period, Relative, Rule,
    StandardField, TimeSpan, text,
};
use super::lex::{
    Input, Lexeme, Read, expected, head, keyword, must, next, refuse, sign, skip, space, value,
};

/// Says what stands where a condition is expected.
pub(super) const CONDITION: &str = "a condition such as `status:active`, `score:>50` or a word";

/// Reads one condition.
pub(super) fn condition(input: &mut Input<'_>) -> Read<Rule> {
    let Some(head) = opt(head).parse_next(input)? else { return expected(input, CONDITION) };
    let start = input.checkpoint();
    space(input)?;
    if !matches!(next(input), Some(':' | '<' | '>' | '=' | '!')) {
        input.reset(&start);
        return words(input, &head);
    }
    match (head.is_quoted, head.text.to_ascii_lowercase().as_str()) {
        (false, "has") => presence(input, head.at, Condition::Exists),
        (false, "missing") => presence(input, head.at, Condition::Missing),
        (false, "list") => named(input, head.at, "list").map(Rule::List),
        (false, "segment") => named(input, head.at, "segment").map(Rule::Segment),
        (false, "tag") => on_field(input, FieldRef::Standard(StandardField::Tags), head.at),
        _ => match FieldRef::parse(&head.text) {
            Some(field) => on_field(input, field, head.at),
            None => no_field(&head),
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
    let Some(field) = field else { return no_field(&name) };
    input.state.leaves.push((name.at, at));
    Ok(Rule::Field { field, condition })
}

fn no_field<T>(name: &Lexeme<'_>) -> Read<T> {
    refuse(name.at, Fault::new("invalid_query", format!("`{}` can name no field", shown(&name.text))))
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
        _ if *field == FieldRef::Standard(StandardField::Tags) => {
            Ok(Condition::Many(Choice::HasAny, vec![literal(value)]))
        }
        _ => Ok(match Period::parse(&value.text) {
            Some(period) if !value.is_quoted => Condition::During(period),
            _ => Condition::One(Comparison::Is, literal(value)),
        }),
    }
}

/// Reads `operator(values)`.
fn called(input: &mut Input<'_>, name: &Lexeme<'_>) -> Read<Condition> {
    let Some(operator) = Operator::parse(&name.text) else {
        let guess = did_you_mean(&name.text, Operator::NAMES.into_iter().map(|(_, name)| name));
        let complaint =
            format!("`{}` in front of `(` is no operator (quotes hold a text together)", shown(&name.text));
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
    let complaint =
        format!("`{}` is no period; use `today`, `this_week`, `last_month` and the like", shown(name));
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
