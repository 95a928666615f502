//! The command of a persistent process.

use crate::buffer::FixedBytes;
use crate::host::process::CHANNEL_FD;
use crate::logging::TELEMETRY;
use crate::sys::child::ARGUMENTS_MAX;
use crate::sys::files::duplicate_above;
use crate::wire::number::Decimal;

/// The command to execute. All texts have a NUL at their end. All zeros when it is new.
pub struct Command {
    /// Its arguments, the first of which is its path.
    arguments: [Option<&'static [u8]>; ARGUMENTS_MAX],
    /// The host reads its output; else it inherits the output of the runtime.
    pub capture_output: bool,
    /// A variable of its own, with a NUL at its end; or nothing.
    pub variable: FixedBytes<64>,
}

impl Command {
    /// No program.
    pub const fn new() -> Command {
        Command {
            arguments: [None; _],
            capture_output: false,
            variable: FixedBytes::new(),
        }
    }

    /// The path of the program.
    pub fn path(&self) -> &'static [u8] {
        let [path, ..] = &self.arguments;
        path.unwrap_or(b"\0")
    }

    /// Lets the process have the descriptor for log frames, and the variable that names it. Where
    /// its number is that of a standard stream or of the channel, the process gets a copy.
    pub fn inherit_telemetry(&mut self, descriptor: Option<usize>) {
        let number = match descriptor {
            Some(number @ ..=CHANNEL_FD) => duplicate_above(number, CHANNEL_FD),
            number => number,
        };
        if let Some(number) = number {
            for piece in [TELEMETRY, Decimal::new(number).as_bytes(), b"\0"] {
                self.variable.push(piece);
            }
        }
    }

    /// Its arguments, the first of which is its path.
    pub fn arguments(&self) -> &[Option<&'static [u8]>] {
        &self.arguments
    }

    /// Appends an argument, first of all the path of the program.
    #[inline(never)]
    pub fn push_argument(&mut self, argument: &'static [u8]) {
        if let Some(place) = self.arguments.iter_mut().find(|place| place.is_none()) {
            *place = Some(argument);
        }
    }
}
