//! Percentiles, and ratios with an interval that assumes nothing about how times are distributed.
//!
//! Two candidates take turns, so each pair of neighbouring measurements has seen the same machine.
//! What is told is the median of the pairs' ratios, with the interval between two of the sorted
//! ratios: the k-th from below and the k-th from above. It holds the true median unless fewer than
//! k of n ratios fall on one side of it, as likely as fewer than k heads of n throws of a coin; k
//! is the largest for which both sides together have at most 5 %. That is the sign test turned
//! round (W. J. Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2; H. A. David and
//! H. N. Nagaraja, Order Statistics, 3rd ed., section 7.1). Six pairs are the fewest that have one.

/// Sorted numbers.
#[derive(Clone, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Sorts them.
    pub fn new(mut numbers: Vec<f64>) -> Sample {
        numbers.sort_by(f64::total_cmp);
        Sample(numbers)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// All, from the least.
    pub fn sorted(&self) -> &[f64] {
        &self.0
    }

    /// The one at this part of the way from the least (0) to the greatest (1), the nearest there
    /// is.
    pub fn at(&self, part: f64) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        self.0.get((part * last as f64).round() as usize).copied()
    }

    /// The one in the middle, or half-way between the two there.
    pub fn median(&self) -> Option<f64> {
        let count = self.0.len();
        let upper = *self.0.get(count / 2)?;
        let lower = *self.0.get(count.saturating_sub(1) / 2)?;
        Some((lower + upper) / 2.0)
    }
}

/// How one candidate's times compare with another's.
#[derive(Clone)]
pub struct Ratio {
    pub pairs: usize,
    pub median: f64,
    /// From and to, with 95 % confidence; none of fewer than six pairs.
    pub interval: Option<(f64, f64)>,
    /// What a single pair may well show.
    pub p10: f64,
    pub p90: f64,
}

impl Ratio {
    /// Of each pair, the first by the second; `None` without a pair.
    pub fn of(pairs: impl Iterator<Item = (f64, f64)>) -> Option<Ratio> {
        let sample = Sample::new(pairs.map(|(one, other)| one / other).collect());
        let count = sample.count();
        let interval = rank(count).map(|k| (sample.0[k - 1], sample.0[count - k]));
        Some(Ratio {
            pairs: count,
            median: sample.median()?,
            interval,
            p10: sample.at(0.1)?,
            p90: sample.at(0.9)?,
        })
    }
}

/// The largest k for which fewer than k heads of `count` throws have at most 2.5 %.
fn rank(count: usize) -> Option<usize> {
    const SIDE: f64 = 0.025;
    let n = count as f64;
    // The logarithm of "exactly k heads", from k = 0 on: 2^-n itself is no number for large n.
    let mut exactly = -n * std::f64::consts::LN_2;
    let (mut at_most, mut k) = (exactly.exp(), 0);
    while at_most <= SIDE {
        exactly += ((n - k as f64) / (k as f64 + 1.0)).ln();
        at_most += exactly.exp();
        k += 1;
    }
    (k > 0).then_some(k)
}
