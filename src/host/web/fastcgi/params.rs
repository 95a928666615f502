//! The parameters of a request, as records of name-value pairs, each within one record.

use crate::buffer::FixedBytes;
use crate::limits::REQUEST_HEAD_BYTES_MAX;
use crate::wire::fastcgi::{
    BEGIN_REQUEST, CONTENT_BYTES_MAX, HEADER_BYTES, PAIR_LENGTHS_BYTES, RecordType, pair_lengths,
    record_header,
};
use crate::wire::{bytes_eq, find_from, slice_or_empty};

/// The front of a request: the record that begins it, then its parameters.
pub struct Params<'a> {
    region: &'a mut FixedBytes<REQUEST_HEAD_BYTES_MAX>,
    /// Where the header of the current record is.
    record: usize,
    /// Where the current pair is, and its value.
    pair: usize,
    value: usize,
    is_full: bool,
}

/// The prefix of parameters that are headers of the request.
const HTTP: &[u8] = b"HTTP_";

/// How many bytes of a name are changed at a time.
const NAME_BLOCK_BYTES: usize = 32;

impl<'a> Params<'a> {
    /// No parameters, in a region whose content is discarded.
    pub fn new(region: &'a mut FixedBytes<REQUEST_HEAD_BYTES_MAX>) -> Params<'a> {
        region.set(BEGIN_REQUEST);
        region.push(&[0; HEADER_BYTES]);
        Params {
            record: BEGIN_REQUEST.len(),
            pair: BEGIN_REQUEST.len() + HEADER_BYTES,
            value: 0,
            region,
            is_full: false,
        }
    }

    /// A parameter whose value is a text.
    pub fn text(&mut self, name: &[u8], value: &[u8]) {
        self.begin(name);
        self.push(value);
        self.end();
    }

    /// Begins a parameter; its value is pushed then.
    pub fn begin(&mut self, name: &[u8]) {
        self.pair = self.length();
        self.push(&[0; PAIR_LENGTHS_BYTES]);
        self.push(name);
        self.value = self.length();
    }

    /// Begins the parameter of a header, or continues that of the same header before it. False:
    /// there is none for a name with an underscore, which would pass for another one with a hyphen.
    pub fn begin_header(
        &mut self,
        write_name: impl FnOnce(&mut dyn FnMut(&[u8])),
        separator: &[u8],
    ) -> bool {
        let (pair, value, end) = (self.pair, self.value, self.length());
        self.begin(HTTP);
        let mut has_underscore = false;
        write_name(&mut |piece| {
            for part in piece.chunks(NAME_BLOCK_BYTES) {
                let mut block = [0; NAME_BLOCK_BYTES];
                for (place, byte) in block.iter_mut().zip(part) {
                    has_underscore |= *byte == b'_';
                    *place = match *byte {
                        b'-' => b'_',
                        byte => byte.to_ascii_uppercase(),
                    };
                }
                self.push(slice_or_empty(&block, 0, part.len()));
            }
        });
        if has_underscore {
            self.region.truncate(end);
            (self.pair, self.value) = (pair, value);
            return false;
        }
        self.value = self.length();
        let bytes = self.region.as_bytes();
        let former = slice_or_empty(bytes, pair + PAIR_LENGTHS_BYTES, value);
        let name = slice_or_empty(bytes, self.pair + PAIR_LENGTHS_BYTES, self.value);
        if bytes_eq(former, name) {
            self.region.truncate(end);
            (self.pair, self.value) = (pair, value);
            self.push(separator);
        }
        true
    }

    /// Appends to the value.
    pub fn push(&mut self, piece: &[u8]) {
        self.is_full |= !self.region.try_push(piece);
    }

    /// The value so far.
    pub fn value(&self) -> &[u8] {
        slice_or_empty(self.region.as_bytes(), self.value, self.length())
    }

    /// Cuts the value off at its first `byte` from `from` on.
    pub fn truncate_value(&mut self, from: usize, byte: u8) {
        let end = find_from(self.value(), from, byte);
        self.region.truncate(self.value + end);
    }

    /// Discards the parameter.
    pub fn discard(&mut self) {
        self.region.truncate(self.pair);
    }

    /// Ends the parameter.
    pub fn end(&mut self) {
        if self.is_full {
            return;
        }
        let name_bytes = self.value - self.pair - PAIR_LENGTHS_BYTES;
        let lengths = pair_lengths(name_bytes, self.length() - self.value);
        self.region.overwrite(self.pair, &lengths);
        if self.content_bytes() > CONTENT_BYTES_MAX {
            // The pair moves into a record of its own.
            let end = self.pair;
            self.is_full |= !self.region.try_insert(end, &[0; HEADER_BYTES]);
            self.end_record(end);
            self.record = end;
            self.pair += HEADER_BYTES;
            self.value += HEADER_BYTES;
            self.is_full |= self.content_bytes() > CONTENT_BYTES_MAX;
        }
    }

    /// Ends the parameters. False: they do not fit.
    pub fn finish(mut self) -> bool {
        self.end_record(self.length());
        self.push(&record_header(RecordType::Params, 0));
        !self.is_full
    }

    fn end_record(&mut self, end: usize) {
        let header = record_header(RecordType::Params, end - self.record - HEADER_BYTES);
        self.region.overwrite(self.record, &header);
    }

    fn content_bytes(&self) -> usize {
        self.length() - self.record - HEADER_BYTES
    }

    fn length(&self) -> usize {
        self.region.as_bytes().len()
    }
}
