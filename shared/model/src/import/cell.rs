//! Cells that hold more than one plain value.
//!
//! Google Contacts writes all values of one kind into one cell, with ` ::: ` between them. Outlook
//! and Exchange write an address with the person's name, or as a link. Both are read in columns of
//! a file only: the API takes a plain address.
//!
//! - *Email.* A cell that is a plain address is that. Otherwise the cell is split at `:::`, and
//!   each part may be plain, `Name <address>`, `<address>` or `mailto:address`; the name is left
//!   out, as is what follows a `?` in a link. The first valid address is the contact's, further
//!   ones are kept in the attribute `other_emails`, and parts that are no address are warnings.
//!   Without any valid part the row is invalid. Commas and semicolons do not separate addresses:
//!   `jane,doe@example.com` is a slip of the hand, and `doe@example.com` somebody else.
//! - *Phone.* The first part counts; further ones are a warning.
//! - *Tags.* Parts end at `:::`, `,`, `;` and `|`; a part in double quotes, as Mailchimp writes
//!   them, ends at its closing quote. The groups that Google makes by itself (`* myContacts`,
//!   `* starred` …) are left out.

use std::collections::BTreeSet;

use crate::{Email, Invalid, Tag};

const SEPARATOR: &str = ":::";
/// The groups that Google Contacts makes by itself, in its two ways of writing them.
const SYSTEM_GROUPS: [&str; 7] = [
    "* mycontacts",
    "* my contacts",
    "* starred",
    "* starred in android",
    "* friends",
    "* family",
    "* coworkers",
];

/// Tells whether a cell may hold several values.
pub(super) fn has_several(cell: &str) -> bool {
    // Most cells hold no colon, and looking for a byte is cheap.
    cell.as_bytes().contains(&b':') && cell.contains(SEPARATOR)
}

/// Splits a cell into the values it holds; blank ones are left out.
pub(super) fn values(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty())
}

/// Holds the addresses of one cell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EmailCell<'a> {
    /// The first one, with its spelling in the file.
    pub email: (Email, &'a str),
    /// The spellings of further ones.
    pub others: Vec<&'a str>,
    /// What is wrong with parts that are no address.
    pub faults: Vec<Invalid>,
}

/// Reads the addresses of a cell by the rule above.
///
/// # Errors
/// What is wrong with the whole cell, where no part is an address.
pub(super) fn emails(cell: &str) -> Result<EmailCell<'_>, Invalid> {
    let whole = match Email::parse(cell) {
        Ok(email) => {
            return Ok(EmailCell { email: (email, cell.trim()), others: Vec::new(), faults: Vec::new() });
        }
        Err(invalid) => invalid,
    };
    let mut found: Vec<(Email, &str)> = Vec::new();
    let mut faults = Vec::new();
    for part in values(cell) {
        let spelling = bare_address(part);
        match Email::parse(spelling) {
            Ok(email) if found.iter().any(|(earlier, _)| *earlier == email) => {}
            Ok(email) => found.push((email, spelling)),
            Err(invalid) => faults.push(invalid),
        }
    }
    let mut found = found.into_iter();
    let email = found.next().ok_or(whole)?;
    Ok(EmailCell { email, others: found.map(|(_, spelling)| spelling).collect(), faults })
}

/// Takes the name and the brackets, or the scheme of a link, off an address.
fn bare_address(part: &str) -> &str {
    let bracketed = part.strip_suffix('>').and_then(|part| part.split_once('<'));
    let address = match bracketed {
        // Two bracketed addresses without a separator: neither is the likelier one.
        Some((_, address)) if address.contains(['<', '>']) => part,
        Some((_, address)) => address.trim(),
        None => part,
    };
    match address.split_at_checked("mailto:".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto:") => {
            rest.split_once('?').map_or(rest, |(address, _)| address).trim()
        }
        _ => address,
    }
}

/// Reads the labels of a cell by the rule above.
///
/// # Errors
/// What [`Tag::parse`] refuses.
pub(super) fn tags(cell: &str) -> Result<BTreeSet<Tag>, Invalid> {
    let mut tags = BTreeSet::new();
    let mut rest = cell;
    while let Some((part, after)) = next_label(rest) {
        rest = after;
        let part = part.trim();
        let is_system_group = part.starts_with('*') && SYSTEM_GROUPS.contains(&part.to_lowercase().as_str());
        if !part.is_empty() && !is_system_group {
            tags.insert(Tag::parse(part)?);
        }
    }
    Ok(tags)
}

/// Takes the next label off, and the separator behind it; none at the end.
fn next_label(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    if text.is_empty() {
        return None;
    }
    if let Some((label, after)) = text.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        let after = after.trim_start();
        if after.is_empty() {
            return Some((label, after));
        }
        if let Some(separator) = separator_at(after) {
            return Some((label, after.get(separator..).unwrap_or_default()));
        }
    }
    let end = text.char_indices().find_map(|(at, _)| {
        let length = separator_at(text.get(at..)?)?;
        Some((at, at + length))
    });
    let (end, next) = end.unwrap_or((text.len(), text.len()));
    Some((text.get(..end)?, text.get(next..)?))
}

/// Measures the separator that `text` starts with.
fn separator_at(text: &str) -> Option<usize> {
    if text.starts_with(SEPARATOR) {
        return Some(SEPARATOR.len());
    }
    text.starts_with([',', ';', '|']).then_some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(cell: &str) -> Result<(String, String, usize), &'static str> {
        let read = emails(cell).map_err(|invalid| invalid.code)?;
        let (email, typed) = read.email;
        Ok((format!("{email} as {typed}"), read.others.join(" "), read.faults.len()))
    }

    fn labels(cell: &str) -> Vec<String> {
        tags(cell).unwrap().into_iter().map(String::from).collect()
    }

    #[test]
    fn the_first_valid_address_of_a_cell_is_the_contacts_and_the_others_are_kept() {
        for (cell, first, others, faults) in [
            (" Jane@example.com ", "jane@example.com as Jane@example.com", "", 0),
            ("a@example.com ::: B@example.com", "a@example.com as a@example.com", "B@example.com", 0),
            ("bad ::: a@example.com:::b@example.com", "a@example.com as a@example.com", "b@example.com", 1),
            ("A@example.com ::: a@EXAMPLE.com ::: ", "a@example.com as A@example.com", "", 0),
            (
                "Jane <a@example.com> ::: mailto:b@example.com",
                "a@example.com as a@example.com",
                "b@example.com",
                0,
            ),
        ] {
            assert_eq!(email(cell), Ok((first.to_owned(), others.to_owned(), faults)), "{cell:?}");
        }
    }

    #[test]
    fn an_address_with_a_name_or_as_a_link_is_read_and_whatever_is_unclear_is_not() {
        for cell in [
            "Jane Doe <jane@example.com>",
            "\"Doe, Jane\" <jane@example.com>",
            "jane@example.com <jane@example.com>",
            "<jane@example.com>",
            "mailto:jane@example.com",
            "MailTo:jane@example.com?subject=Hi",
            "Jane <mailto:jane@example.com>",
        ] {
            let (address, ..) = email(cell).expect(cell);
            assert_eq!(address, "jane@example.com as jane@example.com", "{cell:?}");
        }
        for cell in [
            "jane,doe@example.com",
            "a@example.com; b@example.com",
            "a@example.com, b@example.com",
            "A <a@example.com> B <b@example.com>",
            "Jane <jane@example.com",
            "jane@example.com (Jane)",
            "jane at example.com",
            "bad ::: worse",
            "x",
            "é",
        ] {
            assert_eq!(email(cell), Err("invalid_email"), "{cell:?}");
        }
        assert_eq!(email(" "), Err("missing_email"));
        assert_eq!(email(" ::: "), Err("invalid_email"));
    }

    #[test]
    fn labels_of_every_exporter_are_split() {
        for (cell, expected) in [
            ("* myContacts ::: Friends ::: * starred", vec!["Friends"]),
            ("* My Contacts", vec![]),
            ("* vip", vec!["* vip"]),
            ("A, B;C | D ::: E,,", vec!["A", "B", "C", "D", "E"]),
            ("\"Influencer\",\"Staff, part time\"", vec!["Influencer", "Staff, part time"]),
            ("\"\", \"a\" ", vec!["a"]),
            ("5\" pipe, \"odd\" one, \"open", vec!["\"odd\" one", "\"open", "5\" pipe"]),
            ("été:café", vec!["été:café"]),
            (" ", vec![]),
        ] {
            assert_eq!(labels(cell), expected, "{cell:?}");
        }
        assert_eq!(tags("a\u{7}").unwrap_err().code, "invalid_tag");
    }
}
