//! Zip files: reading untrusted ones, and unpacking them into a folder.
//!
//! Own code, because a workstation may lack `unzip`. It reads what tools for Lambda write: stored
//! and deflated files, folders, symbolic links, modes of Unix, also with the fields of Zip64. The
//! central directory alone counts, and the local headers have to agree with it. Source: APPNOTE.TXT
//! 6.3.10, whose section numbers the comments have.
//!
//! Nothing is written outside the folder: names with `..` and absolute names are refused, files are
//! created and never opened, links come last and lead nowhere outside.

mod inflate;
mod prefix_code;
#[cfg(test)]
pub mod tests;
mod unpack;

pub use unpack::unpack;

use std::io;

/// Lambda's limit for an unpacked deployment package, and one for the number of its files.
pub const UNPACKED_BYTES_MAX: u64 = 262_144_000;
pub const ENTRIES_MAX: usize = 100_000;

/// Why a zip is refused.
#[derive(Debug)]
pub enum Error {
    /// It is no zip, or it is damaged.
    Malformed(&'static str),
    /// It is larger than `UNPACKED_BYTES_MAX` or has more than `ENTRIES_MAX` entries.
    TooLarge,
    /// A method, a name or a link that is not accepted; with the entry's name.
    Refused(&'static str, String),
    /// A file cannot be written.
    Write(io::Error),
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
}

/// An entry of the central directory, with its compressed bytes.
pub struct Entry<'a> {
    /// As stored: with `/`, of any bytes.
    pub name: &'a [u8],
    pub kind: Kind,
    /// The permissions of Unix; `None` if the zip was made elsewhere.
    pub mode: Option<u32>,
    pub size: u64,
    deflated: bool,
    crc: u32,
    compressed: &'a [u8],
}

impl Entry<'_> {
    /// The name for messages.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(self.name).into_owned()
    }

    /// Decompresses the entry; `write` gets its bytes in pieces. The checksum is that of the bytes.
    pub fn read(&self, write: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let mut crc = Crc::new();
        match self.deflated {
            false if self.compressed.len() as u64 != self.size => {
                return Err(Error::Malformed("a file has another size than declared"));
            }
            false => {
                crc.update(self.compressed);
                write(self.compressed)?;
            }
            true => inflate::inflate(self.compressed, self.size, &mut |bytes| {
                crc.update(bytes);
                write(bytes)
            })?,
        }
        match crc.value() == self.crc {
            true => Ok(()),
            false => Err(Error::Malformed("a checksum is wrong")),
        }
    }
}

/// The entries of a zip, in the order of its central directory.
pub fn entries(zip: &[u8]) -> Result<Vec<Entry<'_>>, Error> {
    let end = find_end(zip)?;
    if end.count > ENTRIES_MAX as u64 {
        return Err(Error::TooLarge);
    }
    let size = usize::try_from(end.directory_size).unwrap_or(usize::MAX);
    let start = end.position.checked_sub(size).ok_or(DAMAGED)?;
    // Bytes before the first entry shift all offsets (self-extracting zips).
    let shift = (start as u64)
        .checked_sub(end.directory_offset)
        .ok_or(DAMAGED)?;
    let mut directory = Fields(&zip[start..end.position]);
    let (mut entries, mut unpacked) = (Vec::new(), 0u64);
    while !directory.0.is_empty() {
        let entry = read_entry(zip, &mut directory, shift)?;
        unpacked = unpacked.saturating_add(entry.size);
        entries.push(entry);
        if unpacked > UNPACKED_BYTES_MAX || entries.len() > ENTRIES_MAX {
            return Err(Error::TooLarge);
        }
    }
    match entries.len() as u64 == end.count {
        true => Ok(entries),
        false => Err(DAMAGED),
    }
}

const DAMAGED: Error = Error::Malformed("the directory at its end is damaged");

/// The end of the central directory (4.3.16), or its Zip64 form (4.3.14).
struct End {
    /// Where it begins, which is where the central directory ends.
    position: usize,
    count: u64,
    directory_size: u64,
    directory_offset: u64,
}

fn find_end(zip: &[u8]) -> Result<End, Error> {
    const SIGNATURE: &[u8] = b"PK\x05\x06";
    const LENGTH: usize = 22;
    let last = zip.len().checked_sub(LENGTH);
    let first = zip.len().saturating_sub(LENGTH + usize::from(u16::MAX));
    let is_end = |at: &usize| {
        let comment = Fields(&zip[at + LENGTH - 2..]).u16();
        zip[*at..].starts_with(SIGNATURE)
            && comment.is_ok_and(|length| at + LENGTH + usize::from(length) == zip.len())
    };
    let position = last.and_then(|last| (first..=last).rev().find(is_end));
    let position = position.ok_or(Error::Malformed("it is no zip, or its end is missing"))?;
    let mut fields = Fields(&zip[position + 4..]);
    let (disk, directory_disk, on_disk) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let (count, size, offset) = (fields.u16()?, fields.u32()?, fields.u32()?);
    if count == u16::MAX || size == u32::MAX || offset == u32::MAX {
        return find_zip64_end(zip, position);
    }
    match (disk, directory_disk, on_disk == count) {
        (0, 0, true) => Ok(End {
            position,
            count: u64::from(count),
            directory_size: u64::from(size),
            directory_offset: u64::from(offset),
        }),
        _ => Err(Error::Malformed("it is one of several parts")),
    }
}

fn find_zip64_end(zip: &[u8], end: usize) -> Result<End, Error> {
    const LOCATOR_LENGTH: usize = 20;
    const LENGTH: usize = 56;
    let locator = end.checked_sub(LOCATOR_LENGTH).ok_or(DAMAGED)?;
    // The locator (4.3.15) follows the record, which has no extensible data in practice.
    let position = locator.checked_sub(LENGTH).ok_or(DAMAGED)?;
    let mut fields = Fields(&zip[position..end]);
    if fields.take(4)? != b"PK\x06\x06" || !zip[locator..].starts_with(b"PK\x06\x07") {
        return Err(DAMAGED);
    }
    fields.take(20)?; // its size, versions, disk numbers
    let on_disk = fields.u64()?;
    let count = fields.u64()?;
    let (directory_size, directory_offset) = (fields.u64()?, fields.u64()?);
    match on_disk == count {
        true => Ok(End {
            position,
            count,
            directory_size,
            directory_offset,
        }),
        false => Err(Error::Malformed("it is one of several parts")),
    }
}

/// A header of the central directory (4.3.12), and the local header that it leads to (4.3.7).
fn read_entry<'a>(zip: &'a [u8], fields: &mut Fields<'a>, shift: u64) -> Result<Entry<'a>, Error> {
    if fields.take(4)? != b"PK\x01\x02" {
        return Err(DAMAGED);
    }
    let made_by = fields.u16()?;
    fields.u16()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.u32()?; // time and date
    let crc = fields.u32()?;
    let (compressed, size) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let lengths = [fields.u16()?, fields.u16()?, fields.u16()?].map(usize::from);
    fields.u32()?; // disk number, internal attributes
    let attributes = fields.u32()?;
    let offset = u64::from(fields.u32()?);
    let name = fields.take(lengths[0])?;
    let extra = fields.take(lengths[1])?;
    fields.take(lengths[2])?;
    let [size, compressed, offset] = zip64_fields(extra, [size, compressed, offset])?;

    let shown = || String::from_utf8_lossy(name).into_owned();
    if flags & 1 != 0 {
        return Err(Error::Refused("it is encrypted", shown()));
    }
    if method != 0 && method != 8 {
        let what = "its compression method is neither stored nor deflated";
        return Err(Error::Refused(what, shown()));
    }
    // Version made by: 3 is Unix, 19 is macOS (4.4.2.2); the upper half is then st_mode.
    let mode = matches!(made_by >> 8, 3 | 19).then_some(attributes >> 16);
    let mode = mode.filter(|&mode| mode != 0);
    let kind = match mode.unwrap_or(0) & 0o170_000 {
        _ if name.ends_with(b"/") => Kind::Folder,
        0o040_000 => Kind::Folder,
        0o120_000 => Kind::Link,
        0 | 0o100_000 => Kind::File,
        _ => {
            return Err(Error::Refused(
                "it is a device, a pipe or a socket",
                shown(),
            ));
        }
    };
    let compressed = local_data(zip, offset.checked_add(shift), compressed, name)?;
    Ok(Entry {
        name,
        kind,
        mode,
        size,
        deflated: method == 8,
        crc,
        compressed,
    })
}

/// The real values of fields that have their largest value (4.5.3).
fn zip64_fields(extra: &[u8], mut values: [u64; 3]) -> Result<[u64; 3], Error> {
    let mut extra = Fields(extra);
    while extra.0.len() >= 4 {
        let (id, length) = (extra.u16()?, extra.u16()?);
        let mut data = Fields(extra.take(usize::from(length))?);
        if id == 1 {
            for value in values
                .iter_mut()
                .filter(|value| **value == u64::from(u32::MAX))
            {
                *value = data.u64()?;
            }
        }
    }
    Ok(values)
}

/// The compressed bytes behind a local header, which has to have the same name.
fn local_data<'a>(
    zip: &'a [u8],
    offset: Option<u64>,
    length: u64,
    name: &[u8],
) -> Result<&'a [u8], Error> {
    let offset = offset.and_then(|offset| usize::try_from(offset).ok());
    let header = offset.and_then(|offset| zip.get(offset..)).ok_or(DAMAGED)?;
    let mut fields = Fields(header);
    if fields.take(4)? != b"PK\x03\x04" {
        return Err(DAMAGED);
    }
    fields.take(22)?;
    let lengths = [fields.u16()?, fields.u16()?].map(usize::from);
    if fields.take(lengths[0])? != name {
        return Err(Error::Malformed("a file has two different names"));
    }
    fields.take(lengths[1])?;
    fields.take(usize::try_from(length).map_err(|_| DAMAGED)?)
}

/// Fields in little-endian order.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, length: usize) -> Result<u64, Error> {
        let bytes = self.take(length)?.iter().rev();
        Ok(bytes.fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn u16(&mut self) -> Result<u16, Error> {
        Ok(self.number(2)? as u16)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(self.number(4)? as u32)
    }

    fn u64(&mut self) -> Result<u64, Error> {
        self.number(8)
    }
}

/// The checksum of zip files (4.4.7), a byte at a time.
struct Crc(u32);

const CRC_TABLE: [u32; 256] = crc_table();

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut value, mut bit) = (index as u32, 0);
        while bit < 8 {
            value = value >> 1 ^ if value & 1 == 1 { 0xedb8_8320 } else { 0 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

impl Crc {
    fn new() -> Crc {
        Crc(!0)
    }

    fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let index = (self.0 as u8 ^ byte) as usize;
            self.0 = self.0 >> 8 ^ CRC_TABLE[index];
        }
    }

    fn value(&self) -> u32 {
        !self.0
    }
}
