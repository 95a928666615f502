//! The report as a picture: the cumulative distribution of cold starts, and the sizes.

use super::Report;
use super::svg::{Anchor, Shade, Svg};
use crate::number::grouped;
use crate::statistics::Sample;

const WIDTH: f64 = 800.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 560.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 324.0;
const ROW: f64 = 34.0;
/// The left ends of the bars; their names end there.
const BARS: f64 = 190.0;
const BARS_END: f64 = 620.0;

/// A logarithmic axis.
struct Axis {
    least: f64,
    greatest: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn place(&self, number: f64) -> f64 {
        let share = (number / self.least).ln() / (self.greatest / self.least).ln();
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round numbers: 1, 2 and 5 times powers of ten, or only the powers on a long axis.
    fn marks(&self) -> Vec<f64> {
        let steps: &[f64] = match self.greatest / self.least {
            ratio if ratio > 300.0 => &[1.0],
            _ => &[1.0, 2.0, 5.0],
        };
        let powers = self.least.log10().floor() as i32..=self.greatest.log10().ceil() as i32;
        let marks = powers.flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
        marks
            .filter(|mark| (self.least..=self.greatest).contains(mark))
            .collect()
    }
}

/// The whole file.
pub fn write(report: &Report) -> String {
    let count = report.candidates.len() as f64;
    // Many names need narrower lines, and then a higher picture.
    let step = ((BOTTOM - TOP) / count).clamp(17.0, 26.0);
    let bars_top = 84.0 + BOTTOM.max(TOP + count * step);
    let height = bars_top + 64.0 + count * ROW;
    let mut svg = Svg::new(WIDTH, height);
    let samples: Vec<Sample> = report
        .measurements
        .iter()
        .map(|measured| measured.start_sample(|start| start.next_us))
        .collect();
    starts(&mut svg, report, &samples, step);
    bars(&mut svg, report, bars_top);
    let machine = &report.machine;
    let place = match report.cpu {
        Some(_) => "all on one CPU",
        None => "on any CPU",
    };
    let footer = format!(
        "{}, Linux {}, {place}, {}",
        machine.cpu, machine.kernel, machine.time
    );
    svg.text(LEFT - 40.0, height - 14.0, Anchor::Start, "small", &footer);
    let medians = report
        .candidates
        .iter()
        .zip(&samples)
        .map(|(candidate, sample)| {
            let median = sample.median().map_or("none".to_string(), time);
            format!(
                "{}: median {median}, {} bytes",
                candidate.name, candidate.bytes
            )
        });
    let description = medians.collect::<Vec<String>>().join("; ");
    svg.finish("Cold starts and sizes of bootstraps", &description)
}

/// For each time, the share of starts that took no longer.
fn starts(svg: &mut Svg, report: &Report, samples: &[Sample], step: f64) {
    svg.text(LEFT - 40.0, 26.0, Anchor::Start, "title", "Cold start");
    let what = "share of starts whose first GET of an event was complete by this time (log scale)";
    svg.text(LEFT - 40.0, 44.0, Anchor::Start, "small", what);
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = BOTTOM - share * (BOTTOM - TOP);
        svg.rule((LEFT, y), (RIGHT, y));
        let label = format!("{:.0} %", share * 100.0);
        svg.text(LEFT - 6.0, y + 4.0, Anchor::End, "small", &label);
    }
    let ends = samples
        .iter()
        .filter_map(|sample| Some((sample.quantile(0.0)?, sample.quantile(0.99)?)));
    let Some((least, greatest)) =
        ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    else {
        return;
    };
    let axis = Axis {
        least: least / 1.05,
        greatest: greatest * 1.05,
        from: LEFT,
        to: RIGHT,
    };
    for mark in axis.marks() {
        let x = axis.place(mark);
        svg.rule((x, TOP), (x, BOTTOM));
        svg.text(x, BOTTOM + 16.0, Anchor::Middle, "small", &time(mark));
    }
    let mut names: Vec<usize> = (0..samples.len()).collect();
    for (number, sample) in samples.iter().enumerate() {
        svg.line(number, &staircase(sample, &axis));
    }
    names.sort_by(|&one, &other| {
        let median = |index: usize| samples[index].median().unwrap_or(f64::MAX);
        median(one).total_cmp(&median(other))
    });
    for (place, &number) in names.iter().enumerate() {
        let y = TOP + 10.0 + place as f64 * step;
        svg.line(number, &[(RIGHT + 14.0, y - 4.0), (RIGHT + 38.0, y - 4.0)]);
        let median = samples[number]
            .median()
            .map_or("no start".to_string(), time);
        let text = format!("{} {median}", shorten(&report.candidates[number].name, 18));
        svg.text(RIGHT + 44.0, y, Anchor::Start, "label", &text);
    }
}

/// One step for each start; those beyond the axis are at its end.
fn staircase(sample: &Sample, axis: &Axis) -> Vec<(f64, f64)> {
    let height = |count: usize| {
        let share = count as f64 / sample.count().max(1) as f64;
        BOTTOM - share * (BOTTOM - TOP)
    };
    let mut points = Vec::new();
    for (before, &us) in sample.sorted().iter().enumerate() {
        let x = axis.place(us);
        points.push((x, height(before)));
        points.push((x, height(before + 1)));
        if us >= axis.greatest {
            return points; // the rest is beyond the axis
        }
    }
    if !points.is_empty() {
        points.push((axis.to, height(sample.count())));
    }
    points
}

/// Bytes, and below them zip bytes.
fn bars(svg: &mut Svg, report: &Report, top: f64) {
    svg.text(LEFT - 40.0, top - 22.0, Anchor::Start, "title", "Size");
    let what = "bytes as deployed and, paler, as a zip (log scale)";
    svg.text(LEFT - 40.0, top - 4.0, Anchor::Start, "small", what);
    let sizes: Vec<(f64, Option<f64>)> = report
        .candidates
        .iter()
        .map(|candidate| {
            let zip = candidate.zip_bytes.as_ref().ok().map(|&bytes| bytes as f64);
            (candidate.bytes as f64, zip)
        })
        .collect();
    let all = sizes
        .iter()
        .flat_map(|&(bytes, zip)| [Some(bytes), zip])
        .flatten();
    let (least, greatest) = all.fold((f64::MAX, 1.0f64), |(least, greatest), bytes| {
        (least.min(bytes), greatest.max(bytes))
    });
    let axis = Axis {
        // The shortest bar has to be visible.
        least: 10f64.powf((least.max(1.0) / 2.0).log10().floor()),
        greatest: greatest.max(least * 2.0) * 1.1,
        from: BARS,
        to: BARS_END,
    };
    let bottom = top + 10.0 + sizes.len() as f64 * ROW;
    for mark in axis.marks() {
        let x = axis.place(mark);
        svg.rule((x, top + 6.0), (x, bottom));
        svg.text(x, bottom + 14.0, Anchor::Middle, "small", &bytes(mark));
    }
    for (number, (size, zip)) in sizes.into_iter().enumerate() {
        let y = top + 12.0 + number as f64 * ROW;
        let name = shorten(&report.candidates[number].name, 24);
        svg.text(BARS - 8.0, y + 15.0, Anchor::End, "label", &name);
        let mut bar = |y: f64, size: f64, shade: Shade| {
            let width = (axis.place(size) - BARS).max(1.0);
            svg.bar(number, (BARS, y), (width, 11.0), shade);
            let label = grouped(size);
            svg.text(BARS + width + 6.0, y + 10.0, Anchor::Start, "small", &label);
        };
        bar(y, size, Shade::Full);
        if let Some(zip) = zip {
            bar(y + 12.0, zip, Shade::Pale);
        }
    }
}

fn time(us: f64) -> String {
    match us {
        us if us < 1000.0 => format!("{} us", grouped(us.round())),
        us if us < 10_000.0 => format!("{} ms", (us / 100.0).round() / 10.0),
        us => format!("{} ms", grouped((us / 1000.0).round())),
    }
}

fn bytes(number: f64) -> String {
    match number {
        number if number < 1e3 => format!("{number} B"),
        number if number < 1e6 => format!("{} kB", number / 1e3),
        number => format!("{} MB", number / 1e6),
    }
}

fn shorten(name: &str, greatest: usize) -> String {
    match name.chars().count() > greatest {
        true => name.chars().take(greatest - 1).chain(['…']).collect(),
        false => name.to_string(),
    }
}
