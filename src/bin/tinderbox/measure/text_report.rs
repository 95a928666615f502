//! The report as text: tables, ratios, notes.

use super::histogram;
use super::results::{Metric, Start, SystemCalls};
use super::{Measurements, Report, verdict};
use crate::number::grouped;
use crate::statistics::{QUANTILES, Ratio, Sample};

/// The quantiles of a table: without the greatest value.
const QUANTILES_SHOWN: usize = 4;

/// The whole report.
pub fn write(report: &Report) -> String {
    let mut text = heading(report);
    text += &table("cold start, us", &cold(report));
    text += &histogram::write(report);
    text += &table("warm, us", &warm(report));
    text += &table("memory, faults", &memory(report));
    text += &table("calls, bytes", &calls_and_bytes(report));
    text += &table("ratio (95 % interval)", &ratios(report));
    if !report.sizes.is_empty() {
        text += &table("event bytes: warm p50, us", &sizes(report));
    }
    text += &conclusion(report);
    text += &notes(report);
    text
}

fn heading(report: &Report) -> String {
    let machine = &report.machine;
    let place = match report.cpu {
        Some(cpu) => format!("all on CPU {cpu}"),
        None => "on any CPU".to_string(),
    };
    let bootstraps = match report.candidates.len() {
        1 => "one bootstrap".to_string(),
        count => format!("{count} bootstraps in turn"),
    };
    let mut text = format!(
        "{}, {} CPUs, Linux {}, {}, {place}\n{bootstraps}; event of {} bytes\n",
        machine.cpu,
        machine.cpus,
        machine.kernel,
        machine.time,
        grouped(report.event_bytes as f64),
    );
    for candidate in &report.candidates {
        let path = candidate.program.bootstrap.display();
        let handler = &candidate.settings.handler;
        text += &format!("  {}: {path}, handler {handler}\n", candidate.name);
    }
    text
}

/// A name and cells; the first row is the header.
type Rows = Vec<(String, Vec<String>)>;

fn cold(report: &Report) -> Rows {
    let header = "starts|to GET: min|p50|p90|p99|to answer: min|p50|p90|p99|first event";
    let mut rows = vec![header_row(header)];
    for (candidate, measured) in report.rows() {
        let next = measured.start_sample(|start| start.next_us);
        let response = measured.start_sample(|start| start.response_us);
        let event = measured.start_sample(|start: &Start| start.response_us - start.next_us);
        let mut cells = vec![grouped(next.count() as f64)];
        cells.extend(quantile_cells(&next));
        cells.extend(quantile_cells(&response));
        cells.push(time(event.median()));
        rows.push((candidate.name.clone(), cells));
    }
    rows
}

fn warm(report: &Report) -> Rows {
    let header = "invocations|min|p50|p90|p99|per second|CPU per invocation";
    let mut rows = vec![header_row(header)];
    for (candidate, measured) in report.rows() {
        let warm = measured.warm.as_ref();
        let mut cells = vec![grouped(warm.map_or(0.0, |warm| warm.invocations as f64))];
        cells.extend(quantile_cells(&measured.latency_sample()));
        cells.push(number(measured.per_second()));
        cells.push(time(measured.cpu_us()));
        rows.push((candidate.name.clone(), cells));
    }
    rows
}

fn memory(report: &Report) -> Rows {
    let header = "processes|resident KiB|private KiB|page faults|major|\
                  when warm: resident|private|connections per start";
    let mut rows = vec![header_row(header)];
    for (candidate, measured) in report.rows() {
        let warm = measured.warm.as_ref().and_then(|warm| warm.footprint);
        let cells = vec![
            number(measured.footprint(|footprint| footprint.processes)),
            number(measured.footprint(|footprint| footprint.resident_kib)),
            number(measured.footprint(|footprint| footprint.private_kib)),
            number(measured.footprint(|footprint| footprint.minor_faults)),
            number(measured.footprint(|footprint| footprint.major_faults)),
            number(warm.map(|footprint| footprint.resident_kib as f64)),
            number(warm.map(|footprint| footprint.private_kib as f64)),
            number(Some(measured.connections_per_start as f64)),
        ];
        rows.push((candidate.name.clone(), cells));
    }
    rows
}

fn calls_and_bytes(report: &Report) -> Rows {
    let header = "system calls to GET|per invocation|bytes|zip bytes|linked";
    let mut rows = vec![header_row(header)];
    for (candidate, measured) in report.rows() {
        let counted = measured
            .system_calls
            .as_ref()
            .and_then(|calls| calls.as_ref().ok());
        let calls = |value: fn(&SystemCalls) -> Option<f64>| match counted {
            Some(calls) => number(value(calls)),
            None => "not counted".to_string(),
        };
        let zip = candidate.zip_bytes.as_ref();
        let cells = vec![
            calls(|calls| Some(calls.before_next)),
            calls(|calls| calls.per_invocation),
            grouped(candidate.bytes as f64),
            zip.map_or("not measured".to_string(), |&bytes| grouped(bytes as f64)),
            candidate.linked.clone(),
        ];
        rows.push((candidate.name.clone(), cells));
    }
    rows
}

fn ratios(report: &Report) -> Rows {
    let mut rows = vec![header_row("to GET|to answer|warm latency|warm invocation")];
    for (one, other) in report.pairs() {
        let (measured, others) = (&report.measurements[one], &report.measurements[other]);
        let name = |index: usize| &report.candidates[index].name;
        let cells = Metric::ALL.map(|(metric, _)| ratio(measured.ratio(others, metric)));
        rows.push((format!("{} / {}", name(one), name(other)), cells.to_vec()));
    }
    let first: &Measurements = &report.measurements[0];
    let noise = Metric::ALL.map(|(metric, _)| ratio(first.noise(metric)));
    let name = format!("noise: {} / itself", report.candidates[0].name);
    rows.push((name, noise.to_vec()));
    let spread = Metric::ALL.map(|(metric, _)| match first.noise(metric) {
        Some(noise) => format!("{:.2} .. {:.2}", noise.p10, noise.p90),
        None => none(),
    });
    rows.push(("  a single pair, p10 .. p90".to_string(), spread.to_vec()));
    rows
}

/// A row for each candidate, a column for each size; and the ratios.
fn sizes(report: &Report) -> Rows {
    let header = report
        .sizes
        .iter()
        .map(|size| grouped(size.event_bytes as f64));
    let mut rows = vec![(String::new(), header.collect())];
    for (index, candidate) in report.candidates.iter().enumerate() {
        let medians = report.sizes.iter().map(|size| {
            let sample = size.measurements[index].latency_sample();
            time(sample.median())
        });
        rows.push((candidate.name.clone(), medians.collect()));
    }
    for (one, other) in report.pairs() {
        let name = |index: usize| &report.candidates[index].name;
        let ratios = report.sizes.iter().map(|size| {
            let (one, other) = (&size.measurements[one], &size.measurements[other]);
            ratio(one.ratio(other, Metric::WarmLatency))
        });
        rows.push((format!("{} / {}", name(one), name(other)), ratios.collect()));
    }
    rows
}

/// The verdict and the gates.
fn conclusion(report: &Report) -> String {
    let mut text = "\n".to_string();
    for sentence in verdict::sentences(report) {
        text += &format!("verdict: {sentence}\n");
    }
    for gate in &report.gates {
        text += &format!("gate: {}\n", gate.text());
    }
    text
}

fn ratio(ratio: Option<Ratio>) -> String {
    let Some(ratio) = ratio else {
        return none();
    };
    // Enough decimals to distinguish 1.004 from 1 and 0.0004 from 0, and no more.
    let places = match ratio.median {
        median if median >= 100.0 => 0,
        median if median >= 10.0 => 1,
        median if median >= 0.1 => 3,
        median if median >= 0.01 => 4,
        _ => 6,
    };
    let median = ratio.median;
    match ratio.interval {
        Some((from, to)) => format!("{median:.places$} ({from:.places$} .. {to:.places$})"),
        None => format!("{median:.places$} ({} pairs)", ratio.pairs),
    }
}

/// What the tables do not show: missing measurements, failures, wrong answers.
fn notes(report: &Report) -> String {
    let mut text = String::new();
    if report.baseline.is_none() {
        text += "no baseline: no file baseline or baseline/bootstrap in the tool's folder, and no \
                 --baseline\n";
    }
    for (candidate, measured) in report.rows() {
        let name = &candidate.name;
        if let Some(Err(reason)) = &measured.system_calls {
            text += &format!("{name}: system calls not counted: {reason}\n");
        }
        if let Err(reason) = &candidate.zip_bytes {
            text += &format!("{name}: zip bytes not measured: {reason}\n");
        }
        for fault in measured.faults() {
            text += &format!("{name}: {fault}\n");
        }
    }
    match text.is_empty() {
        true => text,
        false => format!("\n{text}"),
    }
}

fn header_row(cells: &str) -> (String, Vec<String>) {
    let cells = cells.split('|').map(str::to_string);
    (String::new(), cells.collect())
}

/// The title above the names, cells aligned to the right.
fn table(title: &str, rows: &Rows) -> String {
    let width = |cell: &String| cell.chars().count();
    let names = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let names = names.max(title.chars().count());
    let mut text = String::from("\n");
    for (index, (name, cells)) in rows.iter().enumerate() {
        let name = if index == 0 { title } else { name };
        let mut line = format!("{name:names$}");
        for (column, cell) in cells.iter().enumerate() {
            let cells = rows.iter().filter_map(|(_, cells)| cells.get(column));
            let width = cells.map(width).max().unwrap_or(0);
            line += &format!("  {cell:>width$}");
        }
        text += line.trim_end();
        text += "\n";
    }
    text
}

fn none() -> String {
    "-".to_string()
}

fn number(number: Option<f64>) -> String {
    number.map_or(none(), grouped)
}

fn quantile_cells(sample: &Sample) -> Vec<String> {
    let shown = QUANTILES.iter().take(QUANTILES_SHOWN);
    shown
        .map(|&(_, quantile)| time(sample.quantile(quantile)))
        .collect()
}

/// Microseconds, with a tenth below 100.
fn time(us: Option<f64>) -> String {
    match us {
        None => none(),
        Some(us) if us < 100.0 => format!("{us:.1}"),
        Some(us) => grouped(us),
    }
}
