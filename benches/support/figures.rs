//! Statistics: medians, intervals, ratios of pairs; printed, and appended to the record.
//!
//! Two binaries take turns, A B B A, so that other load on the machine affects both. The figure is
//! the median of the ratios of the pairs. Its 95 % interval uses only the order of the ratios (the
//! ranks n/2 ± 0.98 √n, of the binomial distribution), so it holds for any distribution.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

/// A median and its 95 % interval.
#[derive(Clone, Copy)]
pub struct Interval {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// The median of some numbers, at least one, with its interval.
pub fn interval(numbers: &[f64]) -> Interval {
    let sorted = sorted(numbers);
    let count = sorted.len() as f64;
    let reach = 0.98 * count.sqrt();
    // Ranks count from 1.
    let low = (count / 2.0 - reach).floor().max(1.0) as usize;
    let high = (count / 2.0 + reach + 1.0).ceil().min(count) as usize;
    Interval {
        median: quantile(&sorted, 0.5),
        low: sorted[low - 1],
        high: sorted[high - 1],
    }
}

fn sorted(numbers: &[f64]) -> Vec<f64> {
    assert!(!numbers.is_empty(), "statistics of no values");
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

/// Microseconds.
pub fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The ratios of pairs.
pub fn ratios(a: &[f64], b: &[f64]) -> Vec<f64> {
    assert_eq!(a.len(), b.len(), "as many of one as of the other");
    a.iter().zip(b).map(|(a, b)| a / b).collect()
}

/// The median of some numbers, at least one.
pub fn median(numbers: &[f64]) -> f64 {
    quantile(&sorted(numbers), 0.5)
}

/// Runs both `count` times, alternating which one is first.
pub fn alternate<T>(
    count: usize,
    mut a: impl FnMut() -> T,
    mut b: impl FnMut() -> T,
) -> (Vec<T>, Vec<T>) {
    let (mut results_a, mut results_b) = (Vec::new(), Vec::new());
    for round in 0..count {
        if round % 2 == 0 {
            results_a.push(a());
            results_b.push(b());
        } else {
            results_b.push(b());
            results_a.push(a());
        }
    }
    (results_a, results_b)
}

/// The output of a bench.
pub struct Report {
    bench: &'static str,
    timed: bool,
    other: &'static str,
}

impl Report {
    /// The report of one bench; without `timed` it has no times.
    pub fn new(bench: &'static str, timed: bool) -> Report {
        Report {
            bench,
            timed,
            other: "the baseline",
        }
    }

    /// With another name for what the ratios refer to.
    pub fn beside(self, other: &'static str) -> Report {
        Report { other, ..self }
    }

    /// Adds the figures of one subject: the median, and p99, which 99 % are not worse than; with
    /// `ratios`, also those to the baseline, or to another.
    pub fn add(&self, subject: &str, unit: &str, numbers: &[f64], ratios: Option<&[f64]>) {
        if !self.timed {
            return println!("{}: {subject}: all results right", self.bench);
        }
        let own = sorted(numbers);
        // The worst times are the longest, the worst speeds the lowest.
        let worst = if unit.ends_with("/s") { 0.01 } else { 0.99 };
        let (median, p99) = (quantile(&own, 0.5), quantile(&own, worst));
        let ratio = ratios.map(interval);
        let ratio_text = ratio.map_or(String::new(), |ratio| {
            let Interval { median, low, high } = ratio;
            format!("  {median:6.3} of {} [{low:.3} to {high:.3}]", self.other)
        });
        let count = own.len();
        println!(
            "{:10} {subject:32} {median:10.1} {unit:6} p99 {p99:10.1}  n {count:<6}{ratio_text}",
            self.bench
        );
        let ratio = ratio.map_or("-\t-\t-".into(), |ratio| {
            let Interval { median, low, high } = ratio;
            format!("{median:.3}\t{low:.3}\t{high:.3}")
        });
        self.append(&format!(
            "{}\t{subject}\t{unit}\t{count}\t{median:.1}\t{p99:.1}\t{ratio}\n",
            self.bench
        ));
    }

    /// Adds the medians of two that took turns, and the median of their ratios, other to own: above
    /// 1, the own one is faster.
    pub fn add_compared(&self, subject: &str, unit: &str, own: &[f64], other: &[f64]) {
        if !self.timed {
            return println!("{}: {subject}: all results right", self.bench);
        }
        let Interval { median, low, high } = interval(&ratios(other, own));
        let (own, other) = (self::median(own), self::median(other));
        println!(
            "{:10} {subject:28} {own:10.1} {unit}  other {other:10.1} {unit}  \
             other : own {median:6.3} [{low:.3} to {high:.3}]",
            self.bench
        );
    }

    fn append(&self, row: &str) {
        let Some(path) = std::env::var_os("TINDERBOX_ROWS") else {
            return;
        };
        let file = OpenOptions::new().create(true).append(true).open(path);
        let written = file.and_then(|mut file| file.write_all(row.as_bytes()));
        written.expect("append to the file that TINDERBOX_ROWS names");
    }
}
