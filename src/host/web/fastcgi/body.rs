//! The body of a request, as records of standard input.

use crate::buffer::FixedBytes;
use crate::http_event::Body;
use crate::wire::fastcgi::{CONTENT_BYTES_MAX, RecordType, record_header};
use crate::wire::slice_or_empty;

/// A body whose length is known, divided into records.
pub struct StdinRecords<'a, const N: usize> {
    region: &'a mut FixedBytes<N>,
    /// The bytes of the body that are still to come, and those of the current record.
    left: usize,
    left_of_record: usize,
    is_valid: bool,
}

impl<'a, const N: usize> StdinRecords<'a, N> {
    /// A body of `bytes`, in a region whose content is discarded.
    pub fn new(region: &'a mut FixedBytes<N>, bytes: usize) -> StdinRecords<'a, N> {
        region.set(b"");
        StdinRecords {
            region,
            left: bytes,
            left_of_record: 0,
            is_valid: true,
        }
    }

    /// Appends a piece of the body.
    pub fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while !rest.is_empty() {
            if self.left_of_record == 0 {
                self.left_of_record = self.left.min(CONTENT_BYTES_MAX);
                let header = record_header(RecordType::Stdin, self.left_of_record);
                self.region.push(&header);
            }
            let bytes = rest.len().min(self.left_of_record);
            if bytes == 0 {
                self.is_valid = false; // longer than its length
                return;
            }
            self.is_valid &= self.region.try_push(slice_or_empty(rest, 0, bytes));
            self.left -= bytes;
            self.left_of_record -= bytes;
            rest = slice_or_empty(rest, bytes, rest.len());
        }
    }

    /// Ends the body. False: it is not of the length that was given, or does not fit.
    pub fn finish(mut self) -> bool {
        let end = record_header(RecordType::Stdin, 0);
        self.is_valid &= self.left == 0 && self.region.try_push(&end);
        self.is_valid
    }
}

/// Writes the records of a body of an event. False: its base64 is invalid.
pub fn write_body<const N: usize>(region: &mut FixedBytes<N>, body: Body<'_>) -> bool {
    let mut records = StdinRecords::new(region, body.len_bytes());
    let written = body.write(&mut |piece| records.push(piece));
    written.is_ok() && records.finish()
}
