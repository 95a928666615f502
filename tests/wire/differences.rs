//! Where our readers differ from RFC 9112 and RFC 9110, and why: these ways and no others.

use crate::naive::{Rule, Rules};

/// One difference, with a text that shows it.
pub struct Difference {
    pub rule: Rule,
    /// The section, its rule, and why ours differs.
    pub reason: &'static str,
    pub text: &'static str,
    /// The result by the RFCs, written as in the corpus.
    pub rfc: &'static str,
    /// The result of ours, and by the RFCs with this rule instead of theirs.
    pub ours: &'static str,
}

/// Those of heads.
pub const HEAD_DIFFERENCES: &[Difference] = &[
    Difference {
        rule: Rule::CrIsAByte,
        reason: "9112, 2.2: invalid, or a space. Callers choose some values, and no caller may end \
                 an environment; where a CR could frame a message, the line is malformed anyway.",
        text: "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
        rfc: "HeaderLine",
        ours: "200 0",
    },
    Difference {
        rule: Rule::NulStays,
        reason: "9110, 5.5: rejected, or a space. As for CR.",
        text: "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        rfc: "HeaderLine",
        ours: "200 0",
    },
    Difference {
        rule: Rule::NoSpaceBehindStatus,
        reason: "9112, 4: the space stands there also without a reason. Many servers leave it out.",
        text: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        rfc: "StatusLine",
        ours: "200 0",
    },
    Difference {
        rule: Rule::StatusBelow100,
        reason: "9110, 15: to be taken for a 5xx. No server sends one: what does is not HTTP.",
        text: "HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n",
        rfc: "99 0",
        ours: "StatusLine",
    },
    Difference {
        rule: Rule::AnyName,
        reason: "9112, 5.1: a name is a token. A name that ours does not know is of no matter.",
        text: "HTTP/1.1 200 OK\r\nX(\u{e9}): a\r\nContent-Length: 0\r\n\r\n",
        rfc: "HeaderLine",
        ours: "200 0",
    },
    Difference {
        rule: Rule::FoldedLine,
        reason: "9112, 5.2: replaced by a space. It could belong to a header that frames the body, \
                 and AWS's servers send none.",
        text: "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        rfc: "200 0",
        ours: "HeaderLine",
    },
    Difference {
        rule: Rule::BlanksSeparateOptions,
        reason: "9110, 7.6.1: commas do. To close too often is safe.",
        text: "HTTP/1.1 200 OK\r\nConnection: x close\r\nContent-Length: 0\r\n\r\n",
        rfc: "200 0",
        ours: "200 0 close",
    },
    Difference {
        rule: Rule::Http10Closes,
        reason: "9112, 9.3: it may stay open with `keep-alive`. To close is allowed, and safe.",
        text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        rfc: "200 0",
        ours: "200 0 close",
    },
    Difference {
        rule: Rule::ChunkedInHttp10,
        reason: "9112, 6.1: faulty framing. Such a connection closes behind the message anyway.",
        text: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        rfc: "TransferEncoding",
        ours: "200 chunked close",
    },
    Difference {
        rule: Rule::ChunkedAlone,
        reason: "9112, 6.1: other codings may stand before it, or instead of it. The runtime asks \
                 for none, and could not undo them.",
        text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        rfc: "200 chunked",
        ours: "TransferEncoding",
    },
    Difference {
        rule: Rule::LengthAlone,
        reason: "9110, 8.6: a list of the same number on one line may be refused.",
        text: "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        rfc: "200 5",
        ours: "ContentLength",
    },
];

/// Those of chunks.
pub const CHUNK_DIFFERENCES: &[Difference] = &[
    Difference {
        rule: Rule::LfEndsChunkLines,
        reason: "9112, 2.2: LF alone may end the start line and header lines, no others. One \
                 rule for all lines; no intermediary could read it otherwise.",
        text: "5\nhello\n0\r\n\r\n",
        rfc: "ChunkSize",
        ours: "hello=13",
    },
    Difference {
        rule: Rule::BlanksBehindSize,
        reason: "9112, 7.1.1: blanks stand before a semicolon only. Some servers pad sizes.",
        text: "5 \r\nhello\r\n0\r\n\r\n",
        rfc: "ChunkSize",
        ours: "hello=16",
    },
    Difference {
        rule: Rule::AnyExtension,
        reason: "9112, 7.1.1: names and values have a grammar. They are read over: any will do.",
        text: "5;a:b\r\nhello\r\n0\r\n\r\n",
        rfc: "ChunkSize",
        ours: "hello=19",
    },
    Difference {
        rule: Rule::AnyTrailer,
        reason: "9112, 7.1.2: names are tokens, values have no NUL. They are read over, too.",
        text: "0\r\n(\u{e9}): \0\r\n\r\n",
        rfc: "Trailer",
        ours: "=14",
    },
    Difference {
        rule: Rule::FoldedTrailer,
        reason: "9112, 5.2: replaced by a space. As in a head.",
        text: "0\r\nX: y\r\n z\r\n\r\n",
        rfc: "=15",
        ours: "Trailer",
    },
];

/// All of them.
pub fn all() -> Rules {
    let both = HEAD_DIFFERENCES.iter().chain(CHUNK_DIFFERENCES);
    both.map(|difference| difference.rule).collect()
}
