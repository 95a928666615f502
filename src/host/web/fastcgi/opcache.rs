//! The scripts of the package that were compiled when it was made (`scripts/package.sh --opcache`).
//!
//! PHP takes a folder of compiled scripts only if it can write to it (before PHP 8.5, without a
//! word), and in it the folder that is named after the build of PHP. So a folder of our own has a
//! link of that name to the one in the package.

use crate::diagnostics::diagnostic;
use crate::host::paths::concat_into;
use crate::limits::PATH_BYTES_MAX;
use crate::sys::Environment;
use crate::sys::folders::{first_name, link_to, make_own_folder};
use crate::wire::slice_or_empty;

/// The variables that the settings of PHP name.
pub const CACHE_VARIABLES: &[u8] =
    b"opcache.file_cache=/tmp/.tinderbox-opcache\0opcache.validate_timestamps=0\0";

/// Our folder.
const FOLDER: &[u8] = b"/tmp/.tinderbox-opcache\0";

/// The length of the name of a build: that of a digest.
const BUILD_BYTES: usize = 32;

/// Links the cache of the package, if it has one. False: there is none to use.
pub fn link_cache(environment: &Environment) -> bool {
    let root = environment.get(b"LAMBDA_TASK_ROOT=").unwrap_or(b".");
    let mut target = [0; PATH_BYTES_MAX];
    let bytes = concat_into(&mut target, &[root, b"/.tinderbox/opcache", b"\0"]);
    let mut name = [0; BUILD_BYTES];
    if first_name(slice_or_empty(&target, 0, bytes), &mut name) != BUILD_BYTES {
        return false;
    }
    let folder = slice_or_empty(&target, 0, bytes - 1);
    let mut build = [0; PATH_BYTES_MAX];
    let bytes = concat_into(&mut build, &[folder, b"/", &name, b"\0"]);
    let mut link = [0; 64];
    let own = slice_or_empty(FOLDER, 0, FOLDER.len() - 1);
    let link_bytes = concat_into(&mut link, &[own, b"/", &name, b"\0"]);
    let is_linked = make_own_folder(FOLDER)
        && link_to(
            slice_or_empty(&build, 0, bytes),
            slice_or_empty(&link, 0, link_bytes),
        );
    if !is_linked {
        diagnostic(
            b"the compiled scripts of the package are not used, no folder or link of our own can \
              be made: ",
            own,
        );
    }
    is_linked
}
