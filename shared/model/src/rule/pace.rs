//! When it is worth looking again, because time alone may have changed whom a rule means.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::bound::{Bound, Leaf, Node, Test};
use super::{Clock, TimeUnit};

/// Says how often a condition may change by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pace {
    Never,
    Daily,
    AnyTime,
}

impl Bound {
    /// Gives the start of the next minute where instants are compared with the clock, that of the
    /// next day in the tenant's zone where only days are; none where time changes nothing.
    pub fn next_look(&self) -> Option<DateTime<Utc>> {
        let moment = &self.moment;
        match self.node.pace() {
            Pace::Never => None,
            Pace::Daily => moment.today.succ_opt().map(|next| moment.zone.start_of(next)),
            Pace::AnyTime => {
                let minute = TimeDelta::minutes(1);
                Some(moment.now.duration_trunc(minute).unwrap_or(moment.now) + minute)
            }
        }
    }
}

impl Node {
    fn pace(&self) -> Pace {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().map(Self::pace).max().unwrap_or(Pace::Never),
            Self::Not(node) => node.pace(),
            Self::Segment(segment) => segment.1.pace(),
            Self::Leaf(leaf) => leaf.pace(),
        }
    }
}

impl Leaf {
    fn pace(&self) -> Pace {
        match &self.test {
            Test::Days(_, Some(_)) | Test::Anniversary(_) | Test::Instants(_, Some(Clock::During(_))) => {
                Pace::Daily
            }
            Test::Instants(_, Some(Clock::OlderThan(span)))
                if matches!(span.unit(), TimeUnit::Month | TimeUnit::Year) =>
            {
                Pace::Daily
            }
            Test::Instants(_, Some(_)) => Pace::AnyTime,
            _ => Pace::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Moment, NoLists, Rule, Zone, bind};
    use crate::{AttributeType, Field, FieldId, FieldSlug, Fields};

    #[test]
    fn a_rule_is_looked_at_again_when_time_may_have_changed_it() {
        let now: DateTime<Utc> = "2026-11-23T12:34:56.789Z".parse().unwrap();
        let moment = Moment::new(now, Zone::parse("Europe/Berlin").unwrap());
        let id = FieldId { number: 0, kind: AttributeType::Date };
        let day = Field::new(id, FieldSlug::from_name("birthday").unwrap(), "Birthday");
        let fields: Fields = [day].into_iter().collect();
        let minute = Some("2026-11-23T12:35:00Z");
        let midnight = Some("2026-11-23T23:00:00Z");
        for (query, expected) in [
            ("score:>50 AND company:Acme", None),
            ("last_opened_at:>2026-01-01", None),
            ("last_opened_at:<30d", minute),
            ("last_opened_at:<3mo", minute),
            ("last_opened_at:>3mo", midnight),
            ("company:Acme OR NOT birthday:<3d", midnight),
            ("company:Acme OR birthday:<3d OR created_at:>1h", minute),
        ] {
            let rule = Rule::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
            let (bound, _) = bind(&rule, &fields, &NoLists, &moment).unwrap();
            let expected = expected.map(|at| at.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(bound.next_look(), expected, "{query}");
        }
    }
}
