//! An OCI image layout: the folder's index, the manifest for one architecture, its configuration.
//!
//! Sources: OCI Image Format Specification, "Image Layout", "Index", "Manifest", "Configuration";
//! Docker's "Image Manifest Version 2, Schema 2" has the same members.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::output::Failure;
use crate::sha256;

/// An index may refer to others; real ones do so once.
const INDEXES_MAX: usize = 4;

/// Longer layers are not compared with their digests: that takes longer than unpacking them.
const DIGEST_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Manifests and configurations are a few kilobytes.
const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// An image in a layout.
pub struct OciImage {
    /// The files of its layers, lowest first.
    pub layers: Vec<PathBuf>,
    pub config: Value,
}

/// A layout, with the name of one of its images if there are several.
pub struct Layout<'a> {
    pub folder: &'a Path,
    pub tag: Option<&'a str>,
}

impl Layout<'_> {
    /// Reads the image for this architecture, in the words of OCI: `amd64`, `arm64`.
    pub fn read(&self, architecture: &str) -> Result<OciImage, Failure> {
        let mut index = read_document(&self.folder.join("index.json"), None)
            .map_err(|text| self.failure(&text))?;
        for _ in 0..INDEXES_MAX {
            let descriptor = self.choose(&index, architecture)?;
            let document = self.document(descriptor)?;
            if document["manifests"].is_array() {
                index = document;
                continue;
            }
            let config = self.document(&document["config"])?;
            self.check_architecture(&config, architecture)?;
            let layers = document["layers"].as_array();
            let layers = layers.ok_or_else(|| self.failure("the manifest has no layers"))?;
            let layers = layers.iter().map(|layer| self.layer(layer));
            return Ok(OciImage {
                layers: layers.collect::<Result<_, _>>()?,
                config,
            });
        }
        Err(self.failure("its indexes refer to each other"))
    }

    /// The one descriptor of an index that fits the tag and the architecture.
    fn choose<'v>(&self, index: &'v Value, architecture: &str) -> Result<&'v Value, Failure> {
        let all = index["manifests"].as_array();
        let all = all.ok_or_else(|| self.failure("index.json has no manifests"))?;
        let mut fitting: Vec<&Value> = all.iter().collect();
        // Attestations have the platform unknown/unknown.
        fitting.retain(|found| match found["platform"]["architecture"].as_str() {
            Some(name) => name == architecture,
            None => true,
        });
        if fitting.is_empty() {
            let mut names: Vec<&str> = all
                .iter()
                .filter_map(|found| found["platform"]["architecture"].as_str())
                .filter(|name| *name != "unknown")
                .collect();
            names.dedup();
            return Err(self.wrong_architecture(&names.join(", "), architecture));
        }
        const NAME: &str = "org.opencontainers.image.ref.name";
        let name = |found: &Value| found["annotations"][NAME].as_str().map(str::to_string);
        if let Some(tag) = self.tag {
            let has_names = fitting.iter().any(|found| name(found).is_some());
            fitting.retain(|found| !has_names || name(found).as_deref() == Some(tag));
        }
        match fitting[..] {
            [found] => Ok(found),
            [] => Err(self.failure(&format!("no image named {}", self.tag.unwrap_or_default()))),
            _ => {
                let names: Vec<String> = fitting.iter().filter_map(|found| name(found)).collect();
                Err(self.failure(&format!(
                    "it has {} images; choose one with --image LAYOUT:NAME, of {}",
                    fitting.len(),
                    names.join(", ")
                )))
            }
        }
    }

    fn check_architecture(&self, config: &Value, architecture: &str) -> Result<(), Failure> {
        match config["architecture"].as_str() {
            Some(found) if found != architecture => {
                Err(self.wrong_architecture(found, architecture))
            }
            _ => Ok(()),
        }
    }

    fn wrong_architecture(&self, found: &str, expected: &str) -> Failure {
        let emulator = match found {
            "arm64" => ", or run it with --runner qemu-aarch64-static",
            "amd64" => ", or run it with --runner qemu-x86_64-static",
            _ => "",
        };
        self.failure(&format!(
            "it is built for {found} and not for {expected}; build it for {expected}{emulator}"
        ))
    }

    fn document(&self, descriptor: &Value) -> Result<Value, Failure> {
        let path = self.blob(descriptor)?;
        let digest = descriptor["digest"].as_str();
        read_document(&path, digest).map_err(|text| self.failure(&text))
    }

    fn layer(&self, descriptor: &Value) -> Result<PathBuf, Failure> {
        let path = self.blob(descriptor)?;
        let is_short = fs::metadata(&path).is_ok_and(|found| found.len() <= DIGEST_BYTES_MAX);
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        let bytes = is_short.then(|| fs::read(&path).unwrap_or_default());
        match bytes {
            Some(bytes) if !has_digest(&bytes, digest) => Err(self.failure(&damaged(&path))),
            _ => Ok(path),
        }
    }

    /// The file of a descriptor, of the size that the descriptor has.
    fn blob(&self, descriptor: &Value) -> Result<PathBuf, Failure> {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        let (algorithm, name) = digest.split_once(':').unwrap_or_default();
        // The characters of a digest: it must not lead to another folder.
        let is_plain =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_plain(algorithm) || !is_plain(name) {
            return Err(self.failure(&format!("invalid digest '{digest}'")));
        }
        let path = self.folder.join("blobs").join(algorithm).join(name);
        let length = fs::metadata(&path).map(|found| found.len());
        let length = length.map_err(|error| self.failure(&missing(&path, &error)))?;
        match descriptor["size"].as_u64() {
            Some(size) if size != length => Err(self.failure(&format!(
                "'{}' has {length} bytes and not {size}: the copy is incomplete",
                path.display()
            ))),
            _ => Ok(path),
        }
    }

    fn failure(&self, text: &str) -> Failure {
        let shown = self.folder.display();
        Failure::new(format!("cannot use the image layout '{shown}': {text}"))
    }
}

/// Whether these bytes have the digest, if it is one of SHA-256.
fn has_digest(bytes: &[u8], digest: &str) -> bool {
    let Some(expected) = digest.strip_prefix("sha256:") else {
        return true;
    };
    let found = sha256::digest(bytes);
    let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
    found == expected
}

fn damaged(path: &Path) -> String {
    format!(
        "'{}' does not have the digest that it is named by",
        path.display()
    )
}

fn missing(path: &Path, error: &io::Error) -> String {
    format!("cannot read '{}': {error}", path.display())
}

fn read_document(path: &Path, digest: Option<&str>) -> Result<Value, String> {
    let length = fs::metadata(path).map(|found| found.len());
    let length = length.map_err(|error| missing(path, &error))?;
    if length > DOCUMENT_BYTES_MAX {
        return Err(format!("'{}' is too long: {length} bytes", path.display()));
    }
    let bytes = fs::read(path).map_err(|error| missing(path, &error))?;
    if digest.is_some_and(|digest| !has_digest(&bytes, digest)) {
        return Err(damaged(path));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| format!("'{}' is not JSON: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use serde_json::{Value, json};
    use std::path::Path;

    fn choose(index: &Value, tag: Option<&str>, architecture: &str) -> Result<i64, String> {
        let folder = Path::new("layout");
        let found = Layout { folder, tag }.choose(index, architecture);
        let number = found.map(|found| found["number"].as_i64().unwrap_or_default());
        number.map_err(|failure| failure.text().to_string())
    }

    #[test]
    fn manifest_of_architecture_and_name_is_chosen() {
        let named = |number: i64, name: &str, architecture: &str| {
            json!({
                "number": number,
                "platform": {"architecture": architecture},
                "annotations": {"org.opencontainers.image.ref.name": name},
            })
        };
        let index = json!({"manifests": [
            named(1, "a", "amd64"), named(2, "a", "arm64"), named(3, "b", "arm64"),
            named(4, "a", "unknown"),
        ]});
        assert_eq!(choose(&index, None, "amd64"), Ok(1));
        assert_eq!(choose(&index, Some("b"), "arm64"), Ok(3));
        let refused = |tag, architecture, expected: &str| {
            let text = choose(&index, tag, architecture).expect_err("refused");
            assert!(text.contains(expected), "{text}");
        };
        refused(
            None,
            "arm64",
            "it has 2 images; choose one with --image LAYOUT:NAME, of a, b",
        );
        refused(Some("c"), "amd64", "no image named c");
        refused(
            None,
            "riscv64",
            "it is built for amd64, arm64 and not for riscv64",
        );
        assert_eq!(
            choose(&json!({"manifests": [{"number": 5}]}), Some("x"), "any"),
            Ok(5)
        );
        assert!(choose(&json!({}), None, "amd64").is_err());
    }

    #[test]
    fn digest_that_leads_elsewhere_is_refused() {
        let layout = Layout {
            folder: Path::new("/"),
            tag: None,
        };
        for digest in ["sha256:../../etc/passwd", "../x:y", "sha256", "", ":"] {
            let failure = layout
                .blob(&json!({"digest": digest}))
                .expect_err("refused");
            assert!(
                failure.text().contains("invalid digest"),
                "{}",
                failure.text()
            );
        }
    }
}
