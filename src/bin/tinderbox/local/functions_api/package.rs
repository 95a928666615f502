//! A deployment package: from the base64 of a zip to a folder with a bootstrap that can run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::configuration::Code;
use super::errors;
use super::request::Members;
use super::zip::{self, Error};
use crate::local::invoke_api::ApiError;
use crate::local::temporary::TemporaryFolder;
use crate::process::{self, Program};
use crate::{base64, sha256};

/// Lambda's limit for a zip in a request.
const ZIP_BYTES_MAX: usize = 52_428_800;

/// Unpacks the code of a request, and finds its bootstrap. `code` has the members of
/// `FunctionCode`.
pub fn unpack(
    code: &Members,
    runner: &[std::ffi::OsString],
) -> Result<(Arc<Code>, Program), ApiError> {
    refuse_other_sources(code)?;
    let Some(text) = code.text("ZipFile")? else {
        return Err(errors::invalid(
            "Please provide a source for function code.",
        ));
    };
    let zip = base64::decode(text.as_bytes());
    let zip = zip.ok_or_else(|| errors::serialization("ZipFile: expected base64".to_string()))?;
    if zip.len() > ZIP_BYTES_MAX {
        return Err(errors::too_large(format!(
            "Zipped size must be smaller than {ZIP_BYTES_MAX} bytes"
        )));
    }
    let folder = TemporaryFolder::new("task").map_err(|error| {
        let parent = std::env::temp_dir();
        errors::internal(format!(
            "cannot create a folder for the package in '{}': {error}; set TMPDIR to another one",
            parent.display()
        ))
    })?;
    let unpacked_bytes = zip::unpack(&zip, folder.contents()).map_err(|error| explain(&error))?;
    let program = find_bootstrap(folder.contents(), runner)?;
    let code = Code::Zip {
        sha256: base64::encode(&sha256::digest(&zip)),
        bytes: zip.len() as u64,
        unpacked_bytes,
        folder,
    };
    Ok((Arc::new(code), program))
}

/// Buckets and images do not exist here.
fn refuse_other_sources(code: &Members) -> Result<(), ApiError> {
    if let Some(bucket) = code.text("S3Bucket")? {
        return Err(errors::invalid(format!(
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The \
             specified bucket does not exist (tinderbox run has no S3: send '{bucket}' as a zip)"
        )));
    }
    if let Some(uri) = code.text("ImageUri")? {
        return Err(errors::invalid(format!(
            "Source image {uri} does not exist. Provide a valid source image. (tinderbox run takes \
             zips here, and images with --image)"
        )));
    }
    Ok(())
}

fn explain(error: &Error) -> ApiError {
    match error {
        Error::Malformed(reason) => errors::invalid(format!(
            "Could not unzip uploaded file. Please check your file, then try to upload again. \
             ({reason})"
        )),
        Error::Refused(reason, name) => errors::invalid(format!(
            "Could not unzip uploaded file. Please check your file, then try to upload again. \
             ('{name}': {reason})"
        )),
        Error::TooLarge => errors::invalid(format!(
            "Unzipped size must be smaller than {} bytes",
            zip::UNPACKED_BYTES_MAX
        )),
        Error::Write(error) => errors::internal(format!(
            "cannot unpack the package into '{}': {error}",
            std::env::temp_dir().display()
        )),
    }
}

/// Lambda accepts any package, and fails at the first event. Here the faults that would make every
/// event fail are reported at once.
fn find_bootstrap(root: &Path, runner: &[std::ffi::OsString]) -> Result<Program, ApiError> {
    let bootstrap = root.join("bootstrap");
    let Ok(found) = fs::metadata(&bootstrap) else {
        return Err(errors::invalid(match nested_bootstrap(root) {
            Some(folder) => format!(
                "the package has no file bootstrap at its top level, but one in '{folder}': zip \
                 the contents of that folder"
            ),
            None => "the package has no file bootstrap at its top level, which custom runtimes \
                     start with"
                .to_string(),
        }));
    };
    if !found.is_file() {
        return Err(errors::invalid("bootstrap is not a regular file"));
    }
    if found.permissions().mode() & 0o111 == 0 {
        return Err(errors::invalid(
            "bootstrap is not executable in the zip: run chmod +x bootstrap before zipping it, on \
             a system that stores modes",
        ));
    }
    if runner.is_empty()
        && let Some(fault) = process::unfit(&bootstrap)
    {
        return Err(errors::invalid(format!(
            "bootstrap cannot be executed: {fault}"
        )));
    }
    Program::new(bootstrap, runner).map_err(|failure| errors::invalid(failure.text()))
}

/// A folder one level down that has a bootstrap: the most frequent mistake.
fn nested_bootstrap(root: &Path) -> Option<String> {
    let entries = fs::read_dir(root).ok()?.flatten();
    let mut folders = entries.filter(|entry| entry.path().join("bootstrap").is_file());
    let folder = folders.next()?.file_name();
    Some(folder.to_string_lossy().into_owned())
}
