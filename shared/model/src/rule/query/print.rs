//! From a tree to its canonical query string.

use std::fmt::{self, Write};

use super::super::{
    Choice, Comparison, Condition, FieldRef, Literal, Period, Relative, Rule, StandardField, TimeSpan,
};
use super::lex::{is_head_char, is_keyword, is_value_char, starts_value};

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(rules) => joined(f, rules, " AND ", |rule| matches!(rule, Self::All(_) | Self::Any(_))),
            Self::Any(rules) => joined(f, rules, " OR ", |rule| matches!(rule, Self::Any(_))),
            Self::Not(rule) => {
                f.write_str("NOT ")?;
                bracketed(f, rule, matches!(**rule, Self::All(_) | Self::Any(_)))
            }
            Self::Field { field, condition } => conditioned(f, field, condition),
            Self::Words(words) => {
                let is_plain =
                    !words.starts_with('-') && words.chars().all(is_head_char) && !is_keyword(words);
                if is_plain { f.write_str(words) } else { quoted(f, words) }
            }
            Self::List(list) => write!(f, "list:{}", text(list.as_str())),
            Self::Segment(segment) => write!(f, "segment:{}", text(segment.as_str())),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    rules: &[Rule],
    joint: &str,
    needs_brackets: impl Fn(&Rule) -> bool,
) -> fmt::Result {
    for (n, rule) in rules.iter().enumerate() {
        if n > 0 {
            f.write_str(joint)?;
        }
        bracketed(f, rule, needs_brackets(rule))?;
    }
    Ok(())
}

fn bracketed(f: &mut fmt::Formatter<'_>, rule: &Rule, brackets: bool) -> fmt::Result {
    if brackets { write!(f, "({rule})") } else { write!(f, "{rule}") }
}

fn conditioned(f: &mut fmt::Formatter<'_>, field: &FieldRef, condition: &Condition) -> fmt::Result {
    let is_tags = *field == FieldRef::Standard(StandardField::Tags);
    match condition {
        Condition::Exists => write!(f, "has:{field}"),
        Condition::Missing => write!(f, "missing:{field}"),
        Condition::Many(Choice::HasAny, tags) if is_tags => match tags.as_slice() {
            [tag] => write!(f, "tag:{}", spelled(tag)),
            tags => write!(f, "tag:({})", list(tags, " OR ")),
        },
        // Without a name of its own it would be read as one of the former.
        Condition::Many(Choice::In, values) if !is_tags => write!(f, "{field}:({})", list(values, " OR ")),
        Condition::One(Comparison::Is, value) if !is_tags => write!(f, "{field}:{}", tested(value)),
        Condition::One(comparison, value) => match comparison {
            Comparison::Eq => write!(f, "{field}:={}", spelled(value)),
            Comparison::Ne => write!(f, "{field}:!={}", spelled(value)),
            Comparison::Gt => write!(f, "{field}:>{}", no_span(value)),
            Comparison::Gte => write!(f, "{field}:>={}", spelled(value)),
            Comparison::Lt => write!(f, "{field}:<{}", no_span(value)),
            Comparison::Lte => write!(f, "{field}:<={}", spelled(value)),
            Comparison::Contains => write!(f, "{field}:*{}*", spelled(value)),
            Comparison::StartsWith => write!(f, "{field}:{}*", spelled(value)),
            Comparison::EndsWith => write!(f, "{field}:*{}", spelled(value)),
            Comparison::Is
            | Comparison::IsNot
            | Comparison::NotContains
            | Comparison::On
            | Comparison::Before
            | Comparison::After => write!(f, "{field}:{}({})", condition.operator(), spelled(value)),
        },
        Condition::Many(_, values) => write!(f, "{field}:{}({})", condition.operator(), list(values, ", ")),
        Condition::Between(from, to) => write!(f, "{field}:{}..{}", bound(from), bound(to)),
        Condition::Relative(Relative::InLast, span) => write!(f, "{field}:<{span}"),
        Condition::Relative(Relative::OlderThan, span) => write!(f, "{field}:>{span}"),
        Condition::Relative(Relative::InNext | Relative::AnniversaryInNext, span) => {
            write!(f, "{field}:{}({span})", condition.operator())
        }
        Condition::During(period) if is_tags => write!(f, "{field}:during({period})"),
        Condition::During(period) => write!(f, "{field}:{period}"),
    }
}

fn list(values: &[Literal], joint: &str) -> String {
    values.iter().map(spelled).collect::<Vec<_>>().join(joint)
}

/// Spells a value; text that would be read as something else gets quotes.
fn spelled(value: &Literal) -> String {
    match value {
        Literal::Text(words) if Literal::of_word(words) == *value => text(words),
        Literal::Text(words) => in_quotes(words),
        Literal::Number(_) | Literal::Boolean(_) => value.to_string(),
    }
}

/// Spells a value where a period may stand, too.
fn tested(value: &Literal) -> String {
    match value {
        Literal::Text(words) if Period::parse(words).is_some() => in_quotes(words),
        _ => spelled(value),
    }
}

/// Spells a value where a span may stand, too.
fn no_span(value: &Literal) -> String {
    match value {
        Literal::Text(words) if TimeSpan::is_like(words) => in_quotes(words),
        _ => spelled(value),
    }
}

/// Spells an end of a range: its dots are not to be taken for those between.
fn bound(value: &Literal) -> String {
    match value {
        Literal::Text(words) if words.starts_with('.') || words.ends_with('.') => in_quotes(words),
        _ => spelled(value),
    }
}

/// Spells a text, with quotes where it needs them.
pub(crate) fn text(words: &str) -> String {
    let is_plain = words.starts_with(starts_value)
        && words.chars().all(is_value_char)
        && !words.contains("..")
        && !is_keyword(words);
    if is_plain { words.to_owned() } else { in_quotes(words) }
}

fn in_quotes(text: &str) -> String {
    let mut spelled = String::new();
    // Writing to a string does not fail.
    quoted(&mut spelled, text).map(|()| spelled).unwrap_or_default()
}

fn quoted(f: &mut impl Write, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\0'..='\x1f' => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
