//! Numbers as text: hexadecimal and decimal digits, chunk sizes, thousands separators.

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Two lowercase hexadecimal digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|&byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(HEX_DIGITS[usize::from(digit)]))
        .collect()
}

/// Overwrites `digits` with the number in hexadecimal, padded with zeros on the left.
pub fn write_hex(digits: &mut [u8], number: u64) {
    write_digits(digits, number, 16);
}

/// Overwrites `digits` with the number in decimal, padded with zeros on the left.
pub fn write_decimal(digits: &mut [u8], number: u64) {
    write_digits(digits, number, 10);
}

fn write_digits(digits: &mut [u8], mut number: u64, base: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = HEX_DIGITS[(number % base) as usize];
        number /= base;
    }
}

/// The size in a chunk's header line (RFC 9112 section 7.1); extensions after `;` are ignored.
pub fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii_end();
    // from_str_radix alone would accept a sign.
    if digits.is_empty() || digits.len() > 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// `12,345`, and `3.5` for a number below 1,000 that is no integer.
pub fn grouped(number: f64) -> String {
    if number < 1000.0 && number.fract() != 0.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{chunk_size, grouped, hex, write_decimal, write_hex};

    #[test]
    fn hex_bytes_are_two_digits_each() {
        assert_eq!(hex(&[0x00, 0x0f, 0xa0, 0xff]), "000fa0ff");
        for byte in 0..=255u8 {
            assert_eq!(hex(&[byte]), format!("{byte:02x}"));
        }
    }

    #[test]
    fn number_in_place_is_padded_with_zeros() {
        let mut digits = *b"????????????";
        for number in [0, 9, 10, 255, 0xabc_def, 999_999_999_999] {
            write_hex(&mut digits, number);
            assert_eq!(digits.to_vec(), format!("{number:012x}").into_bytes());
            write_decimal(&mut digits, number);
            assert_eq!(digits.to_vec(), format!("{number:012}").into_bytes());
        }
    }

    #[test]
    fn chunk_size_malformed_is_refused() {
        for (line, size) in [
            ("0", Some(0)),
            ("fF", Some(255)),
            ("10 ;name=value", Some(16)),
            ("ffffffffffffffff", Some(u64::MAX)),
            ("10000000000000000", None),
            ("", None),
            (";", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("1 2", None),
            ("x", None),
        ] {
            assert_eq!(chunk_size(line.as_bytes()), size, "{line:?}");
        }
    }

    #[test]
    fn grouped_number_has_a_comma_each_three_digits() {
        for (number, text) in [
            (0.0, "0"),
            (3.5, "3.5"),
            (999.0, "999"),
            (1000.4, "1,000"),
            (12_345.0, "12,345"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
