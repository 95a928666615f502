//! The comparison in words.

use super::Report;
use super::results::Metric;
use crate::statistics::Ratio;

/// How one candidate compares with another.
#[derive(Debug, PartialEq)]
enum Change {
    Faster(String),
    Slower(String),
    /// The interval has 1 in it, or the ratio is no further from 1 than that of the candidate to
    /// itself.
    Unclear,
    /// Too few pairs for an interval.
    Unknown,
}

/// One sentence for each candidate that the first is compared with.
pub fn sentences(report: &Report) -> Vec<String> {
    let first = &report.measurements[0];
    let name = |index: usize| &report.candidates[index].name;
    let others = report.pairs().into_iter().filter(|(one, _)| *one == 0);
    let sentence = |(one, other): (usize, usize)| {
        let changes = Metric::ALL.map(|(metric, _)| {
            let ratio = first.ratio(&report.measurements[other], metric);
            let change = change(ratio.as_ref(), first.noise(metric).as_ref());
            (metric.words(), change)
        });
        format!(
            "{} compared with {}: {}",
            name(one),
            name(other),
            words(&changes)
        )
    };
    let sentences: Vec<String> = others.map(sentence).collect();
    match sentences.is_empty() {
        true => vec!["none: there is nothing to compare with (--compare OTHER)".to_string()],
        false => sentences,
    }
}

fn change(ratio: Option<&Ratio>, noise: Option<&Ratio>) -> Change {
    let Some((ratio, (from, to))) = ratio.and_then(|ratio| Some((ratio, ratio.interval?))) else {
        return Change::Unknown;
    };
    let median = ratio.median;
    // Not the noise's interval: of a few pairs that is their extremes, so one slow round of a busy
    // machine would make it contain every ratio.
    let distance = |ratio: f64| ratio.ln().abs();
    let is_noise = |noise: &Ratio| distance(median) <= distance(noise.median);
    if (from..=to).contains(&1.0) || noise.is_some_and(is_noise) {
        return Change::Unclear;
    }
    match median {
        ..0.5 => Change::Faster(format!("{:.1} times as fast", 1.0 / median)),
        ..1.0 => Change::Faster(format!("{} less time", percent(1.0 - median))),
        ..2.0 => Change::Slower(format!("{} more time", percent(median - 1.0))),
        _ => Change::Slower(format!("{median:.1} times the time")),
    }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent < 10.0 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

fn words(changes: &[(&str, Change)]) -> String {
    let list = |intro: &str, of: fn(&Change) -> Option<Option<&String>>| {
        let listed = changes.iter().filter_map(|(name, change)| {
            Some(match of(change)? {
                Some(detail) => format!("{name} ({detail})"),
                None => name.to_string(),
            })
        });
        let listed = listed.collect::<Vec<String>>().join(", ");
        (!listed.is_empty()).then(|| format!("{intro} {listed}"))
    };
    let parts = [
        list("faster in", |change| match change {
            Change::Faster(detail) => Some(Some(detail)),
            _ => None,
        }),
        list("slower in", |change| match change {
            Change::Slower(detail) => Some(Some(detail)),
            _ => None,
        }),
        list("no clear difference in", |change| {
            (*change == Change::Unclear).then_some(None)
        }),
        list("not enough pairs for", |change| {
            (*change == Change::Unknown).then_some(None)
        }),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::{Change, change, words};
    use crate::statistics::Ratio;

    fn ratio(median: f64, spread: f64) -> Ratio {
        let pairs = (0..20).map(|n| (median * (1.0 + spread * f64::from(n - 10) / 10.0), 1.0));
        Ratio::of(pairs).expect("pairs")
    }

    fn is(median: f64) -> Change {
        change(Some(&ratio(median, 0.001)), Some(&ratio(1.0, 0.001)))
    }

    #[test]
    fn change_is_named_by_its_size() {
        let faster = |text: &str| Change::Faster(text.to_string());
        let slower = |text: &str| Change::Slower(text.to_string());
        assert_eq!(is(0.1), faster("10.0 times as fast"));
        assert_eq!(is(0.75), faster("25 % less time"));
        assert_eq!(is(0.97), faster("3.0 % less time"));
        assert_eq!(is(1.25), slower("25 % more time"));
        assert_eq!(is(3.0), slower("3.0 times the time"));
    }

    #[test]
    fn change_within_interval_or_noise_is_unclear() {
        assert_eq!(change(Some(&ratio(1.01, 0.5)), None), Change::Unclear);
        let small = ratio(1.05, 0.001);
        assert_ne!(change(Some(&small), None), Change::Unclear);
        for noise in [0.9, 1.1] {
            let noise = ratio(noise, 0.001);
            assert_eq!(change(Some(&small), Some(&noise)), Change::Unclear);
        }
        // One slow round in six.
        let noise = Ratio::of(
            [1.0, 1.0, 1.01, 0.99, 1.0, 0.002]
                .map(|one| (one, 1.0))
                .into_iter(),
        );
        assert_ne!(change(Some(&small), noise.as_ref()), Change::Unclear);
    }

    #[test]
    fn change_of_too_few_pairs_is_unknown() {
        assert_eq!(change(None, None), Change::Unknown);
        let few = Ratio::of([(1.0, 2.0); 5].into_iter());
        assert_eq!(change(few.as_ref(), None), Change::Unknown);
    }

    #[test]
    fn words_group_metrics_by_their_change() {
        let changes = [
            ("a", is(0.1)),
            ("b", is(3.0)),
            ("c", is(1.0)),
            ("d", is(0.75)),
        ];
        let expected = "faster in a (10.0 times as fast), d (25 % less time); slower in b (3.0 \
                        times the time); no clear difference in c";
        assert_eq!(words(&changes), expected);
    }
}
