//! Column names that say by themselves which field they are.

use super::Target;

/// Lists the names of each field, the likeliest first, in [`key`] form.
///
/// A field gets one column. So of names that one exporter writes side by side the better one
/// stands first: Outlook's `Job Title` before its `Title` (`Dr.`), its `Business Phone` before
/// its `Mobile Phone`.
const NAMES: [(Target, &str); 8] = [
    // Google: `E-mail 1 - Value`. Mailchimp, LinkedIn: `Email Address`.
    (
        Target::Email,
        "email emailaddress email1 email1value email1address primaryemail workemail mail mailaddress \
         emailid emailadresse correo courriel",
    ),
    (Target::FirstName, "firstname givenname forename fname first vorname prenom nombre"),
    (Target::LastName, "lastname surname familyname lname last nachname apellido apellidos"),
    // Salesforce: `Company / Account`, `Account Name`. Google: `Organization 1 - Name`. HubSpot:
    // `Primary company`, `Associated Company`.
    (
        Target::Company,
        "company companyname companyaccount organization organisation organizationname \
         organization1name accountname primarycompany associatedcompany employer firma",
    ),
    // Google: `Organization 1 - Title`. LinkedIn: `Position`.
    (Target::JobTitle, "jobtitle title position jobrole organizationtitle organization1title"),
    // Google: `Phone 1 - Value`. HubSpot: `Mobile Phone Number`.
    (
        Target::Phone,
        "phone phonenumber phone1 phone1value telephone businessphone workphone mobile mobilephone \
         mobilephonenumber cell cellphone primaryphone homephone telefon",
    ),
    (Target::Status, "status emailstatus subscriptionstatus contactstatus"),
    // Google: `Labels`, before that `Group Membership`. Outlook: `Categories`.
    (Target::Tags, "tags tag labels groupmembership categories"),
];

/// Finds the field that a column name says, with the rank of that name among the field's names.
pub(super) fn field_named(name: &str) -> Option<(Target, usize)> {
    let key = key(name);
    NAMES.iter().find_map(|(target, names)| {
        let rank = names.split_ascii_whitespace().position(|name| name == key)?;
        Some((target.clone(), rank))
    })
}

/// Leaves only letters and digits, in lower case: `E-Mail Address` is `emailaddress`.
fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
