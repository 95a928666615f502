//! A histogram for the terminal: one line for each candidate, with a common time axis.

use super::Report;
use crate::number::grouped;

const COLUMNS: usize = 64;
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The distribution of cold starts to a complete `GET`. The axis is logarithmic, because candidates
/// differ by factors; the slowest 2 % are in the last column.
pub fn write(report: &Report) -> String {
    let samples: Vec<_> = report
        .measurements
        .iter()
        .map(|measured| measured.start_sample(|start| start.next_us))
        .collect();
    let ends = samples
        .iter()
        .filter_map(|sample| Some((sample.quantile(0.0)?, sample.quantile(0.98)?)));
    let Some((least, greatest)) =
        ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    else {
        return String::new();
    };
    let range = (greatest / least).ln().max(0.05);
    let names = report
        .candidates
        .iter()
        .map(|candidate| candidate.name.chars().count());
    let names = names.max().unwrap_or(0);
    let mut text = String::from("\n");
    for (candidate, sample) in report.candidates.iter().zip(&samples) {
        let mut counts = [0usize; COLUMNS];
        for us in sample.sorted() {
            let column = (us / least).ln() / range * COLUMNS as f64;
            counts[(column as usize).min(COLUMNS - 1)] += 1;
        }
        let top = counts.iter().copied().max().unwrap_or(0).max(1);
        // A count above 0 is visible.
        let bar = |&count: &usize| BARS[(count * (BARS.len() - 1)).div_ceil(top)];
        let bars: String = counts.iter().map(bar).collect();
        text += format!("  {:names$}  {bars}", candidate.name).trim_end();
        text += "\n";
    }
    let middle = (least.ln() + range / 2.0).exp();
    let marks =
        [least, middle, least * range.exp()].map(|us| format!("{} us", grouped(us.round())));
    let left = COLUMNS / 2 - marks[1].len() / 2;
    let right = COLUMNS - left - marks[1].len();
    let [first, second, third] = &marks;
    text += &format!("  {:names$}  {first:<left$}{second}{third:>right$}\n", "");
    text
}
