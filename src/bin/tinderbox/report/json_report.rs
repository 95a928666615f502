//! The report as one JSON object; `tinderbox help report` lists its keys.

use serde_json::{Map, Value, json};

use super::group::{Group, METRICS, QUANTILES};
use super::lines::{Invocation, Outcome};
use super::{Groups, Key};
use crate::statistics::Sample;

/// The object and a line end.
pub fn write(groups: &Groups) -> String {
    let groups = groups.iter().map(|(key, group)| version(key, group));
    let object = json!({ "versions": groups.collect::<Vec<Value>>() });
    format!("{object}\n")
}

fn version(key: &Key, group: &Group) -> Value {
    let timeouts = group.count(|one| one.outcome == Outcome::Timeout);
    let errors = group.errors();
    let error_count: usize = errors.values().sum();
    let billed = group.billed();
    let mut all = Map::new();
    let mut add = |key: &str, value: Value| all.insert(key.to_string(), value);
    add("log", json!((!key.log.is_empty()).then_some(&key.log)));
    add("function", json!(key.function));
    add("version", json!(key.version));
    add("invocations", json!(group.invocations.len()));
    add("cold_starts", json!(group.count(Invocation::is_cold)));
    add("cold_start_share", json!(group.cold_share()));
    add("failed", json!(error_count + timeouts));
    add("errors", json!(error_count));
    add("error_types", json!(errors));
    add("timeouts", json!(timeouts));
    for (_, key, value) in METRICS {
        add(key, quantiles(&group.sample(value)));
    }
    add("billed_ms_total", json!(billed.total_ms));
    add("billed_init_ms_total", json!(billed.init_ms));
    add("free_init_ms_total", json!(billed.free_init_ms));
    add("billed_gb_s", json!(billed.gb_s));
    let memory = group.memory().map(|memory| {
        json!({
            "size_mb": memory.size_mb,
            "max_used_mb": memory.used_mb,
            "headroom_mb": memory.free_mb(),
        })
    });
    add("memory", json!(memory));
    let inits = group.init_statuses().into_iter();
    let inits = inits.map(|status| (status.to_string(), quantiles(&group.init_sample(status))));
    add("init_report_ms", Value::Object(inits.collect()));
    Value::Object(all)
}

/// `n` and the quantiles; null without values.
fn quantiles(sample: &Sample) -> Value {
    if sample.count() == 0 {
        return Value::Null;
    }
    let mut all = Map::new();
    all.insert("n".to_string(), json!(sample.count()));
    for (name, quantile) in QUANTILES {
        all.insert(name.to_string(), json!(sample.quantile(quantile)));
    }
    Value::Object(all)
}
