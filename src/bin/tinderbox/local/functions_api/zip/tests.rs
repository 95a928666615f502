//! Zips by other programs, damaged zips, and zips that an attacker would write.

pub mod samples;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::base64;
use crate::local::temporary::TemporaryFolder;
use crate::number::hex;
use crate::sha256;

fn sample(text: &str) -> Vec<u8> {
    base64::decode(text.as_bytes()).expect("base64")
}

fn folder() -> TemporaryFolder {
    TemporaryFolder::new("task").expect("a folder")
}

/// The digest of `lib/data.txt` in both zips.
const DATA: &str = "7a757122431e185ee3d969c48ce2bda85be7a084f454d344ef8410eb19a51f6a";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

#[test]
fn zip_of_debian_is_unpacked() {
    let folder = folder();
    let root = folder.contents();
    let unpacked = unpack(&sample(samples::DEBIAN), root).expect("a zip");
    assert_eq!(unpacked, 50 + 45_356 + 21);
    let script = fs::read_to_string(root.join("bootstrap")).expect("a file");
    assert_eq!(script, "#!/bin/sh\necho hello\n");
    assert_eq!(mode(&root.join("bootstrap")), 0o755);
    assert_eq!(mode(&root.join("lib/blob")), 0o644);
    assert!(root.join("empty").is_dir());
    let link = fs::read_link(root.join("current")).expect("a link");
    assert_eq!(link, Path::new("lib"));
    let data = fs::read(root.join("current/data.txt")).expect("a file");
    assert_eq!(hex(&sha256::digest(&data)), DATA);
}

#[test]
fn zip_of_python_is_unpacked() {
    let folder = folder();
    unpack(&sample(samples::PYTHON), folder.contents()).expect("a zip");
    assert_eq!(mode(&folder.contents().join("bootstrap")), 0o755);
    let data = fs::read(folder.contents().join("lib/data.txt")).expect("a file");
    assert_eq!(hex(&sha256::digest(&data)), DATA);
}

#[test]
fn zip_behind_other_bytes_is_unpacked() {
    let mut zip = b"#!/bin/sh\nexit 1\n".to_vec();
    zip.extend(sample(samples::DEBIAN));
    let names = entries(&zip).expect("a zip");
    assert_eq!(names.len(), 6);
    unpack(&zip, folder().contents()).expect("a zip");
}

fn inflated(text: &str, size: u64) -> Result<Vec<u8>, Error> {
    let mut output = Vec::new();
    inflate::inflate(&sample(text), size, &mut |bytes| {
        output.extend_from_slice(bytes);
        Ok(())
    })?;
    Ok(output)
}

#[test]
fn stream_of_each_block_type_is_inflated() {
    for (stream, expected) in [
        (
            samples::FIXED,
            b"tinderbox, tinderbox and tinderbox: 0123456789 0123456789".to_vec(),
        ),
        (samples::STORED, b"stored as it is".to_vec()),
        (
            samples::LITERALS,
            [b"abcdefghijklmnopqrstuvwxyz".repeat(3), b"e".repeat(40)].concat(),
        ),
    ] {
        let size = expected.len() as u64;
        assert_eq!(inflated(stream, size).expect("a stream"), expected);
        for wrong in [0, size - 1, size + 1] {
            assert!(inflated(stream, wrong).is_err(), "{wrong}");
        }
    }
}

#[test]
fn zip_truncated_at_any_byte_is_refused() {
    for text in [samples::DEBIAN, samples::PYTHON] {
        let zip = sample(text);
        for length in 0..zip.len() {
            assert!(entries(&zip[..length]).is_err(), "{length}");
        }
    }
    for text in [samples::FIXED, samples::STORED, samples::LITERALS] {
        let stream = sample(text);
        for length in 0..stream.len() {
            let result = inflate::inflate(&stream[..length], 118, &mut |_| Ok(()));
            assert!(result.is_err(), "{length}");
        }
    }
}

/// A small generator of pseudo-random numbers: failures can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

#[test]
fn zip_mutated_at_random_is_read_or_refused() {
    let mut random = Random(1);
    let (mut refused, mut read) = (0, 0);
    for text in [samples::DEBIAN, samples::PYTHON] {
        let original = sample(text);
        for round in 0..300 {
            let mut zip = original.clone();
            for _ in 0..1 + random.below(4) {
                let at = random.below(zip.len());
                zip[at] = random.below(256) as u8;
            }
            let result = entries(&zip).and_then(|entries| {
                let mut written = 0;
                for entry in &entries {
                    entry.read(&mut |bytes| {
                        written += bytes.len() as u64;
                        Ok(())
                    })?;
                }
                Ok(written)
            });
            match result {
                Ok(written) => {
                    assert!(written <= UNPACKED_BYTES_MAX);
                    read += 1;
                }
                Err(_) => refused += 1,
            }
            // Onto the disk more seldom: whatever is written is within the folder.
            if round % 10 == 0 {
                let folder = folder();
                let _ = unpack(&zip, folder.contents());
                let beside = fs::read_dir(folder.contents().join("..")).expect("a folder");
                assert_eq!(beside.count(), 2);
            }
        }
    }
    assert!(refused > 60 && read > 6, "{refused} {read}");
}

/// A zip of stored entries: name, st_mode, contents.
fn zip_of(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (name, mode, contents) in files {
        let mut crc = Crc::new();
        crc.update(contents);
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0]; // version, flags, method, time
        common.extend(crc.value().to_le_bytes());
        for _ in 0..2 {
            common.extend((contents.len() as u32).to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0; 2]);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]); // comment, disk, internal attributes
        directory.extend((mode << 16).to_le_bytes());
        directory.extend((zip.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend(name.as_bytes());
        zip.extend(*contents);
    }
    let offset = zip.len() as u32;
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        zip.extend((files.len() as u16).to_le_bytes());
    }
    zip.extend((directory.len() as u32).to_le_bytes());
    zip.extend(offset.to_le_bytes());
    zip.extend([0; 2]);
    zip
}

const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

fn refusal(files: &[(&str, u32, &[u8])]) -> String {
    let folder = folder();
    let result = unpack(&zip_of(files), folder.contents());
    let beside = fs::read_dir(folder.contents().join("..")).expect("a folder");
    assert_eq!(beside.count(), 2, "{files:?}");
    match result {
        Err(Error::Refused(what, name)) => format!("{name}: {what}"),
        other => panic!("{files:?}: {other:?}"),
    }
}

#[test]
fn name_that_leads_out_of_the_folder_is_refused() {
    for name in ["../x", "a/../../x", "/etc/x", "..", "a/..", "/"] {
        let expected = format!("{name}: its name leads out of the package");
        assert_eq!(refusal(&[(name, FILE, b"x")]), expected);
    }
    for name in ["", ".", "a\0b"] {
        let expected = format!("{name}: it is no name of a file");
        assert_eq!(refusal(&[(name, FILE, b"x")]), expected);
    }
    let long = "x".repeat(300);
    assert!(refusal(&[(&long, FILE, b"x")]).ends_with(": its name is too long"));
}

#[test]
fn link_that_leads_out_of_the_folder_is_refused() {
    for target in ["/etc", "..", "../x", "a/../../x", "./../../etc/passwd", ""] {
        let expected = "link: it is a link that leads out of the package";
        assert_eq!(refusal(&[("link", LINK, target.as_bytes())]), expected);
    }
    // Each of the two links stays inside by its text; together they do not.
    let files: [(&str, u32, &[u8]); 3] = [
        ("a/b/x", FILE, b"x"),
        ("up", LINK, b"a/b/x/../.."),
        ("z", LINK, b"d/../../.."),
    ];
    assert!(refusal(&files).starts_with("z: "));
    let files: [(&str, u32, &[u8]); 3] = [
        ("s/x", FILE, b"x"),
        ("d/e/short", LINK, b"../../s"),
        ("d/e/out", LINK, b"short/../.."),
    ];
    assert!(refusal(&files).starts_with("d/e/out: "));
}

#[test]
fn link_within_the_folder_is_created() {
    let folder = folder();
    let files: [(&str, u32, &[u8]); 4] = [
        ("lib/a.so.1", FILE, b"x"),
        ("lib/a.so", LINK, b"a.so.1"),
        ("bin/a", LINK, b"../lib/a.so"),
        ("dangling", LINK, b"lib/none"),
    ];
    unpack(&zip_of(&files), folder.contents()).expect("a zip");
    assert_eq!(
        fs::read(folder.contents().join("bin/a")).expect("a file"),
        b"x"
    );
}

#[test]
fn name_twice_or_through_a_link_is_refused() {
    for second in ["a", "a/b", "./a", "a//"] {
        let mode = if second.ends_with('/') {
            0o040_755
        } else {
            FILE
        };
        let message = refusal(&[("a", FILE, b"x"), (second, mode, b"")]);
        assert!(message.ends_with("its name is there twice"), "{message}");
    }
    let through = refusal(&[("l", LINK, b"d"), ("l/x", FILE, b"x"), ("d/y", FILE, b"y")]);
    assert_eq!(through, "l: its name is there twice");
    let through = refusal(&[("d/y", FILE, b"y"), ("l", LINK, b"d"), ("l/m", LINK, b"y")]);
    assert_eq!(through, "l/m: its name is there twice");
}

#[test]
fn mode_with_special_bits_or_of_a_device_is_not_applied() {
    let folder = folder();
    let files: [(&str, u32, &[u8]); 2] = [("s", 0o106_777, b""), ("none", 0o100_000, b"")];
    unpack(&zip_of(&files), folder.contents()).expect("a zip");
    assert_eq!(mode(&folder.contents().join("s")), 0o777);
    assert_eq!(mode(&folder.contents().join("none")), 0o400);
    for device in [0o060_644, 0o020_644, 0o010_644, 0o140_644] {
        let message = refusal(&[("x", device, b"")]);
        assert_eq!(message, "x: it is a device, a pipe or a socket");
    }
}

#[test]
fn zip_larger_than_the_limits_is_refused() {
    let mut zip = zip_of(&[("a", FILE, b"x"), ("b", FILE, b"x")]);
    // The declared size of the first file, in the central directory.
    let at = zip
        .windows(4)
        .position(|bytes| bytes == b"PK\x01\x02")
        .expect("an entry")
        + 24;
    zip[at..at + 4].copy_from_slice(&(UNPACKED_BYTES_MAX as u32).to_le_bytes());
    assert!(matches!(entries(&zip), Err(Error::TooLarge)));
    zip[at..at + 4].copy_from_slice(&5u32.to_le_bytes());
    let result = unpack(&zip, folder().contents());
    assert!(matches!(result, Err(Error::Malformed(_))), "{result:?}");
}

#[test]
fn entry_encrypted_or_of_another_method_is_refused() {
    for (offset, value, what) in [
        (8, 1, "it is encrypted"),
        (
            10,
            12,
            "its compression method is neither stored nor deflated",
        ),
    ] {
        let mut zip = zip_of(&[("a", FILE, b"x")]);
        let at = zip
            .windows(4)
            .position(|bytes| bytes == b"PK\x01\x02")
            .expect("an entry");
        zip[at + offset] = value;
        match entries(&zip) {
            Err(Error::Refused(found, name)) => assert_eq!((found, name.as_str()), (what, "a")),
            other => panic!("{:?}", other.map(|entries| entries.len())),
        }
    }
}
