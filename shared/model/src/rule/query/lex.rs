//! Words, quoted texts and signs: what conditions are made of.

use std::borrow::Cow;

use winnow::Parser;
use winnow::combinator::{alt, delimited, fail, opt, preceded, repeat};
use winnow::error::{ErrMode, ParserError};
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::{any, literal, one_of, take_while};

use super::super::error::{Fault, shown};

/// Is the text with the byte that comes next, and what was learned on the way.
pub(super) type Input<'i> = Stateful<LocatingSlice<&'i str>, State>;

/// Is what was learned on the way.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// How many brackets and negations are open.
    pub(super) nesting: usize,
    /// Where field and value of each condition start, in bytes.
    pub(super) leaves: Vec<(usize, usize)>,
}

/// Is where reading failed, in bytes, and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    pub(super) at: usize,
    /// None where a part did not match and nobody said what was expected instead.
    pub(super) fault: Option<Fault>,
}

pub(super) type Read<T> = Result<T, ErrMode<Failure>>;

impl<'i> ParserError<Input<'i>> for Failure {
    type Inner = Self;

    fn from_input(input: &Input<'i>) -> Self {
        Self { at: input.current_token_start(), fault: None }
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// Ends reading with a fault at a place.
pub(super) fn refuse<T>(at: usize, fault: Fault) -> Read<T> {
    Err(ErrMode::Cut(Failure { at, fault: Some(fault) }))
}

/// Ends reading where something else was expected.
pub(super) fn expected<T>(input: &Input<'_>, what: &str) -> Read<T> {
    let rest = rest(input).trim_start();
    let skipped = self::rest(input).len() - rest.len();
    let word = rest.find(char::is_whitespace).map_or(rest, |end| rest.split_at(end).0);
    let found = if word.is_empty() { "the end".to_owned() } else { format!("`{}`", shown(word)) };
    let fault = Fault::new("invalid_query", format!("expected {what}, found {found}"));
    refuse(input.current_token_start() + skipped, fault)
}

/// Gives what is not read yet.
pub(super) fn rest<'i>(input: &Input<'i>) -> &'i str {
    input.input.as_ref()
}

/// Tells what comes next.
pub(super) fn next(input: &Input<'_>) -> Option<char> {
    rest(input).chars().next()
}

/// Skips white space.
pub(super) fn space(input: &mut Input<'_>) -> Read<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

/// Reads a sign, if it comes next.
pub(super) fn sign(input: &mut Input<'_>, sign: &'static str) -> Read<bool> {
    opt(literal(sign)).map(|found| found.is_some()).parse_next(input)
}

/// Reads a sign, or complains.
pub(super) fn must(input: &mut Input<'_>, wanted: &'static str) -> Read<()> {
    space(input)?;
    if sign(input, wanted)? { Ok(()) } else { expected(input, &format!("`{wanted}`")) }
}

/// Is what a part of a rule is spelled by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lexeme<'i> {
    pub(super) text: Cow<'i, str>,
    pub(super) is_quoted: bool,
    pub(super) at: usize,
}

pub(super) const KEYWORDS: [&str; 3] = ["AND", "OR", "NOT"];

/// Tells whether a word joins or denies conditions.
pub(crate) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// Tells whether a character may stand in a word where a field may.
pub(crate) fn is_head_char(c: char) -> bool {
    is_value_char(c) && !matches!(c, ':' | '=' | '!')
}

/// Tells whether a character may stand in a value without quotes.
pub(crate) fn is_value_char(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || matches!(c, '(' | ')' | '"' | ',' | '*' | '\\' | '<' | '>'))
}

/// Tells whether a value without quotes may start so.
pub(crate) fn starts_value(c: char) -> bool {
    is_head_char(c)
}

/// Reads a keyword, if it comes next as a whole word.
pub(super) fn keyword(input: &mut Input<'_>, wanted: &'static str) -> Read<bool> {
    let start = input.checkpoint();
    let word = take_while(0.., is_value_char).parse_next(input)?;
    if word.eq_ignore_ascii_case(wanted) {
        return Ok(true);
    }
    input.reset(&start);
    Ok(false)
}

/// Reads a word or quoted text where a field or a bare word may stand.
pub(super) fn head<'i>(input: &mut Input<'i>) -> Read<Lexeme<'i>> {
    let at = input.current_token_start();
    alt((
        quoted.map(|text| (text, true)),
        take_while(1.., is_head_char).map(|word| (Cow::Borrowed(word), false)),
    ))
    .map(|(text, is_quoted)| Lexeme { text, is_quoted, at })
    .parse_next(input)
}

/// Reads a word or quoted text where a value may stand.
pub(super) fn value<'i>(input: &mut Input<'i>) -> Read<Lexeme<'i>> {
    let at = input.current_token_start();
    if next(input) == Some('"') {
        return quoted.map(|text| Lexeme { text, is_quoted: true, at }).parse_next(input);
    }
    if !next(input).is_some_and(starts_value) {
        return fail(input);
    }
    let word = rest(input);
    let end = word.find(|c| !is_value_char(c)).unwrap_or(word.len());
    let end = word.split_at(end).0.find("..").unwrap_or(end);
    if end == 0 {
        return fail(input);
    }
    if is_keyword(word.split_at(end).0) {
        return expected(input, "a value (one of the words AND, OR and NOT needs quotes)");
    }
    let word = input.next_slice(end);
    Ok(Lexeme { text: Cow::Borrowed(word), is_quoted: false, at })
}

fn quoted<'i>(input: &mut Input<'i>) -> Read<Cow<'i, str>> {
    let at = input.current_token_start();
    if next(input) != Some('"') {
        return fail(input);
    }
    let plain = take_while(1.., |c| c != '"' && c != '\\').map(Cow::Borrowed);
    let text = repeat(0.., alt((plain, escape.map(|c| Cow::Owned(c.to_string()))))).fold(
        || Cow::Borrowed(""),
        |text: Cow<'i, str>, part: Cow<'i, str>| if text.is_empty() { part } else { text + part },
    );
    let read: Read<_> = delimited('"', text, '"').parse_next(input);
    match read {
        Err(ErrMode::Backtrack(_)) => {
            refuse(at, Fault::new("invalid_query", "expected a closing `\"` behind this one, found the end"))
        }
        read => read,
    }
}

fn escape(input: &mut Input<'_>) -> Read<char> {
    let at = input.current_token_start();
    let hex = take_while(1..=6, |c: char| c.is_ascii_hexdigit())
        .verify_map(|digits| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32));
    let read: Read<_> = preceded(
        '\\',
        alt((
            one_of(['"', '\\']),
            'n'.value('\n'),
            'r'.value('\r'),
            't'.value('\t'),
            preceded('u', delimited('{', hex, '}')),
        )),
    )
    .parse_next(input);
    match read {
        // A backslash that starts none of them.
        Err(ErrMode::Backtrack(_)) if next(input) == Some('\\') || at < input.current_token_start() => {
            refuse(
                at,
                Fault::new(
                    "invalid_query",
                    "expected one of `\\\"`, `\\\\`, `\\n`, `\\r`, `\\t` and `\\u{1f}`",
                ),
            )
        }
        read => read,
    }
}

/// Refuses what sticks to the end of a condition.
pub(super) fn end_of_condition(input: &mut Input<'_>) -> Read<()> {
    match next(input) {
        None | Some(')') => Ok(()),
        Some(c) if c.is_whitespace() => Ok(()),
        Some(_) => expected(input, "white space behind a condition (quotes hold a text together)"),
    }
}

/// Takes one character, whatever it is.
pub(super) fn skip(input: &mut Input<'_>) -> Read<()> {
    any.void().parse_next(input)
}
