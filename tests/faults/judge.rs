//! The requirements on a run with a fault.

use crate::support::api::{Event, Kind, Ledger};
use crate::support::process::Outcome;
use crate::support::watch::Rest;

/// The exit codes of the guide, `limits_and_exit_codes`.
const DOCUMENTED: &[i32] = &[0, 1, 2, 3, 101];

/// The outcome of a correct run, for the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Each event got its response.
    AllAnswered,
    /// Some failed, each once.
    SomeFailed,
    /// The process exited with a documented code.
    Ended(i32),
}

/// The verdict on a run, or its violation.
pub fn judge(
    rest: Rest,
    outcome: &Outcome,
    left: &[u32],
    events: &[Event],
) -> Result<Verdict, String> {
    let Outcome { code, ledger, .. } = outcome;
    if rest == Rest::Hung {
        return Err(format!("hangs, {:?} unanswered", open(ledger)));
    }
    if !left.is_empty() {
        return Err(format!("leaves {} processes behind", left.len()));
    }
    if let Some(wrong) = ledger.violations.first() {
        return Err(wrong.clone());
    }
    let mut failed = 0;
    for event in events {
        failed += usize::from(is_failed(ledger, event)?);
    }
    match code {
        None if !open(ledger).is_empty() => Err(format!("leaves {:?} unanswered", open(ledger))),
        None if events
            .iter()
            .any(|event| ledger.answers(&event.id).is_empty()) =>
        {
            Err("waits, and not every event was delivered".to_string())
        }
        None if failed == 0 => Ok(Verdict::AllAnswered),
        None => Ok(Verdict::SomeFailed),
        Some(code) => ended(*code, outcome),
    }
}

/// The events that were delivered and have no answer.
fn open(ledger: &Ledger) -> Vec<&str> {
    let open = ledger.outstanding.iter();
    open.map(|(_, id)| id.as_str()).collect()
}

/// Whether the event failed; the violation of its answer, if any.
fn is_failed(ledger: &Ledger, event: &Event) -> Result<bool, String> {
    let answers = ledger.answers(&event.id);
    let [answer] = answers.as_slice() else {
        return match answers.len() {
            0 => Ok(false),
            count => Err(format!("{count} answers to {}", event.id)),
        };
    };
    if answer.kind == Kind::Response {
        let same = answer.body == event.body;
        let [got, sent] = [answer.body.len(), event.body.len()];
        return match same {
            true => Ok(false),
            false => Err(format!(
                "a wrong body as a success: {} of {got} bytes, sent were {sent}",
                event.id
            )),
        };
    }
    let value: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let has_type = value.is_some_and(|value| value["errorType"].is_string());
    match has_type {
        true => Ok(true),
        false => Err(format!("an error without a type for {}", event.id)),
    }
}

/// The verdict on an exit code.
fn ended(code: i32, outcome: &Outcome) -> Result<Verdict, String> {
    let Outcome { stderr, ledger, .. } = outcome;
    if !DOCUMENTED.contains(&code) {
        return Err(format!("exit {code} is not documented"));
    }
    if open(ledger).len() > 1 {
        return Err(format!(
            "exit {code} with several unanswered: {:?}",
            open(ledger)
        ));
    }
    let is_posted = ledger.posts.iter().any(|post| post.kind == Kind::InitError);
    if !is_posted && !stderr.contains("tinderbox: ") {
        return Err(format!("exit {code} without a message"));
    }
    Ok(Verdict::Ended(code))
}
