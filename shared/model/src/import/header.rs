//! Column names that say by themselves which field they are.

use super::Target;

/// Lists the names of each field, the likeliest first, in [`key`] form.
const NAMES: [(Target, &[&str]); 8] = [
    (
        Target::Email,
        &[
            "email",
            "emailaddress",
            "email1",
            "primaryemail",
            "workemail",
            "mail",
            "mailaddress",
            "emailid",
            "email1value",
            "emailadresse",
            "correo",
            "courriel",
        ],
    ),
    (
        Target::FirstName,
        &["firstname", "givenname", "forename", "fname", "first", "vorname", "prenom", "nombre"],
    ),
    (
        Target::LastName,
        &["lastname", "surname", "familyname", "lname", "last", "nachname", "apellido", "apellidos"],
    ),
    (
        Target::Company,
        &["company", "companyname", "organization", "organisation", "organizationname", "employer", "firma"],
    ),
    (Target::JobTitle, &["jobtitle", "title", "position", "jobrole", "organizationtitle"]),
    (
        Target::Phone,
        &[
            "phone",
            "phonenumber",
            "phone1",
            "telephone",
            "mobile",
            "mobilephone",
            "cell",
            "cellphone",
            "telefon",
        ],
    ),
    (Target::Status, &["status", "emailstatus", "subscriptionstatus", "contactstatus"]),
    (Target::Tags, &["tags", "tag", "labels"]),
];

/// Finds the field that a column name says, with the rank of that name among the field's names.
pub(super) fn field_named(name: &str) -> Option<(Target, usize)> {
    let key = key(name);
    NAMES
        .iter()
        .find_map(|(target, names)| names.iter().position(|n| *n == key).map(|rank| (target.clone(), rank)))
}

/// Leaves only letters and digits, in lower case: `E-Mail Address` is `emailaddress`.
fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
