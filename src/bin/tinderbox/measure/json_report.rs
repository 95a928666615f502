//! The report as one JSON object; `tinderbox help measure` lists its keys.

use serde_json::{Map, Value, json};

use super::candidate::Candidate;
use super::footprint::Footprint;
use super::gate::Gate;
use super::results::{Measurements, Metric};
use super::sweep::Size;
use super::{Report, verdict};
use crate::statistics::{QUANTILES, Ratio, Sample};

/// The object and a line end.
pub fn write(report: &Report) -> String {
    let machine = &report.machine;
    let bootstraps = report.rows();
    let bootstraps: Vec<Value> = bootstraps.map(|(one, its)| bootstrap(one, its)).collect();
    let name = |index: usize| &report.candidates[index].name;
    let pairs = report.pairs().into_iter().map(|(one, other)| {
        let other_measured = &report.measurements[other];
        let mut all = ratios(|metric| report.measurements[one].ratio(other_measured, metric));
        all.insert("of".to_string(), json!(name(one)));
        all.insert("to".to_string(), json!(name(other)));
        Value::Object(all)
    });
    let noise = ratios(|metric| report.measurements[0].noise(metric));
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
        "ratios": pairs.collect::<Vec<Value>>(),
        "noise": noise,
        "sizes": report.sizes.iter().map(|one| size(one, report)).collect::<Vec<Value>>(),
        "verdict": verdict::sentences(report),
        "gates": report.gates.iter().map(gate).collect::<Vec<Value>>(),
        "baseline": report.baseline.map(name),
    });
    format!("{object}\n")
}

fn bootstrap(candidate: &Candidate, measured: &Measurements) -> Value {
    let calls = measured.system_calls.as_ref();
    let counted = calls.and_then(|calls| calls.as_ref().ok());
    let memory = |value: fn(&Footprint) -> u64| measured.footprint(value);
    let warm = measured.warm.as_ref();
    // The raw values of each round, from which other statistics can be computed.
    let starts = measured.starts.iter();
    let starts = starts.map(|start| start.map(|start| [start.next_us, start.response_us]));
    let blocks = measured.blocks.iter();
    let blocks = blocks.map(|block| block.map(|block| [block.median_us, block.mean_us]));
    let warm_footprint = warm.and_then(|warm| warm.footprint);
    json!({
        "name": candidate.name,
        "path": candidate.program.bootstrap.display().to_string(),
        "handler": candidate.settings.handler,
        "bytes": candidate.bytes,
        "zip_bytes": candidate.zip_bytes.as_ref().ok(),
        "linked": candidate.linked,
        "cold_starts": measured.starts.iter().flatten().count(),
        "start_to_next_us": quantiles(&measured.start_sample(|start| start.next_us)),
        "start_to_response_us": quantiles(&measured.start_sample(|start| start.response_us)),
        "starts_us": starts.collect::<Vec<_>>(),
        "blocks_us": blocks.collect::<Vec<_>>(),
        "connections_per_start": measured.connections_per_start,
        "processes": memory(|footprint| footprint.processes),
        "resident_kib": memory(|footprint| footprint.resident_kib),
        "private_kib": memory(|footprint| footprint.private_kib),
        "minor_faults": memory(|footprint| footprint.minor_faults),
        "major_faults": memory(|footprint| footprint.major_faults),
        "warm_invocations": warm.map_or(0, |warm| warm.invocations),
        "warm_latency_us": quantiles(&measured.latency_sample()),
        "invocations_per_s": measured.per_second(),
        "cpu_us_per_invocation": measured.cpu_us(),
        "warm_resident_kib": warm_footprint.map(|footprint| footprint.resident_kib),
        "warm_private_kib": warm_footprint.map(|footprint| footprint.private_kib),
        "system_calls_before_next": counted.map(|calls| calls.before_next),
        "system_calls_per_invocation": counted.and_then(|calls| calls.per_invocation),
        "system_calls_not_counted": calls.and_then(|calls| calls.as_ref().err()),
        "zip_not_measured": candidate.zip_bytes.as_ref().err(),
        "right_answers": measured.right,
        "wrong_answers": measured.wrong,
        "failed_processes": measured.failures.len(),
        "faults": measured.faults(),
    })
}

/// What was measured with events of one size.
fn size(size: &Size, report: &Report) -> Value {
    let name = |index: usize| &report.candidates[index].name;
    let bootstraps = size.measurements.iter().enumerate().map(|(index, its)| {
        json!({
            "name": name(index),
            "warm_latency_us": quantiles(&its.latency_sample()),
            "invocations_per_s": its.per_second(),
        })
    });
    let pairs = report.pairs().into_iter().map(|(one, other)| {
        let other_measured = &size.measurements[other];
        let mut all = ratios(|metric| size.measurements[one].ratio(other_measured, metric));
        all.retain(|name, _| name.starts_with("warm_"));
        all.insert("of".to_string(), json!(name(one)));
        all.insert("to".to_string(), json!(name(other)));
        Value::Object(all)
    });
    json!({
        "event_bytes": size.event_bytes,
        "bootstraps": bootstraps.collect::<Vec<Value>>(),
        "ratios": pairs.collect::<Vec<Value>>(),
    })
}

fn gate(gate: &Gate) -> Value {
    json!({
        "metric": gate.metric,
        "of": gate.of,
        "to": gate.to,
        "ratio": gate.ratio,
        "max_ratio": gate.max_ratio,
        "passed": gate.is_passed(),
    })
}

fn quantiles(sample: &Sample) -> Value {
    let values = QUANTILES.map(|(name, quantile)| {
        let value = json!(sample.quantile(quantile));
        (name.to_string(), value)
    });
    Value::Object(values.into_iter().collect())
}

fn ratios(ratio: impl Fn(Metric) -> Option<Ratio>) -> Map<String, Value> {
    let all = Metric::ALL.map(|(metric, key)| {
        let value = ratio(metric).map(|ratio| {
            json!({
                "pairs": ratio.pairs,
                "median": ratio.median,
                "from": ratio.interval.map(|interval| interval.0),
                "to": ratio.interval.map(|interval| interval.1),
                "p10": ratio.p10,
                "p90": ratio.p90,
            })
        });
        (key.to_string(), json!(value))
    });
    all.into_iter().collect()
}
