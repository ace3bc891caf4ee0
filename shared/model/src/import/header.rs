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

/// Lists the names of columns that say who must not be written to. Every column with such a name
/// counts, so their order says nothing.
const OPT_OUTS: [(Target, &str); 3] = [
    // Mailchimp: `UNSUB_TIME`. HubSpot: `Unsubscribed from all email`, `hs_email_optout`.
    // Salesforce, Zoho: `Email Opt Out`, `HasOptedOutOfEmail`. Pardot: `Opted Out`, `Do Not Email`.
    // Dynamics: `Do not allow Emails`. Brevo: `EMAIL_BLACKLISTED`.
    (
        Target::Unsubscribed,
        "unsubtime unsubdate unsubscribed unsubscribe unsubscribedat unsubscribedon \
         unsubscribedate unsubscribeddate unsubscribetime unsubscribedtime isunsubscribed hasunsubscribed \
         unsubscribedfromemail unsubscribedfromemails unsubscribedfromallemail unsubscribedfromallemails \
         emailunsubscribed globalunsubscribe globallyunsubscribed hsemailoptout optout optedout \
         isoptedout hasoptedout emailoptout emailoptedout optoutemail optoutofemail optedoutofemail \
         hasoptedoutofemail optoutat optoutdate optouttime optedoutat optedoutdate optoutstatus \
         donotemail donotmail donotcontact donotsendemail donotsendemails donotallowemail \
         donotallowemails donotallowbulkemail donotallowbulkemails donotbulkemail dnd noemail nomail \
         marketingoptout marketingunsubscribed suppressed issuppressed emailsuppressed blacklisted \
         blocklisted emailblacklisted emailblocklisted abgemeldet desabonne baja",
    ),
    // Shopify: `Accepts Email Marketing`. Klaviyo: `Email Marketing Consent`. Pipedrive: `Marketing
    // status`. Wix: `Email subscriber status`. Constant Contact: `Email permission status`. Times of
    // an opt-in are not here: who has none was not asked.
    (
        Target::Subscribed,
        "subscribed issubscribed emailsubscribed subscribedtoemail subscribedtoemails \
         subscribedtonewsletter newslettersubscribed emailsubscriberstatus emailsubscriptionstatus optin \
         optedin isoptedin hasoptedin emailoptin emailoptedin optintoemail optinstatus emailoptinstatus \
         marketingoptin emailmarketingoptin acceptsmarketing acceptsemailmarketing acceptsemails \
         acceptsemail marketingconsent emailmarketingconsent emailconsent marketingallowed \
         marketingstatus emailmarketingstatus emailpermission emailpermissionstatus \
         permissiontoemail",
    ),
    // Mailchimp: `CLEAN_TIME`. Salesforce: `IsEmailBounced`, `Email Bounced Date`. HubSpot: `Email
    // hard bounce reason`. Marketo: `Email Invalid`.
    (
        Target::Bounced,
        "cleantime cleandate cleaned cleanedat cleaneddate bounced isbounced hasbounced bouncedat \
         bounceddate bouncedate bouncetime emailbounced isemailbounced emailbouncedat emailbounceddate \
         emailbouncedreason hardbounce hardbounced hardbouncedat hardbouncedate emailhardbounced \
         emailhardbouncereason hsemailhardbouncereason hsemailhardbouncereasonenum emailinvalid \
         isemailinvalid invalidemail",
    ),
];
/// Starts HubSpot's opt-outs of one kind of mail: `Opted out of email: Marketing Information`.
const OPT_OUT_PREFIXES: [&str; 2] = ["optedoutofemail", "hsemailoptout"];

/// Finds what a column says about who must not be written to.
pub(super) fn opt_out_named(name: &str) -> Option<Target> {
    let key = key(name);
    let listed = OPT_OUTS.iter().find(|(_, names)| names.split_ascii_whitespace().any(|name| name == key));
    let prefixed = || OPT_OUT_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    listed.map(|(target, _)| target.clone()).or_else(|| prefixed().then_some(Target::Unsubscribed))
}

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
