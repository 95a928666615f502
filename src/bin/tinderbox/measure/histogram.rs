//! A histogram for the terminal: one line a candidate, all over the same axis of time.

use super::Report;
use super::table::grouped;

const COLUMNS: usize = 64;
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Cold starts to a complete `GET`: how many of them took how long. Times differ by factors, so the
/// axis is logarithmic; the few that took longest are all in the last column.
pub fn write(report: &Report) -> String {
    let samples: Vec<_> = report
        .figures
        .iter()
        .map(|f| f.start_sample(|s| s.next_us))
        .collect();
    let ends = samples
        .iter()
        .filter_map(|sample| Some((sample.at(0.0)?, sample.at(0.98)?)));
    let Some((least, most)) = ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    else {
        return String::new();
    };
    let range = (most / least).ln().max(0.05);
    let names = report
        .candidates
        .iter()
        .map(|candidate| candidate.name.chars().count());
    let names = names.max().unwrap_or(0);
    let mut text = String::from("\n");
    for (candidate, sample) in report.candidates.iter().zip(&samples) {
        let mut counts = [0usize; COLUMNS];
        for us in sample.sorted() {
            let place = (us / least).ln() / range * COLUMNS as f64;
            counts[(place as usize).min(COLUMNS - 1)] += 1;
        }
        let top = counts.iter().copied().max().unwrap_or(0).max(1);
        // What is there at all is seen.
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
