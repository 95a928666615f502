//! Percentiles, and ratios with an interval that assumes nothing about how times are distributed.
//!
//! Two candidates alternate, so the machine was in the same state for each pair of neighbouring
//! measurements. The result is the median of the pairs' ratios, with the interval between two of
//! the sorted ratios: the k-th from below and the k-th from above. It contains the true median
//! unless fewer than k of n ratios fall on one side of it, which is as likely as fewer than k heads
//! in n tosses of a coin; k is the largest number for which both sides together have at most 5 %.
//! That is the sign test inverted (W. J. Conover, Practical Nonparametric Statistics, 3rd ed.,
//! section 3.2; H. A. David and H. N. Nagaraja, Order Statistics, 3rd ed., section 7.1). It takes
//! six pairs.

/// The quantiles of every report, with their names.
pub const QUANTILES: [(&str, f64); 5] = [
    ("min", 0.0),
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("max", 1.0),
];

/// Sorted numbers.
#[derive(Clone, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Sorts them.
    pub fn new(mut numbers: Vec<f64>) -> Sample {
        numbers.sort_by(f64::total_cmp);
        Sample(numbers)
    }

    /// The number of values.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// All values, from the smallest.
    pub fn sorted(&self) -> &[f64] {
        &self.0
    }

    /// The value nearest to this quantile: 0 is the smallest, 1 the greatest.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        let index = (quantile * last as f64).round() as usize;
        self.0.get(index).copied()
    }

    /// The middle value, or the mean of the two middle values.
    pub fn median(&self) -> Option<f64> {
        let count = self.0.len();
        let upper = *self.0.get(count / 2)?;
        let lower = *self.0.get(count.saturating_sub(1) / 2)?;
        Some((lower + upper) / 2.0)
    }
}

/// The ratio of one candidate's times to another's.
#[derive(Clone)]
pub struct Ratio {
    pub pairs: usize,
    pub median: f64,
    /// The 95 % confidence interval; `None` for fewer than six pairs.
    pub interval: Option<(f64, f64)>,
    /// The spread of single pairs.
    pub p10: f64,
    pub p90: f64,
}

impl Ratio {
    /// The first of each pair divided by the second; `None` without a pair.
    pub fn of(pairs: impl Iterator<Item = (f64, f64)>) -> Option<Ratio> {
        let sample = Sample::new(pairs.map(|(one, other)| one / other).collect());
        let count = sample.count();
        let interval = interval_rank(count).map(|k| (sample.0[k - 1], sample.0[count - k]));
        Some(Ratio {
            pairs: count,
            median: sample.median()?,
            interval,
            p10: sample.quantile(0.1)?,
            p90: sample.quantile(0.9)?,
        })
    }
}

/// The largest k for which the probability of fewer than k heads in `count` tosses is at most 2.5
/// %.
fn interval_rank(count: usize) -> Option<usize> {
    const SIDE: f64 = 0.025;
    let n = count as f64;
    // The logarithm of "exactly k heads", from k = 0 on: 2^-n itself underflows for large n.
    let mut exactly = -n * std::f64::consts::LN_2;
    let (mut at_most, mut k) = (exactly.exp(), 0);
    while at_most <= SIDE {
        exactly += ((n - k as f64) / (k as f64 + 1.0)).ln();
        at_most += exactly.exp();
        k += 1;
    }
    (k > 0).then_some(k)
}
