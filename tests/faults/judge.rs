//! What must hold of a run with a fault in it.

use crate::support::api::{Event, Kind, Ledger};
use crate::support::process::Outcome;
use crate::support::watch::Rest;

/// The exit codes of the README, "Exit codes".
const DOCUMENTED: &[i32] = &[0, 1, 2, 3, 101];

/// How a run that is right ended, for the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Each event had its response.
    AllAnswered,
    /// Some failed, each once.
    SomeFailed,
    /// The process ended, as documented.
    Ended(i32),
}

/// What is wrong with a run, or how it ended.
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
    // What a fault cuts off is not what the runtime says: the server need not have read a whole
    // request then, and says so.
    if let Some(wrong) = ledger.violations.first() {
        return Err(wrong.clone());
    }
    let mut failed = 0;
    for event in events {
        failed += usize::from(is_failed(ledger, event)?);
    }
    match code {
        None if !open(ledger).is_empty() => Err(format!("forgot {:?}", open(ledger))),
        None if events
            .iter()
            .any(|event| ledger.answers(&event.id).is_empty()) =>
        {
            Err("waits, and not every event was handed out".to_string())
        }
        None if failed == 0 => Ok(Verdict::AllAnswered),
        None => Ok(Verdict::SomeFailed),
        Some(code) => ended(*code, outcome),
    }
}

/// The events that were handed out and have no answer.
fn open(ledger: &Ledger) -> Vec<&str> {
    let open = ledger.outstanding.iter();
    open.map(|(_, id)| id.as_str()).collect()
}

/// Whether the event failed; what is wrong with its answer, if it has one.
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
    let named = value.is_some_and(|value| value["errorType"].is_string());
    match named {
        true => Ok(true),
        false => Err(format!("an error without a type for {}", event.id)),
    }
}

/// The process has ended: is that one of the ways it may?
fn ended(code: i32, outcome: &Outcome) -> Result<Verdict, String> {
    let Outcome { stderr, ledger, .. } = outcome;
    if !DOCUMENTED.contains(&code) {
        return Err(format!("exit {code} is not documented"));
    }
    if open(ledger).len() > 1 {
        return Err(format!(
            "exit {code} with several in hand: {:?}",
            open(ledger)
        ));
    }
    let told = ledger.posts.iter().any(|post| post.kind == Kind::InitError);
    if !told && !stderr.contains("tinderbox: ") {
        return Err(format!("exit {code} without a word"));
    }
    Ok(Verdict::Ended(code))
}
