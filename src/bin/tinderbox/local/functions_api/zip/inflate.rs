//! Inflate (RFC 1951): decompression of deflate streams, in pieces, up to a limit.

use super::Error;

/// The farthest that a match reaches back.
const WINDOW_BYTES: usize = 32 * 1024;

/// How much output is collected before it is passed on.
const PIECE_BYTES: usize = 128 * 1024;

/// The longest code, and the number of bits that the table decodes at once.
const CODE_BITS_MAX: usize = 15;
const TABLE_BITS: usize = 10;

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

/// Reads bits, the least significant bit of each byte first.
struct BitReader<'a> {
    input: &'a [u8],
    next: usize,
    bits: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    fn new(input: &'a [u8]) -> BitReader<'a> {
        BitReader {
            input,
            next: 0,
            bits: 0,
            count: 0,
        }
    }

    /// Makes at least 32 bits available, or all that are left.
    fn refill(&mut self) {
        while self.count <= 56
            && let Some(&byte) = self.input.get(self.next)
        {
            self.bits |= u64::from(byte) << self.count;
            self.count += 8;
            self.next += 1;
        }
    }

    fn take(&mut self, count: u32) -> Result<usize, Error> {
        if self.count < count {
            self.refill();
        }
        let value = self.bits & ((1 << count) - 1);
        self.skip(count)?;
        Ok(value as usize)
    }

    fn skip(&mut self, count: u32) -> Result<(), Error> {
        if self.count < count {
            return Err(Error::Malformed("a compressed file is cut short"));
        }
        self.bits >>= count;
        self.count -= count;
        Ok(())
    }

    /// The bytes from the next byte boundary on, `length` of them.
    fn take_bytes(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let start = self.next - self.count as usize / 8;
        let bytes = start
            .checked_add(length)
            .and_then(|end| self.input.get(start..end))
            .ok_or(Error::Malformed("a compressed file is cut short"))?;
        (self.bits, self.count, self.next) = (0, 0, start + length);
        Ok(bytes)
    }

    fn unread_bytes(&self) -> usize {
        self.input.len() - self.next + self.count as usize / 8
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

/// A canonical prefix code.
struct Code {
    /// For the next `TABLE_BITS` bits: symbol << 4 | length; 0 for a longer code or none.
    table: Vec<u16>,
    /// How many symbols have a code of each length.
    counts: [u16; CODE_BITS_MAX + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Result<Code, Error> {
        let mut counts = [0u16; CODE_BITS_MAX + 1];
        for &length in lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        let mut left = 1i32; // unused codes of the current length
        let mut next = [0usize; CODE_BITS_MAX + 2]; // where the symbols of each length begin
        let mut first = [0usize; CODE_BITS_MAX + 2]; // the first code of each length
        for length in 1..=CODE_BITS_MAX {
            left = 2 * left - i32::from(counts[length]);
            if left < 0 {
                return Err(Error::Malformed("an impossible prefix code"));
            }
            next[length + 1] = next[length] + usize::from(counts[length]);
            first[length + 1] = (first[length] + usize::from(counts[length])) << 1;
        }
        // One code of one bit is complete enough (RFC 1951 section 3.2.7), and so is none.
        let used: u16 = counts.iter().sum();
        if left > 0 && (used > 1 || counts[1] != used) {
            return Err(Error::Malformed("an incomplete prefix code"));
        }
        let mut symbols = vec![0; usize::from(used)];
        let mut table = vec![0; 1 << TABLE_BITS];
        for (symbol, &length) in lengths
            .iter()
            .enumerate()
            .filter(|(_, length)| **length > 0)
        {
            let length = usize::from(length);
            symbols[next[length]] = symbol as u16;
            next[length] += 1;
            let code = first[length];
            first[length] += 1;
            if length <= TABLE_BITS {
                let reversed = code.reverse_bits() >> (usize::BITS as usize - length);
                let entry = (symbol as u16) << 4 | length as u16;
                table
                    .iter_mut()
                    .skip(reversed)
                    .step_by(1 << length)
                    .for_each(|slot| *slot = entry);
            }
        }
        Ok(Code {
            table,
            counts,
            symbols,
        })
    }

    fn decode(&self, bits: &mut BitReader<'_>) -> Result<usize, Error> {
        if bits.count < CODE_BITS_MAX as u32 {
            bits.refill();
        }
        let entry = self.table[bits.bits as usize & ((1 << TABLE_BITS) - 1)];
        if entry != 0 {
            bits.skip(u32::from(entry & 15))?;
            return Ok(usize::from(entry >> 4));
        }
        let (mut code, mut first, mut index) = (0usize, 0, 0);
        for length in 1..=CODE_BITS_MAX {
            code |= (bits.bits >> (length - 1)) as usize & 1;
            let count = usize::from(self.counts[length]);
            if code < first + count {
                bits.skip(length as u32)?;
                return Ok(usize::from(self.symbols[index + code - first]));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Error::Malformed("an unknown code in a compressed file"))
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
