//! `--max-ratio METRIC=R`: a regression as an exit status.
//!
//! A time has many pairs, and its ratio an interval: the gate is exceeded if the whole interval is
//! above the limit, so chance alone exceeds it in one of forty runs at most. Sizes and counts, and
//! times with too few pairs for an interval, are compared by their one value. A ratio that was not
//! measured exceeds every limit.

use super::Report;
use super::candidate::Candidate;
use super::results::{Measurements, Metric};
use crate::output::Failure;
use crate::statistics::Ratio;

/// A limit and the ratio of the first candidate to another.
pub struct Gate {
    pub metric: String,
    pub of: String,
    pub to: String,
    pub max_ratio: f64,
    pub ratio: Option<f64>,
    pub interval: Option<(f64, f64)>,
}

/// The values that are no times, with their names in the JSON report.
const VALUES: [(&str, Value); 10] = [
    ("bytes", |one, _| Some(one.bytes as f64)),
    ("zip_bytes", |one, _| {
        one.zip_bytes.as_ref().ok().map(|&bytes| bytes as f64)
    }),
    ("resident_kib", |_, its| {
        its.footprint(|footprint| footprint.resident_kib)
    }),
    ("private_kib", |_, its| {
        its.footprint(|footprint| footprint.private_kib)
    }),
    ("minor_faults", |_, its| {
        its.footprint(|footprint| footprint.minor_faults)
    }),
    ("warm_resident_kib", |_, its| {
        Some(its.warm.as_ref()?.footprint?.resident_kib as f64)
    }),
    ("warm_private_kib", |_, its| {
        Some(its.warm.as_ref()?.footprint?.private_kib as f64)
    }),
    ("cpu_us_per_invocation", |_, its| its.cpu_us()),
    ("system_calls_before_next", |_, its| {
        Some(its.system_calls.as_ref()?.as_ref().ok()?.before_next)
    }),
    ("system_calls_per_invocation", |_, its| {
        its.system_calls.as_ref()?.as_ref().ok()?.per_invocation
    }),
];

type Value = fn(&Candidate, &Measurements) -> Option<f64>;

/// The names of all metrics.
pub fn names() -> Vec<&'static str> {
    let times = Metric::ALL.iter().map(|(_, name)| *name);
    times.chain(VALUES.iter().map(|(name, _)| *name)).collect()
}

/// Refuses limits without anything to compare with.
pub fn check(max_ratios: &[(String, f64)], candidates: usize) -> Result<(), Failure> {
    match max_ratios.is_empty() || candidates > 1 {
        true => Ok(()),
        false => Err(Failure::new(
            "measure: --max-ratio needs a bootstrap to compare with: add --compare OTHER",
        )),
    }
}

/// The ratios of the first candidate to each of `--compare`, or, without any, to the baseline.
pub fn apply(max_ratios: &[(String, f64)], report: &Report) -> Vec<Gate> {
    let count = report.candidates.len();
    let mut others: Vec<usize> = (1..count)
        .filter(|&other| Some(other) != report.baseline)
        .collect();
    if others.is_empty() {
        others.extend(report.baseline);
    }
    let gate = |metric: &String, max_ratio: f64, other: usize| {
        let ratio = ratio(metric, report, other);
        Gate {
            metric: metric.clone(),
            of: report.candidates[0].name.clone(),
            to: report.candidates[other].name.clone(),
            max_ratio,
            ratio: ratio.as_ref().map(|ratio| ratio.median),
            interval: ratio.and_then(|ratio| ratio.interval),
        }
    };
    let gates = max_ratios.iter().flat_map(|(metric, max_ratio)| {
        others
            .iter()
            .map(move |&other| gate(metric, *max_ratio, other))
    });
    gates.collect()
}

fn ratio(metric: &str, report: &Report, other: usize) -> Option<Ratio> {
    let (one, others) = (&report.measurements[0], &report.measurements[other]);
    if let Some((metric, _)) = Metric::ALL.iter().find(|(_, name)| *name == metric) {
        return one.ratio(others, *metric);
    }
    let (_, value) = VALUES.iter().find(|(name, _)| *name == metric)?;
    let one = value(&report.candidates[0], one)?;
    let other = value(&report.candidates[other], others)?;
    match one == other {
        true => Ratio::of([(1.0, 1.0)].into_iter()), // also where both are 0
        false => Ratio::of([(one, other)].into_iter()),
    }
}

impl Gate {
    pub fn is_passed(&self) -> bool {
        let least = self.interval.map(|(from, _)| from).or(self.ratio);
        least.is_some_and(|least| least <= self.max_ratio)
    }

    /// `a / b: warm_latency 1.31 (1.28 .. 1.34) exceeds --max-ratio warm_latency=1.1`
    pub fn text(&self) -> String {
        let ratio = match (self.ratio, self.interval) {
            (None, _) => "was not measured, which fails".to_string(),
            (Some(ratio), interval) => {
                let interval = interval.map(|(from, to)| format!(" ({from:.3} .. {to:.3})"));
                let result = if self.is_passed() {
                    "passes"
                } else {
                    "exceeds"
                };
                format!("{ratio:.3}{} {result}", interval.unwrap_or_default())
            }
        };
        let (of, to, metric, max_ratio) = (&self.of, &self.to, &self.metric, self.max_ratio);
        format!("{of} / {to}: {metric} {ratio} --max-ratio {metric}={max_ratio}")
    }
}

#[cfg(test)]
mod tests {
    use super::Gate;

    fn gate(ratio: Option<f64>, interval: Option<(f64, f64)>) -> Gate {
        Gate {
            metric: "warm_latency".to_string(),
            of: "a".to_string(),
            to: "b".to_string(),
            max_ratio: 1.1,
            ratio,
            interval,
        }
    }

    #[test]
    fn gate_is_exceeded_by_a_whole_interval_above_it() {
        for (ratio, interval, is_passed) in [
            (Some(1.0), Some((0.9, 1.05)), true),
            (Some(1.2), Some((1.1, 1.3)), true),
            (Some(1.2), Some((1.11, 1.3)), false),
            (Some(1.1), None, true),
            (Some(1.11), None, false),
            (Some(f64::NAN), None, false),
            (None, None, false),
        ] {
            let gate = gate(ratio, interval);
            assert_eq!(gate.is_passed(), is_passed, "{}", gate.text());
        }
    }

    #[test]
    fn gate_text_names_ratio_and_limit() {
        let text = gate(Some(1.31), Some((1.28, 1.34))).text();
        let expected = "a / b: warm_latency 1.310 (1.280 .. 1.340) exceeds --max-ratio \
                        warm_latency=1.1";
        assert_eq!(text, expected);
        let text = gate(None, None).text();
        let expected = "a / b: warm_latency was not measured, which fails --max-ratio \
                        warm_latency=1.1";
        assert_eq!(text, expected);
    }
}
