//! The accept loop of a server: a permit and a thread for each connection, or a refusal.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::http::{Connection, Timeouts};
use super::permits::{Admission, Permits, STACK_BYTES};

/// How often a permit and a thread are requested: evicted connections need a moment to end.
const RETRY_INTERVAL: Duration = Duration::from_millis(2);
const RETRIES: u32 = 100;

/// The first pause after a failed accept, and the longest.
const ACCEPT_PAUSE: Duration = Duration::from_millis(2);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_millis(250);

/// How many refused connections stay open after the refusal: closing one at once would send a
/// reset, which can overtake the refusal.
const REFUSED_MAX: usize = 8;

/// Serves connections forever, each with a function that `new_service` returns. If there are no
/// threads or descriptors, `others` evict idle connections too.
pub fn serve<F, S>(
    listener: &TcpListener,
    permits: &Arc<Permits>,
    others: &[Arc<Permits>],
    timeouts: Timeouts,
    new_service: F,
) -> !
where
    F: Fn() -> S,
    S: FnOnce(Connection) + Send + 'static,
{
    let mut refused = VecDeque::new();
    let mut pause = ACCEPT_PAUSE;
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // No descriptors or no memory, or only this client has gone. Never a busy loop.
            refused.clear();
            permits.evict_one();
            others.iter().for_each(|other| other.evict_one());
            thread::sleep(pause);
            pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
            continue;
        };
        pause = ACCEPT_PAUSE;
        let stream = Arc::new(stream);
        if !start_thread(&stream, permits, others, timeouts, &new_service) {
            refuse(&stream, permits.rules().refusal);
            refused.push_back(stream);
            refused.drain(..refused.len().saturating_sub(REFUSED_MAX));
        }
    }
}

/// Gives the connection a permit and a thread; false if either is not available.
fn start_thread<F, S>(
    stream: &Arc<TcpStream>,
    permits: &Arc<Permits>,
    others: &[Arc<Permits>],
    timeouts: Timeouts,
    new_service: &F,
) -> bool
where
    F: Fn() -> S,
    S: FnOnce(Connection) + Send + 'static,
{
    for _ in 0..RETRIES {
        let permit = match permits.request(stream) {
            Admission::Granted(permit) => permit,
            Admission::Retry => {
                thread::sleep(RETRY_INTERVAL);
                continue;
            }
            Admission::Refused => return false,
        };
        let (stream, service) = (stream.clone(), new_service());
        let work = move || service(Connection::new(stream, permit, timeouts));
        let builder = thread::Builder::new().stack_size(STACK_BYTES);
        if builder.spawn(work).is_ok() {
            return true;
        }
        permits.reduce_capacity();
        others.iter().for_each(|other| other.reduce_capacity());
        thread::sleep(RETRY_INTERVAL);
    }
    false
}

/// Sends the refusal without blocking.
fn refuse(mut stream: &TcpStream, refusal: &[u8]) {
    if stream.set_nonblocking(true).is_ok() {
        let _ = stream.read(&mut [0; 16 * 1024]); // closing with unread bytes sends a reset
        let _ = stream.write(refusal);
        let _ = stream.shutdown(Shutdown::Write);
    }
}
