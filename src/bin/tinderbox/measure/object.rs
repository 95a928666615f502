//! The report as one JSON object; `tinderbox help measure` lists its keys.

use serde_json::{Map, Value, json};

use super::candidate::Candidate;
use super::figures::{Figures, Time};
use super::footprint::Footprint;
use super::statistics::{Ratio, Sample};
use super::table::pairs;
use super::{Report, faults};

/// The object, and a line end.
pub fn write(report: &Report) -> String {
    let machine = &report.machine;
    let bootstraps = report.candidates.iter().zip(&report.figures);
    let bootstraps: Vec<Value> = bootstraps.map(|(one, its)| bootstrap(one, its)).collect();
    let name = |index: usize| &report.candidates[index].name;
    let ratios = pairs(report).into_iter().map(|(one, other)| {
        let ratio = |time| report.figures[one].ratio(&report.figures[other], time);
        let mut all = compared(ratio);
        all.insert("of".to_string(), json!(name(one)));
        all.insert("to".to_string(), json!(name(other)));
        Value::Object(all)
    });
    let noise = compared(|time| report.figures[0].noise(time));
    let object = json!({
        "machine": {
            "cpu": machine.cpu,
            "cpus": machine.cpus,
            "kernel": machine.kernel,
            "architecture": std::env::consts::ARCH,
        },
        "time": machine.time,
        "pinned_to_cpu": report.cpu,
        "event_bytes": report.event_bytes,
        "bootstraps": bootstraps,
        "ratios": ratios.collect::<Vec<Value>>(),
        "noise": noise,
        "floor": report.floor.map(name),
    });
    format!("{object}\n")
}

fn bootstrap(candidate: &Candidate, figures: &Figures) -> Value {
    let calls = figures.calls.as_ref();
    let counted = calls.and_then(|calls| calls.as_ref().ok());
    let memory = |of: fn(&Footprint) -> u64| figures.footprint(of);
    let warm = figures.warm.as_ref();
    // Raw, round by round: who doubts a median can make another of it.
    let starts = figures.starts.iter();
    let starts = starts.map(|start| start.map(|start| [start.next_us, start.response_us]));
    let blocks = figures.blocks.iter();
    let blocks = blocks.map(|block| block.map(|block| [block.median_us, block.mean_us]));
    let rested = warm.and_then(|warm| warm.footprint);
    json!({
        "name": candidate.name,
        "path": candidate.program.bootstrap.display().to_string(),
        "handler": candidate.settings.handler,
        "bytes": candidate.bytes,
        "zip_bytes": candidate.zip_bytes.as_ref().ok(),
        "linked": candidate.linked,
        "cold_starts": figures.starts.iter().flatten().count(),
        "start_to_next_us": spread(&figures.start_sample(|start| start.next_us)),
        "start_to_response_us": spread(&figures.start_sample(|start| start.response_us)),
        "starts_us": starts.collect::<Vec<_>>(),
        "blocks_us": blocks.collect::<Vec<_>>(),
        "connections_a_start": figures.connections_a_start,
        "processes": memory(|footprint| footprint.processes),
        "resident_kib": memory(|footprint| footprint.resident_kib),
        "private_kib": memory(|footprint| footprint.private_kib),
        "minor_faults": memory(|footprint| footprint.minor_faults),
        "major_faults": memory(|footprint| footprint.major_faults),
        "warm_invocations": warm.map_or(0, |warm| warm.invocations),
        "warm_latency_us": spread(&Sample::new(figures.latencies_us.clone())),
        "invocations_per_s": figures.per_second(),
        "cpu_us_per_invocation": figures.cpu_us(),
        "warm_resident_kib": rested.map(|footprint| footprint.resident_kib),
        "warm_private_kib": rested.map(|footprint| footprint.private_kib),
        "system_calls_before_next": counted.map(|calls| calls.before_next),
        "system_calls_per_invocation": counted.and_then(|calls| calls.an_invocation),
        "system_calls_not_counted": calls.and_then(|calls| calls.as_ref().err()),
        "zip_not_measured": candidate.zip_bytes.as_ref().err(),
        "right_answers": figures.right,
        "wrong_answers": figures.wrong,
        "failed_processes": figures.failures.len(),
        "faults": faults(figures),
    })
}

fn spread(sample: &Sample) -> Value {
    json!({
        "min": sample.at(0.0),
        "p50": sample.at(0.5),
        "p90": sample.at(0.9),
        "p99": sample.at(0.99),
        "max": sample.at(1.0),
    })
}

fn compared(ratio: impl Fn(Time) -> Option<Ratio>) -> Map<String, Value> {
    let names = [
        "start_to_next",
        "start_to_response",
        "warm_latency",
        "warm_invocation",
    ];
    let each = names.into_iter().zip(Time::ALL);
    each.map(|(name, time)| {
        let value = ratio(time).map(|ratio| {
            json!({
                "pairs": ratio.pairs,
                "median": ratio.median,
                "from": ratio.interval.map(|interval| interval.0),
                "to": ratio.interval.map(|interval| interval.1),
                "p10": ratio.p10,
                "p90": ratio.p90,
            })
        });
        (name.to_string(), json!(value))
    })
    .collect()
}
