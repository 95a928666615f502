//! Wall-clock time, and identifiers made of time and randomness: request ids and trace ids.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::number::hex;
use crate::sys;

/// A date of the proleptic Gregorian calendar and a time, UTC.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    /// 0 is Thursday, the weekday of 1 January 1970.
    weekday: usize,
    second_of_day: u64,
}

/// Milliseconds since the epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The value of a `Date` header (RFC 9110 section 5.6.7), which each reply has and which changes
/// once in a second.
pub fn http_date() -> String {
    thread_local! {
        static LATEST: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
    }
    let second = now_ms() / 1000;
    LATEST.with_borrow_mut(|(of, text)| {
        if *of != second {
            (*of, *text) = (second, format_http_date(second));
        }
        text.clone()
    })
}

fn format_http_date(second: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let now = civil(second);
    let (hour, minute, second) = time_of_day(now.second_of_day);
    format!(
        "{}, {:02} {} {} {hour:02}:{minute:02}:{second:02} GMT",
        DAYS[now.weekday],
        now.day,
        MONTHS[now.month as usize - 1],
        now.year,
    )
}

/// `YYYY/MM/DD`, the beginning of a log stream's name.
pub fn date_path() -> String {
    let now = civil(now_ms() / 1000);
    format!("{}/{:02}/{:02}", now.year, now.month, now.day)
}

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`, now.
pub fn timestamp() -> String {
    format_timestamp(now_ms())
}

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`, of milliseconds since the epoch.
pub fn format_timestamp(ms: u64) -> String {
    let now = civil(ms / 1000);
    let (hour, minute, second) = time_of_day(now.second_of_day);
    format!(
        "{}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        now.year,
        now.month,
        now.day,
        ms % 1000,
    )
}

/// A version 4 UUID.
pub fn uuid() -> String {
    let mut bytes = sys::random();
    bytes[6] = bytes[6] & 0x0f | 0x40; // RFC 9562 section 5.4: the version
    bytes[8] = bytes[8] & 0x3f | 0x80; // and the variant
    let hex = hex(&bytes);
    let (a, b, c, d, e) = (
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    );
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// An X-Ray trace header without sampling: no X-Ray daemon receives segments here.
pub fn trace_id() -> String {
    let [root, parent] = [hex(&sys::random()), hex(&sys::random())];
    let seconds = now_ms() / 1000;
    format!(
        "Root=1-{seconds:08x}-{};Parent={};Sampled=0",
        &root[..24],
        &parent[..16]
    )
}

/// Thirty-two random hexadecimal digits.
pub fn random_hex() -> String {
    hex(&sys::random())
}

fn time_of_day(second: u64) -> (u64, u64, u64) {
    (second / 3600, second / 60 % 60, second % 60)
}

/// Years begin in March here, so that the leap day comes last, and are counted in eras of 400 years
/// (146,097 days), after which the calendar repeats.
fn civil(epoch_seconds: u64) -> Civil {
    let days = epoch_seconds / 86_400;
    let shifted = days + 719_468; // days from 1 March of year 0 to 1 January 1970
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = match month_from_march {
        0..10 => month_from_march + 3,
        _ => month_from_march - 9,
    };
    Civil {
        year: era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        weekday: (days % 7) as usize,
        second_of_day: epoch_seconds % 86_400,
    }
}
