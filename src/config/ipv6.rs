//! IPv6 addresses as text (RFC 4291, 2.2), without the form that ends in an IPv4 address.

use crate::sys::copy_prefix;
use crate::wire::number::hex_value;

/// Parses `[ADDRESS]:` at the start of a text into `address`, 16 bytes that are zeros. Returns the
/// length of it; `None`: it is malformed.
pub fn parse(text: &[u8], address: &mut [u8]) -> Option<usize> {
    let mut rest = text.strip_prefix(b"[")?;
    // The number of bytes, and of those before the two colons that stand for zeros.
    let (mut bytes, mut gap) = (0, None);
    if let Some(behind) = rest.strip_prefix(b"::") {
        (gap, rest) = (Some(0), behind);
    }
    while !rest.starts_with(b"]") {
        let (group, behind) = group(rest)?;
        copy_prefix(address.get_mut(bytes..bytes + 2)?, &group);
        bytes += 2;
        rest = match behind {
            [b':', b':', behind @ ..] if gap.is_none() => {
                gap = Some(bytes);
                behind
            }
            [b':', behind @ ..] if !behind.starts_with(b"]") => behind,
            [b']', ..] => behind,
            _ => return None,
        };
    }
    // The bytes behind the gap move to the end.
    let end = gap.map_or(bytes, |_| 16);
    for index in 1..=bytes - gap.unwrap_or(bytes) {
        let byte = core::mem::take(address.get_mut(bytes - index)?);
        *address.get_mut(end - index)? = byte;
    }
    let is_whole = (end == 16) && (gap.is_none() || bytes < 16);
    let rest = rest.strip_prefix(b"]:").filter(|_| is_whole)?;
    Some(text.len() - rest.len())
}

/// The number at the start of a text, of at most four hexadecimal digits, and what follows it.
fn group(text: &[u8]) -> Option<([u8; 2], &[u8])> {
    let (mut number, mut rest) = (0, text);
    while let [digit, behind @ ..] = rest
        && hex_value(*digit) < 16
    {
        number = number << 4 | u16::from(hex_value(*digit));
        rest = behind;
    }
    let fits = (1..=4).contains(&(text.len() - rest.len()));
    fits.then_some((number.to_be_bytes(), rest))
}
