//! From a record of the stream to changes of the index.

use index::{Change, Facts};
use model::Contact;
use store::ContactRecord;

/// Gives what a record changes, contact by contact.
///
/// Only a contact that stayed where it is has all its records on one lane of the stream, in order.
/// One that was moved to another address, or deleted, is read again instead: that an arrival is a
/// move shows in its version, because whoever is born has the first. Whom an import indexes itself,
/// with many others at once, is left to it, and does not get here.
pub(crate) fn changes(record: &ContactRecord) -> Vec<Change> {
    match (&record.before, &record.after) {
        (Some(before), Some(after)) if before.ordinal == after.ordinal => {
            vec![image(Some(before), after)]
        }
        (before, after) => {
            let left = before.iter().map(reread);
            let came = after.iter().map(|contact| match contact.version {
                1 => image(None, contact),
                _ => reread(contact),
            });
            left.chain(came).collect()
        }
    }
}

fn image(before: Option<&Contact>, after: &Contact) -> Change {
    Change::Image { ordinal: after.ordinal.0, old: before.map(Facts::of), new: Facts::of(after) }
}

fn reread(contact: &Contact) -> Change {
    Change::Reread { ordinal: contact.ordinal.0, known: Facts::of(contact) }
}
