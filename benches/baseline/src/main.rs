//! The baseline: the least that a client of the Runtime API can do. Every figure is a ratio to it.
//!
//! System calls without libc, one `writev` per event, nothing copied. It is a lower bound, not a
//! runtime: it checks neither errors of the kernel nor statuses nor lengths. It works only with the
//! servers that measure: an address in digits, a request id of 36 bytes, a last header that is
//! `Content-Length: N` or `Transfer-Encoding: chunked`, and a chunked event whose end is the last
//! that is read.
#![no_std]
#![no_main]

use core::ptr::null;

mod system;

/// One part of a `writev`: uio(2).
#[repr(C)]
pub struct Part {
    start: *const u8,
    bytes: usize,
}

const fn part(text: &[u8]) -> Part {
    Part {
        start: text.as_ptr(),
        bytes: text.len(),
    }
}

const NEXT: &[u8] = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost:\r\n\r\n";
const ID_BYTES: usize = 36;
/// The longest event and its head.
const INPUT_BYTES: usize = 6 * 1024 * 1024 + 64 * 1024;

static mut INPUT: [u8; INPUT_BYTES] = [0; INPUT_BYTES];

/// A response and the next request. The second part is the id; the fourth is the event, from its
/// last header to its end. Both point into the input.
static mut OUTPUT: [Part; 5] = [
    part(b"POST /2018-06-01/runtime/invocation/"),
    Part {
        start: null(),
        bytes: ID_BYTES,
    },
    part(b"/response HTTP/1.1\r\nHost:\r\n"),
    Part {
        start: null(),
        bytes: 0,
    },
    part(NEXT),
];

/// Eight bytes as one integer, for comparisons.
unsafe fn eight(at: *const u8) -> u64 {
    unsafe { at.cast::<u64>().read_unaligned() }
}

unsafe fn four(at: *const u8) -> u32 {
    unsafe { at.cast::<u32>().read_unaligned() }
}

/// The number at `at`, and the end of its digits.
unsafe fn number(mut at: *const u8) -> (usize, *const u8) {
    let mut number = 0;
    loop {
        let digit = unsafe { *at }.wrapping_sub(b'0');
        if digit > 9 {
            return (number, at);
        }
        number = number * 10 + usize::from(digit);
        at = unsafe { at.add(1) };
    }
}

/// The address of the server for `connect`: ip(7).
unsafe fn address(stack: *const usize) -> [u16; 8] {
    // argc, the arguments, null, the environment.
    let mut entry = unsafe { stack.add(*stack + 2).cast::<*const u8>() };
    let mut at = unsafe { *entry };
    while unsafe { eight(at.add(15)) } != u64::from_le_bytes(*b"IME_API=") {
        entry = unsafe { entry.add(1) };
        at = unsafe { *entry };
    }
    at = unsafe { at.add(22) };
    let mut octets = [0; 4];
    let mut value;
    for octet in &mut octets {
        (value, at) = unsafe { number(at.add(1)) };
        *octet = value as u8;
    }
    (value, _) = unsafe { number(at.add(1)) };
    let [a, b, c, d] = octets;
    let pairs = [u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d])];
    const AF_INET: u16 = 2;
    [
        AF_INET,
        (value as u16).to_be(),
        pairs[0],
        pairs[1],
        0,
        0,
        0,
        0,
    ]
}

/// Reads an event to its end, and points the output at it.
unsafe fn read(socket: usize) {
    let start = (&raw mut INPUT).cast::<u8>();
    let (mut at, mut end) = (start.cast_const(), start.cast_const());
    let mut id = null();
    // The end of the event: null while unknown, `chunked` when its length is not given.
    let mut whole: *const u8 = null();
    let chunked = usize::MAX as *const u8;
    loop {
        let free = unsafe { start.add(INPUT_BYTES).offset_from(end) } as usize;
        let count = unsafe { system::call3(system::READ, socket, end as usize, free) };
        if count as isize <= 0 {
            unsafe { system::call3(system::EXIT, 0, 0, 0) };
        }
        end = unsafe { end.add(count) };
        while whole.is_null() && unsafe { at.add(4) } <= end {
            // The end of the name of `Lambda-Runtime-Aws-Request-Id`.
            if unsafe { eight(at) } == u64::from_le_bytes(*b"est-Id: ") {
                id = unsafe { at.add(8) };
            }
            if unsafe { four(at) } == u32::from_le_bytes(*b"\r\n\r\n") {
                let mut line = at;
                while unsafe { *line.sub(1) } != b'\n' {
                    line = unsafe { line.sub(1) };
                }
                unsafe { OUTPUT[3].start = line };
                if unsafe { *line } == b'T' {
                    whole = chunked;
                    break;
                }
                let (bytes, _) = unsafe { number(line.add(16)) };
                at = unsafe { at.add(3 + bytes) };
                // Without an id it is the reply to the previous response: skipped.
                if !id.is_null() {
                    whole = unsafe { at.add(1) };
                }
            }
            at = unsafe { at.add(1) };
        }
        let done = match whole {
            _ if whole.is_null() => false,
            _ if whole == chunked => unsafe { four(end.sub(5)) == u32::from_le_bytes(*b"0\r\n\r") },
            _ => end >= whole,
        };
        if done {
            break;
        }
    }
    unsafe {
        OUTPUT[1].start = id;
        OUTPUT[3].bytes = end.offset_from(OUTPUT[3].start) as usize;
    }
}

unsafe extern "C" fn start(stack: *const usize) -> ! {
    let address = unsafe { address(stack) };
    let output = (&raw const OUTPUT).cast::<Part>();
    unsafe {
        let socket = system::call3(system::SOCKET, 2, 1, 0);
        system::call3(system::CONNECT, socket, address.as_ptr() as usize, 16);
        system::call3(system::WRITEV, socket, output.add(4) as usize, 1);
        loop {
            read(socket);
            system::call3(system::WRITEV, socket, output as usize, 5);
        }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
