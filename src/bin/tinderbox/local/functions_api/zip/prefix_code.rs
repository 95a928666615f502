//! Bits and prefix codes of deflate streams (RFC 1951 sections 3.1.1 and 3.2.2).

use super::Error;

/// The longest code, and the number of bits that the table decodes at once.
const CODE_BITS_MAX: usize = 15;
const TABLE_BITS: usize = 10;

/// Reads bits, the least significant bit of each byte first.
pub struct BitReader<'a> {
    input: &'a [u8],
    next: usize,
    bits: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    /// A reader at the first bit.
    pub fn new(input: &'a [u8]) -> BitReader<'a> {
        BitReader {
            input,
            next: 0,
            bits: 0,
            count: 0,
        }
    }

    /// Makes at least 56 bits available, or all that are left.
    fn refill(&mut self) {
        while self.count <= 56
            && let Some(&byte) = self.input.get(self.next)
        {
            self.bits |= u64::from(byte) << self.count;
            self.count += 8;
            self.next += 1;
        }
    }

    /// The next bits as a number; at most 32.
    pub fn take(&mut self, count: u32) -> Result<usize, Error> {
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
    pub fn take_bytes(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let start = self.next - self.count as usize / 8;
        let bytes = start
            .checked_add(length)
            .and_then(|end| self.input.get(start..end))
            .ok_or(Error::Malformed("a compressed file is cut short"))?;
        (self.bits, self.count, self.next) = (0, 0, start + length);
        Ok(bytes)
    }

    /// How many whole bytes are left.
    pub fn unread_bytes(&self) -> usize {
        self.input.len() - self.next + self.count as usize / 8
    }
}

/// A canonical prefix code.
pub struct Code {
    /// For the next `TABLE_BITS` bits: symbol << 4 | length; 0 for a longer code or none.
    table: Vec<u16>,
    /// How many symbols have a code of each length.
    counts: [u16; CODE_BITS_MAX + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    /// The code whose symbols have these lengths; 0 is none.
    pub fn new(lengths: &[u8]) -> Result<Code, Error> {
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

    /// The next symbol.
    pub fn decode(&self, bits: &mut BitReader<'_>) -> Result<usize, Error> {
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
