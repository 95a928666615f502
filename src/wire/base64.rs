//! Base64 as RFC 4648, 4, has it, with padding: bytes in, text out.

use super::part;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes `bytes`, in pieces of four characters.
pub fn encode(bytes: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut at = 0;
    while at < bytes.len() {
        let three = [0, 1, 2].map(|offset| bytes.get(at + offset).copied());
        let [a, b, c] = three.map(|byte| usize::from(byte.unwrap_or_default()));
        let bits = a << 16 | b << 8 | c;
        let text = [18, 12, 6, 0].map(|shift| DIGITS[bits >> shift & 63]);
        let there = 1 + three.iter().flatten().count();
        write(part(&text, 0, there));
        write(part(b"==", 0, 4 - there));
        at += 3;
    }
}
