//! What `_HANDLER` means: the file, the name of the function in it, and the kind of both.
//!
//! `[kind:]target[.function]`. A file that is named exactly so comes first; else the target is
//! split at a dot, the last one first (Ruby and Node have dots in the names of functions).

use crate::buffer::put;
use crate::failure::Failure;
use crate::host::target::{normalise, split_kind};
use crate::limits::{PATH_BYTES_MAX, RESOLVE_MESSAGE_BYTES_MAX};
use crate::sys::files::{Program, is_file, program};
use crate::sys::{Environment, TakeOnce};
use crate::wire::{equal, find, part};

/// What a handler is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An executable, a process an event.
    Program,
    /// An executable that speaks the frame protocol.
    Worker,
    /// A function of a shell.
    Shell,
    /// A function of PHP, or what a file returns.
    Php,
    /// A function of JavaScript.
    Node,
    /// A function of Python.
    Python,
    /// A function of Ruby.
    Ruby,
}

/// The words that can stand before a colon.
pub const KINDS: [(&[u8], Kind); 7] = [
    (b"program", Kind::Program),
    (b"worker", Kind::Worker),
    (b"shell", Kind::Shell),
    (b"php", Kind::Php),
    (b"node", Kind::Node),
    (b"python", Kind::Python),
    (b"ruby", Kind::Ruby),
];

/// The files that are looked for: their kind, and what stands before and behind the name.
const FILES: [(Kind, &[u8], &[u8]); 8] = [
    (Kind::Shell, b"", b".sh"),
    (Kind::Php, b"", b".php"),
    (Kind::Php, b"src/", b".php"),
    (Kind::Node, b"", b".mjs"),
    (Kind::Node, b"", b".js"),
    (Kind::Node, b"", b".cjs"),
    (Kind::Python, b"", b".py"),
    (Kind::Ruby, b"", b".rb"),
];

/// A handler that was found. The texts have a NUL at their end.
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Its file.
    pub path: &'static [u8],
    /// The function in it; nothing: what the file returns.
    pub name: &'static [u8],
}

struct Texts {
    /// The path in hand, at last that of the handler.
    path: [u8; PATH_BYTES_MAX],
    name: [u8; PATH_BYTES_MAX],
    /// The paths that were tried, or those that were found.
    message: [u8; RESOLVE_MESSAGE_BYTES_MAX],
    /// What the handler names, where that has a shorter form.
    target: [u8; PATH_BYTES_MAX],
}

static TEXTS: TakeOnce<Texts> = TakeOnce::new(Texts {
    path: [0; _],
    name: [0; _],
    message: [0; _],
    target: [0; _],
});

/// Finds the handler that the environment names.
///
/// # Errors
/// `Runtime.NoSuchHandler`, with every path that was tried; `Runtime.AmbiguousHandler`, with those
/// that were found.
pub fn find_handler(environment: &Environment) -> Result<Found, Failure> {
    let handler = environment.get(b"_HANDLER=").unwrap_or_default();
    let root = environment.get(b"LAMBDA_TASK_ROOT=").unwrap_or(b".");
    let Some(texts) = TEXTS.take() else {
        return Err(Failure::new(NONE, "init was called twice"));
    };
    if handler.is_empty() {
        return Err(Failure::new(NONE, "_HANDLER is not set"));
    }
    let mut search = Search {
        root,
        path: &mut texts.path,
        message: &mut texts.message,
        said: 0,
    };
    let outcome = search.run(handler, &mut texts.target);
    let said = search.said;
    match outcome {
        Ok(choice) => Ok(Found {
            kind: choice.kind,
            path: keep(&mut texts.path, choice.path_bytes),
            name: {
                let bytes = join(&mut texts.name, &[choice.name, b"\0"]);
                keep(&mut texts.name, bytes)
            },
        }),
        Err(error_type) => Err(Failure::from_bytes(
            error_type,
            keep(&mut texts.message, said),
        )),
    }
}

/// The front of a text that does not change any more.
fn keep(text: &'static mut [u8], bytes: usize) -> &'static [u8] {
    part(text, 0, bytes)
}

/// The types of the failures.
const NONE: &str = "Runtime.NoSuchHandler";
const SEVERAL: &str = "Runtime.AmbiguousHandler";

/// What was chosen.
struct Choice<'a> {
    kind: Kind,
    path_bytes: usize,
    name: &'a [u8],
}

struct Search<'a> {
    root: &'a [u8],
    path: &'a mut [u8],
    message: &'a mut [u8],
    said: usize,
}

impl Search<'_> {
    fn run<'a>(
        &mut self,
        handler: &'a [u8],
        room: &'a mut [u8],
    ) -> Result<Choice<'a>, &'static str> {
        let (kind, target) = split_kind(handler);
        if let Some(Err(word)) = kind {
            self.say(&[b"_HANDLER names the kind ", word, b", which is none of:"]);
            for (word, _) in KINDS {
                self.say(&[b" ", word]);
            }
            return Err(NONE);
        }
        if target.is_empty() {
            self.say(&[b"_HANDLER names no file behind the kind: ", handler]);
            return Err(NONE);
        }
        let kind = kind.and_then(Result::ok);
        let mut names = target.split(|&byte| byte == b'/');
        let ends = target.starts_with(b"/") || target.ends_with(b"/");
        let fits = target.len() < PATH_BYTES_MAX && !ends;
        let target = normalise(target, room);
        if !fits || target.is_empty() || names.any(|name| name == b"..") {
            self.say(&[b"not the name of a handler within the task root: ", handler]);
            return Err(NONE);
        }
        if equal(target, b"bootstrap") {
            return Err(self.say_own(handler));
        }
        self.say(&[b"no handler ", handler, b", tried:"]);
        let mut is_own = false;
        if let Some(choice) = self.exact(kind, target, &mut is_own) {
            if is_own {
                return Err(self.say_own(handler));
            }
            return Ok(choice);
        }
        if matches!(kind, Some(Kind::Program | Kind::Worker)) {
            return Err(NONE);
        }
        let mut end = target.len();
        loop {
            let dot = part(target, 0, end).iter().rposition(|&byte| byte == b'.');
            // Without a dot, PHP has functions named like their files.
            let base = target
                .iter()
                .rposition(|&byte| byte == b'/')
                .map_or(0, |at| at + 1);
            let (stem, name, dotted) = match dot.filter(|&dot| dot > base) {
                Some(dot) => (
                    part(target, 0, dot),
                    part(target, dot + 1, target.len()),
                    true,
                ),
                None if end < target.len() => return Err(NONE),
                None => (target, part(target, base, target.len()), false),
            };
            if let Some(choice) = self.split(kind, stem, name, dotted)? {
                return Ok(choice);
            }
            if !dotted {
                return Err(NONE);
            }
            end = stem.len();
        }
    }

    /// A file that is named exactly so; it may be this program.
    fn exact<'a>(
        &mut self,
        kind: Option<Kind>,
        target: &[u8],
        is_own: &mut bool,
    ) -> Option<Choice<'a>> {
        let path_bytes = self.set_path(&[target]);
        let path = part(self.path, 0, path_bytes);
        let found = match kind {
            None if target.ends_with(b".php") && is_file(path) => Some(Kind::Php),
            Some(Kind::Php) if is_file(path) => Some(Kind::Php),
            None | Some(Kind::Program | Kind::Worker) => program(path).map(|program| {
                *is_own = program == Program::Own;
                kind.unwrap_or(Kind::Program)
            }),
            _ => None,
        };
        if found.is_none() {
            let what: &[u8] = if is_file(path) {
                b" (no executable)"
            } else {
                b""
            };
            self.say_path(what);
        }
        found.map(|kind| Choice {
            kind,
            path_bytes,
            name: b"",
        })
    }

    /// The files that a stem and a function may mean: one of them.
    fn split<'a>(
        &mut self,
        kind: Option<Kind>,
        stem: &[u8],
        name: &'a [u8],
        dotted: bool,
    ) -> Result<Option<Choice<'a>>, &'static str> {
        let tried = self.said;
        let mut chosen: Option<(Kind, &[u8], &[u8])> = None;
        let mut count = 0;
        let wanted = |of: Kind| kind.is_none_or(|kind| kind == of) && (dotted || of == Kind::Php);
        for (of, before, behind) in FILES.iter().filter(|(of, ..)| wanted(*of)) {
            // The second place of PHP counts only where there is nothing at the first.
            if !before.is_empty() && chosen.is_some_and(|(kind, ..)| kind == Kind::Php) {
                continue;
            }
            let bytes = self.set_path(&[before, stem, behind]);
            if is_file(part(self.path, 0, bytes)) {
                count += 1;
                chosen = chosen.or(Some((*of, *before, *behind)));
            } else {
                self.say_path(b"");
            }
        }
        if count > 1 {
            self.said = 0;
            self.say(&[
                b"more than one file for this _HANDLER (say which kind: node:",
                stem,
            ]);
            self.say(&[b".", name, b"):"]);
            for (_, before, behind) in FILES.iter().filter(|(of, ..)| wanted(*of)) {
                let bytes = self.set_path(&[before, stem, behind]);
                if is_file(part(self.path, 0, bytes)) {
                    self.say_path(b"");
                }
            }
            return Err(SEVERAL);
        }
        let Some((kind, before, behind)) = chosen else {
            return Ok(None);
        };
        self.said = tried;
        Ok(Some(Choice {
            kind,
            path_bytes: self.set_path(&[before, stem, behind]),
            name,
        }))
    }

    /// Makes it the path in hand: the root, and what follows. Returns its length with its NUL.
    fn set_path(&mut self, pieces: &[&[u8]]) -> usize {
        let mut bytes = join(self.path, &[self.root, b"/"]);
        for piece in pieces {
            bytes += put(self.path, bytes, piece);
        }
        // One that is too long has no NUL, and no file such a name.
        bytes += put(self.path, bytes, b"\0");
        bytes
    }

    fn say(&mut self, pieces: &[&[u8]]) {
        for piece in pieces {
            self.said += put(self.message, self.said, piece);
        }
    }

    /// Says that the handler is this program, which would start itself without end.
    fn say_own(&mut self, handler: &[u8]) -> &'static str {
        self.said = 0;
        self.say(&[b"_HANDLER names the runtime itself: ", handler]);
        NONE
    }

    /// Says the path in hand, and something behind it.
    fn say_path(&mut self, behind: &[u8]) {
        let path = part(self.path, 0, find(self.path, 0, 0));
        for piece in [b" ", path, behind] {
            self.said += put(self.message, self.said, piece);
        }
    }
}

/// Puts the parts into a region, one behind the other, as far as there is room.
pub fn join(region: &mut [u8], parts: &[&[u8]]) -> usize {
    parts
        .iter()
        .fold(0, |length, text| length + put(region, length, text))
}

/// A path without the NUL at its end.
pub fn strip_nul(path: &[u8]) -> &[u8] {
    part(path, 0, path.len().saturating_sub(1))
}
