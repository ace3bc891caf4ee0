//! Whether every contact is there, once, and as its row says.

use serde_json::Value;

use crate::BenchError;
use crate::client::Client;
use crate::file::Expected;
use crate::rows::Rows;

/// Walks all contacts and compares each with the row that counts for its address.
///
/// # Errors
/// At the first that is missing, doubled or different.
pub fn all_contacts(client: &Client, rows: &Rows, expected: &Expected) -> Result<(), BenchError> {
    let mut seen = vec![false; expected.owners.len()];
    let mut count = 0;
    let mut path = "/contacts?limit=200".to_owned();
    loop {
        let page = client.call("GET", &path, None)?;
        for contact in page["items"].as_array().into_iter().flatten() {
            let number = compare(contact, rows, expected)?;
            if seen.get_mut(number).is_none_or(|seen| std::mem::replace(seen, true)) {
                return Err(BenchError::Wrong(format!("{} is there twice", contact["email"])));
            }
            count += 1;
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/contacts?limit=200&cursor={cursor}"),
            None => break,
        }
    }
    if count != expected.created {
        let wanted = expected.created;
        return Err(BenchError::Wrong(format!("there should be {wanted} contacts and are {count}")));
    }
    Ok(())
}

/// Gives the number of the row that the contact's address was made for.
fn compare(contact: &Value, rows: &Rows, expected: &Expected) -> Result<usize, BenchError> {
    let email = contact["email"].as_str().unwrap_or_default();
    let number = Rows::of_email(email).and_then(|row| usize::try_from(row).ok());
    let owner = number.and_then(|number| *expected.owners.get(number)?);
    let (Some(number), Some(owner)) = (number, owner) else {
        return Err(BenchError::Wrong(format!("no row has the address {email}")));
    };
    let names = ["first_name", "last_name", "company", "job_title"];
    for (name, text) in names.into_iter().zip(rows.texts(u64::from(owner))) {
        if contact[name] != text.as_str() {
            let there = &contact[name];
            return Err(BenchError::Wrong(format!("{name} of {email} should be `{text}` and is {there}")));
        }
    }
    Ok(number)
}
