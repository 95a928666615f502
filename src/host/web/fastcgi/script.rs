//! Which script a path means: a PHP file below the document root, the index of a folder, or else
//! the front controller.

use crate::host::paths::{concat_into, freeze, strip_nul};
use crate::host::resolve::base_of;
use crate::host::web::static_files::{Found, Path, StaticFiles};
use crate::limits::PATH_BYTES_MAX;
use crate::sys::TakeOnce;
use crate::sys::files::current_folder;
use crate::wire::{find_from, slice_or_empty};

/// The scripts of a document root.
pub struct Scripts {
    /// The absolute path of the document root, without a slash at its end.
    document_root: &'static [u8],
    /// The name of the front controller, with a slash before it.
    front_controller: &'static [u8],
}

/// What is done with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// The front controller runs.
    FrontController,
    /// The script runs that the first bytes of the path name.
    Script(usize),
    /// `index.php` runs of the folder that the path names, with a slash at its end.
    Index,
    /// The same, and the slash is missing: the client is sent to the path with it.
    AddSlash,
    /// It may be a file that is served as it is.
    File,
    /// The path has a hidden name.
    NotFound,
}

/// The script of a folder, behind its path without a slash.
const INDEX: &[u8] = b"/index.php";

impl Route {
    /// What follows the script in the path.
    pub fn path_info(self, path: &[u8]) -> &[u8] {
        match self {
            Route::Script(end) => slice_or_empty(path, end, path.len()),
            _ => b"",
        }
    }
}

static DOCUMENT_ROOT: TakeOnce<[u8; PATH_BYTES_MAX]> = TakeOnce::new([0; _]);

impl Scripts {
    /// Those below the folder of a front controller, whose path has a NUL at its end.
    pub fn new(path: &'static [u8]) -> Scripts {
        let path = strip_nul(path);
        let name = base_of(path);
        let folder = slice_or_empty(path, 0, name);
        let document_root = DOCUMENT_ROOT.take().map_or(&b""[..], |region| {
            let mut bytes = 0;
            if !folder.starts_with(b"/") {
                bytes = current_folder(region);
                bytes += concat_into(region.get_mut(bytes..).unwrap_or_default(), &[b"/"]);
            }
            let relative = folder.strip_prefix(b"./").unwrap_or(folder);
            bytes += concat_into(region.get_mut(bytes..).unwrap_or_default(), &[relative]);
            without_slashes(freeze(region, bytes))
        });
        Scripts {
            document_root,
            front_controller: slice_or_empty(path, name.saturating_sub(1), path.len()),
        }
    }

    /// The absolute path of the document root.
    pub fn document_root(&self) -> &'static [u8] {
        self.document_root
    }

    /// Writes the path of the script below the document root.
    pub fn write_name(&self, path: &[u8], route: &Route, write: &mut dyn FnMut(&[u8])) {
        match *route {
            Route::Script(end) => write(slice_or_empty(path, 0, end)),
            Route::Index => {
                write(without_slashes(path));
                write(INDEX);
            }
            _ => write(self.front_controller),
        }
    }
}

/// Decides what a path means that is decoded.
pub fn route(files: &StaticFiles, path: &[u8]) -> Route {
    if has_hidden_name(path) {
        return Route::NotFound;
    }
    let mut found_path = Path::new();
    let mut find = |path: &[u8], suffix: &[u8]| files.find(path, suffix, &mut found_path);
    let mut end = 0;
    while end < path.len() {
        end = next_slash(path, end + 1);
        let script = slice_or_empty(path, 0, end);
        if !script.ends_with(b".php") {
            continue;
        }
        match find(script, b"") {
            Found::File(..) => return Route::Script(end),
            Found::Folder => {}
            Found::Nothing => return Route::FrontController,
        }
    }
    let folder = without_slashes(path);
    if folder.is_empty() {
        return Route::FrontController;
    }
    match find(path, b"") {
        Found::Folder => match find(folder, INDEX) {
            Found::File(..) if path.ends_with(b"/") => Route::Index,
            Found::File(..) => Route::AddSlash,
            _ => Route::FrontController,
        },
        Found::File(..) => Route::File,
        Found::Nothing => Route::FrontController,
    }
}

/// Whether a path has a name that begins with a dot, as `..` does, but for `.well-known` in front
/// (RFC 8615); or a NUL, which no name has.
fn has_hidden_name(path: &[u8]) -> bool {
    let rest = path.strip_prefix(b"/.well-known").unwrap_or(path);
    let mut before = 0;
    for &byte in rest {
        if byte == 0 || byte == b'.' && before == b'/' {
            return true;
        }
        before = byte;
    }
    // `.well-known.php` is another name.
    rest.len() < path.len() && !rest.is_empty() && !rest.starts_with(b"/")
}

fn next_slash(path: &[u8], from: usize) -> usize {
    find_from(path, from, b'/').min(path.len())
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let mut path = path;
    while let [rest @ .., b'/'] = path {
        path = rest;
    }
    path
}
