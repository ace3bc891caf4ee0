//! The contacts that are imported: made from a seed, each row by itself, so that what came of any
//! of them can be checked without keeping it.

use std::fmt::Write as _;

/// The header of the file.
pub const HEADER: &str = "Email,First Name,Last Name,Company,Job Title,Phone,Country,City,Industry,Budget,\
                          Subscription Date,VIP Status,Notes\n";

/// One of so many rows before it is what a duplicate repeats the address of.
const REACH: u64 = 1_000;

const FIRST: [&str; 12] =
    ["Maria", "James", "Aisha", "Jürgen", "Chloé", "Wei", "Olivia", "Mateo", "Priya", "Noah", "Ingrid", "Bo"];
const LAST: [&str; 12] = [
    "Garcia",
    "Smith",
    "Okafor",
    "Müller",
    "Lefèvre",
    "Zhang",
    "Johnson",
    "Fernández",
    "Patel",
    "Williams",
    "Johansson",
    "Li",
];
const COMPANY: [&str; 10] = [
    "Northwind Traders",
    "Acme",
    "Globex Corporation",
    "Initech",
    "Umbrella Logistics",
    "Stark & Partners",
    "Hooli",
    "Wayne Enterprises",
    "Blue Sky Consulting",
    "Vandelay Industries",
];
const TITLE: [&str; 8] = [
    "Sales Manager",
    "Chief Executive Officer",
    "Software Engineer",
    "Marketing Director",
    "Buyer",
    "Head of Procurement",
    "Vice President of Operations",
    "Analyst",
];
/// A country with a city, and how its phone numbers begin and how many digits follow.
const PLACE: [(&str, &str, &str, u32); 6] = [
    ("United States", "San Francisco", "+1 415 ", 7),
    ("Germany", "München", "+49 89 ", 8),
    ("United Kingdom", "Manchester", "+44 161 ", 7),
    ("France", "Lyon", "+33 4 72 ", 6),
    ("India", "Bengaluru", "+91 98 ", 8),
    ("Spain", "Madrid", "+34 91 ", 7),
];
const INDUSTRY: [&str; 8] =
    ["Manufacturing", "Healthcare", "Retail", "Finance", "Education", "Energy", "Logistics", "Software"];
const NOTE: [&str; 6] = [
    "Met at the trade fair; wants a demo in spring.",
    "Asked for a quote, including support and training for two sites.",
    "",
    "Prefers email over phone.",
    "Said \"\"call me after the holidays\"\", so do.",
    "Referred by a partner, who knows the budget holder and would make an introduction.",
];

/// Says which rows there are.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// How many.
    pub count: u64,
    /// What they are made from.
    pub seed: u64,
    /// The share of rows that have the address of a row before them.
    pub duplicates: f64,
    /// The share of rows without a good address.
    pub bad: f64,
}

/// Says what a row is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It brings an address of its own.
    Fresh,
    /// It has the address of that row, which is a fresh one before it.
    Duplicate(u64),
    /// Its address is none.
    Bad,
}

impl Rows {
    /// Tells what a row is there for.
    pub fn kind(&self, row: u64) -> Kind {
        let mut random = Random::of(self.seed ^ KIND, row);
        let at = random.share();
        if at < self.bad {
            return Kind::Bad;
        }
        if at < self.bad + self.duplicates && row > 0 {
            let earlier = row - 1 - random.below(row.min(REACH));
            if self.kind(earlier) == Kind::Fresh {
                return Kind::Duplicate(earlier);
            }
        }
        Kind::Fresh
    }

    /// Gives the number of the row that an address was made for.
    pub fn of_email(email: &str) -> Option<u64> {
        let (name, _) = email.split_once('@')?;
        name.rsplit_once('.')?.1.parse().ok()
    }

    /// Gives the address of a row, in lower case.
    pub fn email(&self, row: u64) -> String {
        match self.kind(row) {
            Kind::Fresh => address(self.seed, row),
            Kind::Duplicate(earlier) => address(self.seed, earlier),
            Kind::Bad => format!("not an address {row}"),
        }
    }

    /// Gives the cells of a row that a contact shows as they are: first and last name, company,
    /// job title.
    pub fn texts(&self, row: u64) -> [String; 4] {
        let mut random = Random::of(self.seed, row);
        let (first, last) = (random.pick(&FIRST), random.pick(&LAST));
        let company = format!("{} {}", random.pick(&COMPANY), random.below(10_000));
        [(*first).to_owned(), (*last).to_owned(), company, (*random.pick(&TITLE)).to_owned()]
    }

    /// Adds a row to a CSV.
    pub fn write(&self, row: u64, csv: &mut String) {
        let [first, last, company, title] = self.texts(row);
        let mut random = Random::of(self.seed ^ REST, row);
        let (country, city, prefix, digits) = random.pick(&PLACE);
        // A first digit from 2 on: other numbers are not given out in North America.
        let phone = (2 + random.below(7)) * 10_u64.pow(digits - 1) + random.below(10_u64.pow(digits - 1));
        let (industry, note) = (random.pick(&INDUSTRY), random.pick(&NOTE));
        let budget = 500 * (1 + random.below(400));
        let (year, month, day) = (2019 + random.below(7), 1 + random.below(12), 1 + random.below(28));
        let vip = random.below(10) == 0;
        let email = self.email(row);
        // Writing to a string cannot fail.
        let _: std::fmt::Result = writeln!(
            csv,
            "{email},{first},{last},{company},{title},{prefix}{phone},{country},{city},{industry},{budget},\
             {year}-{month:02}-{day:02},{vip},\"{note}\""
        );
    }
}

const KIND: u64 = 0x6b69_6e64;
const REST: u64 = 0x7265_7374;

fn address(seed: u64, row: u64) -> String {
    let mut random = Random::of(seed, row);
    let (first, last) = (random.pick(&FIRST), random.pick(&LAST));
    let plain = |name: &str| name.chars().filter(char::is_ascii).collect::<String>().to_lowercase();
    format!("{}.{}.{row}@example.com", plain(first), plain(last))
}

/// Is SplitMix64: small, and good enough to pick words with.
struct Random(u64);

impl Random {
    fn of(seed: u64, row: u64) -> Self {
        let mut random = Self(seed ^ row.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn share(&mut self) -> f64 {
        // 32 bits fit a float exactly.
        f64::from((self.next() >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
    }

    fn pick<'a, T, const N: usize>(&mut self, from: &'a [T; N]) -> &'a T {
        let at = self.below(N as u64) as usize;
        from.get(at).unwrap_or(&from[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: Rows = Rows { count: 2_000, seed: 1, duplicates: 0.1, bad: 0.05 };

    #[test]
    fn the_same_seed_makes_the_same_rows() {
        let written = |seed| {
            let mut csv = String::new();
            (0..50).for_each(|row| Rows { seed, ..ROWS }.write(row, &mut csv));
            csv
        };
        assert_eq!(written(1), written(1));
        assert_ne!(written(1), written(2));
    }

    #[test]
    fn an_address_tells_the_row_it_was_made_for() {
        for row in 0..ROWS.count {
            match ROWS.kind(row) {
                Kind::Fresh => assert_eq!(Rows::of_email(&ROWS.email(row)), Some(row)),
                Kind::Duplicate(earlier) => assert_eq!(ROWS.email(row), ROWS.email(earlier)),
                Kind::Bad => assert!(!ROWS.email(row).contains('@')),
            }
        }
    }

    #[test]
    fn the_shares_are_about_those_asked_for() {
        let count = |wanted: fn(&Kind) -> bool| (0..2_000).map(|row| ROWS.kind(row)).filter(wanted).count();
        assert!((120..240).contains(&count(|kind| matches!(kind, Kind::Duplicate(_)))));
        assert!((60..150).contains(&count(|kind| *kind == Kind::Bad)));
    }
}
