//! Base64 (RFC 4648 section 4), the encoding of client contexts.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each digit; packages of 50 MB are decoded too.
const VALUES: [u8; 256] = {
    let mut values = [INVALID; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
};

const INVALID: u8 = 0xff;

/// Encodes with padding.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, index| {
            bits << 8 | u32::from(group.get(index).copied().unwrap_or(0))
        });
        for index in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * index)) as usize & 63];
            text.push(if index <= group.len() {
                digit as char
            } else {
                '='
            });
        }
    }
    text
}

/// Decodes; padding may be absent. `None` for any other error.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text
        .iter()
        .position(|&digit| digit == b'=')
        .unwrap_or(text.len());
    let (digits, padding) = text.split_at(end);
    let padding_is_valid = match padding {
        b"" => true,
        b"=" | b"==" => text.len().is_multiple_of(4),
        _ => false,
    };
    if digits.len() % 4 == 1 || !padding_is_valid {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    for group in digits.chunks(4) {
        let mut bits = 0u32;
        for index in 0..4 {
            let value = match group.get(index) {
                Some(&digit) => VALUES[usize::from(digit)],
                None => 0,
            };
            if value == INVALID {
                return None;
            }
            bits = bits << 6 | u32::from(value);
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}
