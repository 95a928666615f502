//! Bytes of a pipe as whole lines.

/// The longest line; a longer one becomes several. CloudWatch, too, takes no longer event.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// The bytes of a line that is not complete.
#[derive(Default)]
pub struct LineSplitter {
    partial: Vec<u8>,
}

impl LineSplitter {
    /// Passes on the lines that are complete, each without its line end.
    pub fn push(&mut self, mut bytes: &[u8], mut pass_on: impl FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.append(&bytes[..end], &mut pass_on);
            pass_on(&self.partial);
            self.clear();
            bytes = &bytes[end + 1..];
        }
        self.append(bytes, &mut pass_on);
    }

    /// Passes on the line that is not complete, if there is one: the event that it belongs to has
    /// ended.
    pub fn flush(&mut self, mut pass_on: impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            pass_on(&self.partial);
            self.clear();
        }
    }

    fn append(&mut self, mut bytes: &[u8], pass_on: &mut impl FnMut(&[u8])) {
        while self.partial.len() + bytes.len() > LINE_BYTES_MAX {
            let (now, later) = bytes.split_at(LINE_BYTES_MAX - self.partial.len());
            self.partial.extend_from_slice(now);
            pass_on(&self.partial);
            self.partial.clear();
            bytes = later;
        }
        self.partial.extend_from_slice(bytes);
    }

    /// One long line does not hold its memory forever.
    fn clear(&mut self) {
        self.partial.clear();
        self.partial.shrink_to(4096);
    }
}
