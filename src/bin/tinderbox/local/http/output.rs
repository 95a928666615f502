//! Bytes on their way to a socket that may not accept them at once.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};

use super::{Payload, spare};

/// The largest memory of a piece that is used again.
const SPARE_BYTES_MAX: usize = 16 * 1024;

/// The most pieces of one write.
const SLICES_MAX: usize = 8;

/// A queue of pieces.
#[derive(Default)]
pub struct Output {
    pieces: VecDeque<Payload>,
    /// How much of the first piece was sent.
    sent: usize,
    /// How many bytes are left.
    left: usize,
    /// The memory of a piece that was sent.
    spare: Vec<u8>,
}

/// The peer accepts no bytes any more.
pub struct Broken;

impl Output {
    /// Adds a piece.
    pub fn push(&mut self, piece: impl Into<Payload>) {
        let piece = piece.into();
        if !piece.is_empty() {
            self.left += piece.len();
            self.pieces.push_back(piece);
        }
    }

    /// An empty vector for a short piece.
    pub fn take_spare(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    /// How many bytes wait.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Sends what the socket accepts; the number of bytes.
    pub fn flush(&mut self, socket: &mut impl Write) -> Result<usize, Broken> {
        let mut total = 0;
        while self.left > 0 {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let mut count = 0;
            for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                let start = if count == 0 { self.sent } else { 0 };
                *slice = IoSlice::new(&piece[start..]);
                count += 1;
            }
            match socket.write_vectored(&slices[..count]) {
                Ok(0) => return Err(Broken),
                Ok(written) => {
                    total += written;
                    self.advance(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Err(Broken),
            }
        }
        Ok(total)
    }

    fn advance(&mut self, written: usize) {
        self.left -= written;
        self.sent += written;
        while let Some(first) = self.pieces.front()
            && self.sent >= first.len()
        {
            self.sent -= first.len();
            let Some(Payload::Owned(mut sent)) = self.pieces.pop_front() else {
                continue;
            };
            if (self.spare.capacity()..=SPARE_BYTES_MAX).contains(&sent.capacity()) {
                sent.clear();
                self.spare = sent;
            } else {
                spare::keep(sent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::Output;

    /// Accepts a few bytes of each write.
    struct Narrow {
        accepted: Vec<u8>,
        width: usize,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.width == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(self.width);
            self.accepted.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn pieces_any_width_of_writes_keep_their_order() {
        for width in 1..12 {
            let mut output = Output::default();
            let text: Vec<String> = (0..30)
                .map(|n| "x".repeat(n % 4) + &n.to_string())
                .collect();
            for piece in &text {
                output.push(piece.as_str());
                output.push("");
            }
            let whole = text.concat();
            assert_eq!(output.left(), whole.len());
            let mut socket = Narrow {
                accepted: Vec::new(),
                width,
            };
            assert_eq!(output.flush(&mut socket).ok(), Some(whole.len()));
            assert_eq!(socket.accepted, whole.as_bytes());
            assert_eq!(output.left(), 0);
            socket.width = 0;
            output.push("later");
            assert_eq!(output.flush(&mut socket).ok(), Some(0));
            assert_eq!(output.left(), 5);
        }
    }
}
