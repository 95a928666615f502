//! `application/vnd.amazon.eventstream`: the frames in which Lambda streams a response.
//!
//! A frame: its length, the length of its headers, a CRC-32 of both; headers; payload; a CRC-32 of
//! everything before. Integers are big-endian. A header: a byte of length and its name, the type 7
//! (string), two bytes of length and its value. Sources: AWS's "Amazon Event Stream Specification"
//! (Smithy), and "InvokeWithResponseStream" in Lambda's API reference.

/// The content type.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The prelude and the two checksums, in bytes.
const FRAME_BYTES: usize = 16;
const PRELUDE_BYTES: usize = 12;
const TYPE_STRING: u8 = 7;

/// The longest frame that is accepted, in bytes.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Builds a frame with an event of this type: `PayloadChunk` or `InvokeComplete`.
pub fn encode(event_type: &str, payload: &[u8]) -> Vec<u8> {
    let content_type = match event_type {
        "PayloadChunk" => "application/octet-stream",
        _ => "application/json",
    };
    let mut headers = Vec::new();
    for (name, value) in [
        (":message-type", "event"),
        (":event-type", event_type),
        (":content-type", content_type),
    ] {
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.push(TYPE_STRING);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let length = FRAME_BYTES + headers.len() + payload.len();
    let mut frame = Vec::with_capacity(length);
    frame.extend_from_slice(&(length as u32).to_be_bytes());
    frame.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    frame.extend_from_slice(&crc_32(&frame).to_be_bytes());
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&crc_32(&frame).to_be_bytes());
    frame
}

/// A decoded frame.
pub struct Frame<'a> {
    pub event_type: String,
    pub payload: &'a [u8],
    /// The length of the whole frame, in bytes.
    pub length: usize,
}

/// Decodes the first frame; `None` when more bytes are needed.
pub fn decode(bytes: &[u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let Some((prelude, _)) = bytes.split_at_checked(PRELUDE_BYTES) else {
        return Ok(None);
    };
    let [length, header_bytes, crc] = [0, 4, 8].map(|offset| read_u32(&prelude[offset..]));
    if crc as u32 != crc_32(&prelude[..8]) {
        return Err("the checksum of a prelude does not match");
    }
    if length > FRAME_BYTES_MAX || header_bytes + FRAME_BYTES > length {
        return Err("the length of a frame is out of range");
    }
    let Some((frame, _)) = bytes.split_at_checked(length) else {
        return Ok(None);
    };
    let (content, crc) = frame.split_at(length - 4);
    if read_u32(crc) as u32 != crc_32(content) {
        return Err("the checksum of a frame does not match");
    }
    let (headers, payload) = content[PRELUDE_BYTES..].split_at(header_bytes);
    let event_type =
        string_header(headers, ":event-type").ok_or("a frame has no :event-type header")?;
    Ok(Some(Frame {
        event_type,
        payload,
        length,
    }))
}

/// The value of a string header. The search ends at a header of another type, whose length is not
/// known here.
fn string_header(headers: &[u8], wanted: &str) -> Option<String> {
    let mut rest = headers;
    while let Some((&name_bytes, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(name_bytes.into())?;
        let ([TYPE_STRING, high, low], after) = after.split_first_chunk()? else {
            return None;
        };
        let value_bytes = u16::from_be_bytes([*high, *low]);
        let (value, after) = after.split_at_checked(value_bytes.into())?;
        if name == wanted.as_bytes() {
            return String::from_utf8(value.to_vec()).ok();
        }
        rest = after;
    }
    None
}

fn read_u32(bytes: &[u8]) -> usize {
    let four = bytes.first_chunk().copied().unwrap_or_default();
    u32::from_be_bytes(four) as usize
}

/// CRC-32 of IEEE 802.3.
fn crc_32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        crc >> 8 ^ CRC_OF_BYTE[usize::from(crc as u8 ^ byte)]
    })
}

static CRC_OF_BYTE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = crc >> 1 ^ (0xedb8_8320 * (crc & 1));
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};
