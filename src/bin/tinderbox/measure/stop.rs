//! Stop signals: the thread that receives one kills all measured processes and ends the tool.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::exit_status;
use crate::process::kill_descendants;
use crate::sys::SignalSet;

static IS_STOPPING: AtomicBool = AtomicBool::new(false);

/// Starts the thread that waits for a stop signal.
pub fn exit_on_signal() -> io::Result<()> {
    let signals = SignalSet::block(false)?;
    let wait = move || {
        let signal = signals.wait();
        IS_STOPPING.store(true, Ordering::SeqCst);
        kill_descendants();
        std::process::exit(exit_status::stopped_by(signal))
    };
    thread::Builder::new().spawn(wait).map(drop)
}

/// Does not return after a stop signal: no process is started, and no kill by the signal's thread
/// is reported as a failure.
pub fn park_if_stopping() {
    while IS_STOPPING.load(Ordering::SeqCst) {
        thread::park();
    }
}
