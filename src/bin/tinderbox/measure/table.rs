//! The report as text.

use super::candidate::Candidate;
use super::figures::{Calls, Figures, Start, Time};
use super::statistics::{Ratio, Sample};
use super::{Report, faults, histogram};

const PARTS: [f64; 4] = [0.0, 0.5, 0.9, 0.99];

/// All of it.
pub fn write(report: &Report) -> String {
    let mut text = head(report);
    text += &table("cold start, us", &cold(report));
    text += &histogram::write(report);
    text += &table("warm, us", &warm(report));
    text += &table("memory, faults", &memory(report));
    text += &table("calls, bytes", &weight(report));
    text += &table("ratio (95 % interval)", &ratios(report));
    text += &notes(report);
    text
}

/// Pairs that are compared: the first with each, and each with the floor.
pub fn pairs(report: &Report) -> Vec<(usize, usize)> {
    let count = report.candidates.len();
    let mut pairs: Vec<_> = (1..count).map(|other| (0, other)).collect();
    if let Some(floor) = report.floor {
        pairs.extend((1..floor).map(|one| (one, floor)));
    }
    pairs
}

fn head(report: &Report) -> String {
    let machine = &report.machine;
    let place = match report.cpu {
        Some(cpu) => format!("all on CPU {cpu}"),
        None => "on any CPU".to_string(),
    };
    let mut text = format!(
        "{}, {} CPUs, Linux {}, {}, {place}\n{}; event of {} bytes\n",
        machine.cpu,
        machine.cpus,
        machine.kernel,
        machine.time,
        match report.candidates.len() {
            1 => "one bootstrap".to_string(),
            count => format!("{count} bootstraps in turn"),
        },
        grouped(report.event_bytes as f64),
    );
    for candidate in &report.candidates {
        text += &format!(
            "  {}: {}",
            candidate.name,
            candidate.program.bootstrap.display()
        );
        text += &format!(", handler {}\n", candidate.settings.handler);
    }
    text
}

type Rows = Vec<(String, Vec<String>)>;

fn cold(report: &Report) -> Rows {
    let mut rows = vec![row(
        "",
        "starts|to GET: min|p50|p90|p99|to answer: min|p50|p90|p99|first event",
    )];
    for (candidate, figures) in rows_of(report) {
        let next = figures.start_sample(|start| start.next_us);
        let response = figures.start_sample(|start| start.response_us);
        let event = figures.start_sample(|start: &Start| start.response_us - start.next_us);
        let mut cells = vec![grouped(next.count() as f64)];
        cells.extend(PARTS.map(|part| time(next.at(part))));
        cells.extend(PARTS.map(|part| time(response.at(part))));
        cells.push(time(event.median()));
        rows.push((candidate.name.clone(), cells));
    }
    rows
}

fn warm(report: &Report) -> Rows {
    let mut rows = vec![row(
        "",
        "invocations|min|p50|p90|p99|a second|CPU an invocation",
    )];
    for (candidate, figures) in rows_of(report) {
        let sample = Sample::new(figures.latencies_us.clone());
        let warm = figures.warm.as_ref();
        let mut cells = vec![grouped(warm.map_or(0.0, |warm| warm.invocations as f64))];
        cells.extend(PARTS.map(|part| time(sample.at(part))));
        cells.push(figures.per_second().map_or(none(), grouped));
        cells.push(time(figures.cpu_us()));
        rows.push((candidate.name.clone(), cells));
    }
    rows
}

fn memory(report: &Report) -> Rows {
    let header = "processes|resident KiB|private KiB|page faults|major|\
                  when warm: resident|private|connections a start";
    let mut rows = vec![row("", header)];
    for (candidate, figures) in rows_of(report) {
        let warm = figures.warm.as_ref().and_then(|warm| warm.footprint);
        let number = |number: Option<f64>| number.map_or(none(), grouped);
        let cells = vec![
            number(figures.footprint(|footprint| footprint.processes)),
            number(figures.footprint(|footprint| footprint.resident_kib)),
            number(figures.footprint(|footprint| footprint.private_kib)),
            number(figures.footprint(|footprint| footprint.minor_faults)),
            number(figures.footprint(|footprint| footprint.major_faults)),
            number(warm.map(|footprint| footprint.resident_kib as f64)),
            number(warm.map(|footprint| footprint.private_kib as f64)),
            number(Some(figures.connections_a_start as f64)),
        ];
        rows.push((candidate.name.clone(), cells));
    }
    rows
}

fn weight(report: &Report) -> Rows {
    let header = "system calls to GET|an invocation|bytes|zip bytes|linked";
    let mut rows = vec![row("", header)];
    for (candidate, figures) in rows_of(report) {
        let counted = figures.calls.as_ref().and_then(|calls| calls.as_ref().ok());
        let calls = |of: fn(&Calls) -> Option<f64>| match counted {
            Some(calls) => of(calls).map_or(none(), grouped),
            None => "not counted".to_string(),
        };
        let zip = candidate.zip_bytes.as_ref();
        rows.push((
            candidate.name.clone(),
            vec![
                calls(|calls| Some(calls.before_next)),
                calls(|calls| calls.an_invocation),
                grouped(candidate.bytes as f64),
                zip.map_or("not measured".to_string(), |&bytes| grouped(bytes as f64)),
                candidate.linked.clone(),
            ],
        ));
    }
    rows
}

fn ratios(report: &Report) -> Rows {
    let mut rows = vec![row("", "to GET|to answer|warm latency|warm invocation")];
    for (one, other) in pairs(report) {
        let (figures, others) = (&report.figures[one], &report.figures[other]);
        let name = |index: usize| &report.candidates[index].name;
        let cells = Time::ALL.map(|time| ratio(figures.ratio(others, time)));
        rows.push((format!("{} / {}", name(one), name(other)), cells.to_vec()));
    }
    let first = &report.figures[0];
    let noise = Time::ALL.map(|time| ratio(first.noise(time)));
    let name = format!("noise: {} / itself", report.candidates[0].name);
    rows.push((name, noise.to_vec()));
    let spread = Time::ALL.map(|time| match first.noise(time) {
        Some(noise) => format!("{:.2} .. {:.2}", noise.p10, noise.p90),
        None => none(),
    });
    rows.push(("  a single pair, p10 .. p90".to_string(), spread.to_vec()));
    rows
}

fn ratio(ratio: Option<Ratio>) -> String {
    let Some(ratio) = ratio else {
        return none();
    };
    // So many figures that 1.004 is not 1, nor 0.0004 nothing, and no more than that.
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

/// What has to be said in words.
fn notes(report: &Report) -> String {
    let mut text = String::new();
    if report.floor.is_none() {
        text += "no floor: none lies beside the tool, and no --floor PATH names one\n";
    }
    for (candidate, figures) in rows_of(report) {
        let name = &candidate.name;
        if let Some(Err(reason)) = &figures.calls {
            text += &format!("{name}: system calls not counted: {reason}\n");
        }
        if let Err(reason) = &candidate.zip_bytes {
            text += &format!("{name}: zip bytes not measured: {reason}\n");
        }
        for fault in faults(figures) {
            text += &format!("{name}: {fault}\n");
        }
    }
    match text.is_empty() {
        true => text,
        false => format!("\n{text}"),
    }
}

fn rows_of(report: &Report) -> impl Iterator<Item = (&Candidate, &Figures)> {
    report.candidates.iter().zip(&report.figures)
}

fn row(name: &str, cells: &str) -> (String, Vec<String>) {
    (
        name.to_string(),
        cells.split('|').map(str::to_string).collect(),
    )
}

/// A title over the names, the cells to the right; columns as wide as they must be.
fn table(title: &str, rows: &Rows) -> String {
    let width = |cell: &String| cell.chars().count();
    let names = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let names = names.max(title.chars().count());
    let mut text = String::from("\n");
    for (number, (name, cells)) in rows.iter().enumerate() {
        let name = if number == 0 { title } else { name };
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

/// Microseconds; a tenth matters below a hundred.
fn time(us: Option<f64>) -> String {
    match us {
        None => none(),
        Some(us) if us < 100.0 => format!("{us:.1}"),
        Some(us) => grouped(us),
    }
}

/// `12,345`, and `3.5` where it is no integer.
pub fn grouped(number: f64) -> String {
    if number < 1000.0 && number.fract() != 0.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
