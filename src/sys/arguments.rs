//! The arguments of this process.

use core::ffi::c_char;
use core::sync::atomic::Ordering;

use super::environment::{ENVIRON, c_string};

/// The arguments of this process, the first of which is its name.
#[derive(Clone, Copy)]
pub struct Arguments {
    list: *const *const c_char,
    count: usize,
}

impl Arguments {
    /// The arguments. Call it before `environ` is replaced (`set_trace_id`): they are found next to
    /// the list of the start.
    pub fn new() -> Arguments {
        // The kernel leaves the number of arguments, the arguments and a null right before the
        // environment (System V ABI, "Process Initialization").
        // SAFETY: `environ` is libc's own variable, and lives as long as the process.
        let environment = unsafe { ENVIRON.load(Ordering::Relaxed) };
        let mut list = environment
            .cast::<*const c_char>()
            .wrapping_sub(2)
            .cast_const();
        let mut count = 0;
        // SAFETY: within that list. An address is never as small as the number of arguments.
        while unsafe { *list } as usize != count {
            list = list.wrapping_sub(1);
            count += 1;
        }
        let list = list.wrapping_add(1);
        Arguments { list, count }
    }

    /// Their number.
    pub fn count(&self) -> usize {
        self.count
    }

    /// An argument, with the NUL at its end.
    pub fn get(&self, index: usize) -> Option<&'static [u8]> {
        if index >= self.count {
            return None;
        }
        // SAFETY: within the list, whose C strings live as long as the process; the NUL is one byte
        // more.
        unsafe {
            let start = *self.list.add(index);
            let text = c_string(start);
            Some(core::slice::from_raw_parts(start.cast(), text.len() + 1))
        }
    }

    /// The last argument, with the NUL at its end.
    pub fn last(&self) -> Option<&'static [u8]> {
        self.get(self.count.checked_sub(1)?)
    }
}
