//! A parser for the parts of ELF64 files that the tests need (elf(5)).

pub const LOAD: u32 = 1;
pub const DYNAMIC: u32 = 2;
pub const INTERPRETER: u32 = 3;
pub const STACK: u32 = 0x6474_e551;

/// A program header.
pub struct Segment {
    pub kind: u32,
    pub flags: u32,
    pub offset: usize,
    pub bytes: usize,
}

fn number(file: &[u8], at: usize, bytes: usize) -> usize {
    file[at..at + bytes]
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// `e_machine`.
pub fn machine(file: &[u8]) -> usize {
    assert_eq!(&file[..6], b"\x7fELF\x02\x01", "64 bits, little endian");
    number(file, 18, 2)
}

pub fn segments(file: &[u8]) -> Vec<Segment> {
    let (start, count) = (number(file, 32, 8), number(file, 56, 2));
    let segment = |index: usize| {
        let at = start + 56 * index;
        Segment {
            kind: number(file, at, 4) as u32,
            flags: number(file, at + 4, 4) as u32,
            offset: number(file, at + 8, 8),
            bytes: number(file, at + 32, 8),
        }
    };
    (0..count).map(segment).collect()
}

/// The file without sections: truncated after its last segment, section fields cleared.
pub fn strip(file: &[u8]) -> Vec<u8> {
    let ends = segments(file)
        .into_iter()
        .map(|segment| segment.offset + segment.bytes);
    let mut stripped = file[..ends.max().expect("segments")].to_vec();
    stripped[40..48].fill(0);
    stripped[60..64].fill(0);
    stripped
}

/// The names in its symbol table.
pub fn symbols(file: &[u8]) -> Vec<String> {
    let (start, count) = (number(file, 40, 8), number(file, 60, 2));
    // Of a section: type, offset, length, linked section.
    let section = |index: usize| {
        let at = start + 64 * index;
        let [offset, bytes] = [24, 32].map(|field| number(file, at + field, 8));
        (
            number(file, at + 4, 4),
            &file[offset..],
            bytes,
            number(file, at + 40, 4),
        )
    };
    let (_, table, bytes, names) = (1..count)
        .map(section)
        .find(|section| section.0 == 2)
        .expect("a symbol table");
    let (_, names, _, _) = section(names);
    let name = |at: usize| {
        let start = number(table, at, 4);
        let end = start
            + names[start..]
                .iter()
                .position(|byte| *byte == 0)
                .expect("a C string");
        String::from_utf8_lossy(&names[start..end]).into_owned()
    };
    (0..bytes).step_by(24).map(name).collect()
}
