//! Bare words.

use super::jane::finds;

#[test]
fn bare_words_find_the_starts_of_words_of_names_and_company_and_of_the_address() {
    for query in [
        "jane",
        "JAN",
        "jan*",
        "o'br",
        "doe",
        "soh",
        "\"doe jan\"",
        "jan gmbh",
        "jane.doe@",
        "jane.doe@example.com",
        "Jane.DOE@Example.com",
        "\"jan jane.d\"",
        "strasse",
    ] {
        assert!(finds(query), "{query}");
    }
    for query in [
        "ane",
        "doe@example",
        "example.com",
        "brien",
        "janes",
        "jan doex",
        "\"jan nobody\"",
        "active",
        "partner",
        "\"&\"",
        "software",
        "\"\u{200b}\"",
    ] {
        assert!(!finds(query), "{query}");
    }
}
