//! Integers as text: the one place for decimal and hexadecimal digits.

use super::slice_or_empty;

/// Parses a number of decimal digits alone; `None` when it is empty, something else or too large.
#[inline(never)]
pub fn parse_decimal(text: &[u8]) -> Option<usize> {
    let mut number: usize = 0;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(digit.into())?;
    }
    (!text.is_empty()).then_some(number)
}

/// The value of a hexadecimal digit in either case; 16 for any other byte.
#[inline]
pub fn hex_value(byte: u8) -> u8 {
    // To a digit of base 16 of the standard library, whose result is one of 32 bits.
    char::from(byte).to_digit(16).unwrap_or(16) as u8
}

/// The digit of a value below 16, in lower case: a decimal one below 10.
#[inline]
pub const fn hex_digit(value: u8) -> u8 {
    digit(value, b'a')
}

/// The same in upper case, as percent-encoding has it (RFC 3986, 2.1).
#[inline]
pub const fn hex_digit_upper(value: u8) -> u8 {
    digit(value, b'A')
}

#[inline(always)]
const fn digit(value: u8, ten: u8) -> u8 {
    value + if value < 10 { b'0' } else { ten - 10 }
}

/// `\u00XX`, the escape of a byte in a JSON string (RFC 8259, 7).
#[inline]
pub const fn escape_byte(byte: u8) -> [u8; 6] {
    let [high, low] = [byte >> 4, byte & 15];
    [b'\\', b'u', b'0', b'0', hex_digit(high), hex_digit(low)]
}

/// Writes a number into a field of a fixed width, from the right: its last digits, with zeros
/// before them where it is shorter than the field.
#[inline]
pub fn write_padded(field: &mut [u8], number: u64) {
    let mut rest = number;
    for byte in field.iter_mut().rev() {
        *byte = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Decimal digits of a `usize`, at most.
const DECIMAL_BYTES_MAX: usize = 20;

/// A number in decimal digits, without zeros before it.
pub struct Decimal {
    digits: [u8; DECIMAL_BYTES_MAX],
    first: usize,
}

impl Decimal {
    /// Writes the digits of `number`.
    pub fn new(number: usize) -> Decimal {
        let mut decimal = Decimal {
            digits: [0; _],
            first: DECIMAL_BYTES_MAX,
        };
        let mut rest = number;
        for digit in decimal.digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            decimal.first -= 1;
            if rest == 0 {
                break;
            }
        }
        decimal
    }

    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        slice_or_empty(&self.digits, self.first, DECIMAL_BYTES_MAX)
    }
}
