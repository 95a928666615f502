//! A program that is run in place of this one and starts it in its turn: `AWS_LAMBDA_EXEC_WRAPPER`,
//! as the managed runtimes have it (AWS Lambda Developer Guide, "Modifying the runtime
//! environment").

use crate::host::resolve::{join, without_nul};
use crate::limits::PATH_BYTES_MAX;
use crate::log::{self, EXIT_CONFIG};
use crate::sys::child::{ARGUMENTS_MAX, become_another};
use crate::sys::files::{own_path, read_start};
use crate::sys::{Environment, Region, forget};
use crate::wire::{find, part};

const VARIABLE: &[u8] = b"AWS_LAMBDA_EXEC_WRAPPER=";

struct Texts {
    wrapper: [u8; PATH_BYTES_MAX],
    own: [u8; PATH_BYTES_MAX],
    arguments: [u8; PATH_BYTES_MAX],
}

static TEXTS: Region<Texts> = Region::new(Texts {
    wrapper: [0; _],
    own: [0; _],
    arguments: [0; _],
});

/// Becomes the wrapper, with our own path and our arguments as its arguments, where the environment
/// asks for one. The variable is taken away, so that we do not do so again.
pub fn become_wrapper() {
    let environment = Environment::new();
    let Some(value) = environment.get(VARIABLE).filter(|value| !value.is_empty()) else {
        return;
    };
    let Some(texts) = TEXTS.take() else {
        return;
    };
    let wrapper_bytes = join(&mut texts.wrapper, &[value, b"\0"]);
    forget(VARIABLE);
    // The last byte stays a NUL.
    let own_bytes = own_path(texts.own.get_mut(..PATH_BYTES_MAX - 1).unwrap_or_default());
    let bytes = read_start(b"/proc/self/cmdline\0", &mut texts.arguments);
    let wrapper = part(&texts.wrapper, 0, wrapper_bytes);
    let mut arguments: [Option<&[u8]>; ARGUMENTS_MAX] = [None; _];
    let mut count = 0;
    let mut add = |argument| {
        if let Some(place) = arguments.get_mut(count) {
            *place = Some(argument);
            count += 1;
        }
    };
    add(wrapper);
    add(part(&texts.own, 0, own_bytes + 1));
    // Behind our name come our arguments, each with its NUL.
    let mut start = find(&texts.arguments, 0, 0) + 1;
    while start < bytes {
        let end = find(&texts.arguments, start, 0) + 1;
        add(part(&texts.arguments, start, end));
        start = end;
    }
    become_another(wrapper, &arguments, Environment::new().entries());
    log::fatal(
        EXIT_CONFIG,
        b"cannot run AWS_LAMBDA_EXEC_WRAPPER=",
        without_nul(wrapper),
    );
}
