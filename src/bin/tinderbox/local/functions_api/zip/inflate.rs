//! Inflate (RFC 1951): decompression of deflate streams, in pieces, up to a limit.

use super::Error;
use super::prefix_code::{BitReader, Code};

/// The farthest that a match reaches back.
const WINDOW_BYTES: usize = 32 * 1024;

/// How much output is collected before it is passed on.
const PIECE_BYTES: usize = 128 * 1024;

/// The order in which the lengths of the code length code are stored.
const CODE_LENGTH_ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Decompresses the whole input to exactly `size` bytes, which `write` gets in pieces.
pub fn inflate(
    input: &[u8],
    size: u64,
    write: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut bits = BitReader::new(input);
    let mut output = Output {
        bytes: Vec::new(),
        window: 0,
        left: size,
        write,
    };
    loop {
        let is_last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => copy_stored(&mut bits, &mut output)?,
            1 => {
                let (literals, distances) = fixed_codes()?;
                decode_block(&mut bits, &literals, &distances, &mut output)?;
            }
            2 => {
                let (literals, distances) = read_codes(&mut bits)?;
                decode_block(&mut bits, &literals, &distances, &mut output)?;
            }
            _ => return Err(Error::Malformed("unknown type of a compressed block")),
        }
        if is_last {
            break;
        }
    }
    output.flush()?;
    match output.left == 0 && bits.unread_bytes() == 0 {
        true => Ok(()),
        false => Err(Error::Malformed("a file has another size than declared")),
    }
}

/// The end of the output, for matches, and where the rest has gone.
struct Output<'a> {
    bytes: Vec<u8>,
    /// How many of the bytes have been written and are retained for matches.
    window: usize,
    /// How many more bytes there may be.
    left: u64,
    write: &'a mut dyn FnMut(&[u8]) -> Result<(), Error>,
}

impl Output<'_> {
    fn reserve(&mut self, count: usize) -> Result<(), Error> {
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or(Error::Malformed("a file has another size than declared"))?;
        match self.bytes.len() - self.window + count > PIECE_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.reserve(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn append_match(&mut self, distance: usize, length: usize) -> Result<(), Error> {
        self.reserve(length)?;
        let start = self
            .bytes
            .len()
            .checked_sub(distance)
            .ok_or(Error::Malformed("a match reaches before the beginning"))?;
        if distance >= length {
            self.bytes.extend_from_within(start..start + length);
        } else {
            for index in start..start + length {
                self.bytes.push(self.bytes[index]);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        (self.write)(&self.bytes[self.window..])?;
        let surplus = self.bytes.len().saturating_sub(WINDOW_BYTES);
        self.bytes.drain(..surplus);
        self.window = self.bytes.len();
        Ok(())
    }
}

fn copy_stored(bits: &mut BitReader<'_>, output: &mut Output<'_>) -> Result<(), Error> {
    let &[a, b, c, d] = bits.take_bytes(4)? else {
        return Err(Error::Malformed("a compressed file is cut short"));
    };
    let length = u16::from_le_bytes([a, b]);
    if length != !u16::from_le_bytes([c, d]) {
        return Err(Error::Malformed("the length of a stored block is wrong"));
    }
    output.append(bits.take_bytes(usize::from(length))?)
}

fn decode_block(
    bits: &mut BitReader<'_>,
    literals: &Code,
    distances: &Code,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let unknown = Error::Malformed("an unknown code in a compressed file");
    loop {
        let symbol = literals.decode(bits)?;
        let Some(index) = symbol.checked_sub(257) else {
            match u8::try_from(symbol) {
                Ok(literal) => output.append(&[literal])?,
                Err(_) => return Ok(()),
            }
            continue;
        };
        let (base, extra) = match index {
            0..8 => (3 + index, 0),
            8..28 => scaled(index, 4, 3),
            28 => (258, 0),
            _ => return Err(unknown),
        };
        let length = base + bits.take(extra)?;
        let (base, extra) = match distances.decode(bits)? {
            symbol @ 0..4 => (1 + symbol, 0),
            symbol @ 4..30 => scaled(symbol, 2, 1),
            _ => return Err(unknown),
        };
        let distance = base + bits.take(extra)?;
        output.append_match(distance, length)?;
    }
}

/// The base and the extra bits of a length or a distance: each group of `group` symbols doubles the
/// step (the tables of RFC 1951 section 3.2.5, as a formula).
fn scaled(symbol: usize, group: usize, offset: usize) -> (usize, u32) {
    let extra = symbol / group - 1;
    let base = ((group + symbol % group) << extra) + offset;
    (base, extra as u32)
}

/// The codes that a stream need not contain (RFC 1951 section 3.2.6).
fn fixed_codes() -> Result<(Code, Code), Error> {
    let length = |symbol: usize| match symbol {
        0..144 | 280.. => 8,
        144..256 => 9,
        256..280 => 7,
    };
    let lengths: Vec<u8> = (0..288).map(length).collect();
    Ok((Code::new(&lengths)?, Code::new(&[5; 32])?))
}

fn read_codes(bits: &mut BitReader<'_>) -> Result<(Code, Code), Error> {
    let literals = bits.take(5)? + 257;
    let distances = bits.take(5)? + 1;
    let stored = bits.take(4)? + 4;
    let mut lengths = [0; CODE_LENGTH_ORDER.len()];
    for &index in CODE_LENGTH_ORDER.iter().take(stored) {
        lengths[index] = bits.take(3)? as u8;
    }
    let code = Code::new(&lengths)?;
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, count) = match code.decode(bits)? {
            16 => {
                let last = lengths.last().copied();
                let last = last.ok_or(Error::Malformed("a repetition of no code length"))?;
                (last, 3 + bits.take(2)?)
            }
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(length, count));
    }
    if lengths.len() > literals + distances || lengths[256] == 0 {
        return Err(Error::Malformed("an impossible prefix code"));
    }
    Ok((
        Code::new(&lengths[..literals])?,
        Code::new(&lengths[literals..])?,
    ))
}
