//! The query string.
//!
//! ```text
//! rule       = all { "OR" all }
//! all        = negation { [ "AND" ] negation }
//! negation   = ( "NOT" | "-" ) negation | "(" rule ")" | condition
//! condition  = field ":" test | field [ ":" ] compare value
//!            | ( "has" | "missing" ) ":" field | ( "list" | "segment" ) ":" name
//!            | word [ "*" ] | quoted
//! test       = value | period                         is, during
//!            | [ "*" ] value "*" | "*" value | "*"    starts_with, contains, ends_with, exists
//!            | value ".." [ value ] | ".." value      between, gte, lte
//!            | "(" value { ( "OR" | "," ) value } ")" in; has_any of `tag` and `tags`
//!            | operator "(" [ value { "," value } ] ")"
//! compare    = ">" | ">=" | "<" | "<=" | "=" | "!="   before a span `>` is older_than, `<` in_last
//! field      = word | quoted                          a standard field, else a custom attribute
//! value      = word | quoted
//! ```
//!
//! `NOT` binds tighter than `AND`, `AND` than `OR`; two conditions side by side mean `AND`. The
//! three words are read in any case; as values they need quotes. White space may stand around
//! everything but between a value and its `*`, `..` or `(`, and two conditions need it between them.
//!
//! A *word* ends at white space, `(`, `)`, `"`, `,`, `*` or `\`; where a field may stand also at `:`,
//! `<`, `>`, `=` and `!`; a value does not start with the latter and holds no `<`, `>` or `..`.
//! A word that is a number, `true` or `false` and would print back the same is one; quotes make
//! text of it, and of a period's name or a span. In quotes `\"`, `\\`, `\n`, `\r`, `\t` and
//! `\u{1f}` stand for what JSON writes alike.
//!
//! Every tree has a canonical query string, which reads back as the same tree: what has no sign
//! of its own is spelled by its operator's name, as in `industry:not_in(SaaS, Retail)`.

mod condition;
mod lex;
mod parse;
mod print;

pub(super) use condition::no_period;
pub(super) use parse::parse;
