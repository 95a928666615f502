//! Base64, written and read.

use tinderbox::wire::base64::{self, Decoder, Encoder, Error};

use crate::{count, for_each_seed};

/// The result of the decoder for a text in these pieces.
fn decode(pieces: &[&[u8]]) -> Result<Vec<u8>, Error> {
    let (mut decoder, mut bytes) = (Decoder::default(), Vec::new());
    for piece in pieces {
        decoder.decode(piece, &mut |piece| bytes.extend_from_slice(piece))?;
    }
    decoder.finish(&mut |piece| bytes.extend_from_slice(piece))?;
    Ok(bytes)
}

/// The result of the encoder for bytes in these pieces.
fn encode(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut encoder, mut text) = (Encoder::default(), Vec::new());
    for piece in pieces {
        encoder.encode(piece, &mut |piece| text.extend_from_slice(piece));
    }
    encoder.finish(&mut |piece| text.extend_from_slice(piece));
    text
}

/// Digits and their places, and all that is left of them: a decoder by another technique.
fn naive(text: &[u8]) -> Option<Vec<u8>> {
    let alphabet: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .collect();
    let alphabet = [&alphabet[..], b"+/"].concat();
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .take_while(|byte| *byte != b'=')
        .collect();
    let padding = &text[digits.len()..];
    let missing = (4 - digits.len() % 4) % 4;
    let right = padding.iter().all(|byte| *byte == b'=')
        && (padding.is_empty() || padding.len() == missing)
        && missing < 3;
    let mut bits = Vec::new();
    for digit in digits {
        let value = alphabet.iter().position(|byte| *byte == digit)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1 == 1));
    }
    let whole = bits.len() / 8 * 8;
    let right = right && bits[whole..].iter().all(|bit| !bit);
    let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    right.then(|| bits[..whole].chunks(8).map(byte).collect())
}

#[test]
fn base64_encode_test_vectors_of_rfc_4648() {
    let encoded = |bytes: &[u8]| {
        let mut text = Vec::new();
        base64::encode(bytes, &mut |piece| text.extend_from_slice(piece));
        String::from_utf8(text).expect("ASCII")
    };
    let vectors = [
        "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
    ];
    for (length, text) in vectors.into_iter().enumerate() {
        assert_eq!(encoded(&b"foobar"[..length]), text);
    }
    assert_eq!(encoded(b"\xfb\xff\xbf"), "+/+/");
    // Every pair of bytes: the digits' values put together are the bytes again.
    let alphabet: String = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    for pair in (0..=u16::MAX).step_by(if cfg!(miri) { 4093 } else { 7 }) {
        let text = encoded(&pair.to_be_bytes());
        let digits = text.strip_suffix('=').expect("one character of padding");
        let value = digits.chars().fold(0, |sum, digit| {
            sum << 6 | (alphabet.clone() + "+/").find(digit).expect("a digit")
        });
        assert_eq!(value, usize::from(pair) << 2, "{text}");
    }
}

#[test]
fn base64_decode_takes_padding_or_none() {
    for (text, bytes) in [
        ("", ""),
        ("Zg==", "f"),
        ("Zg", "f"),
        ("Zm8=", "fo"),
        ("Zm8", "fo"),
        ("Zm9v", "foo"),
        ("Zm9vYmFy", "foobar"),
    ] {
        assert_eq!(decode(&[text.as_bytes()]), Ok(bytes.into()), "{text:?}");
    }
}

#[test]
fn base64_decode_of_invalid_characters_is_an_error() {
    for (text, error) in [
        ("Z", Error::InvalidLength),
        ("Zm9vZ", Error::InvalidLength),
        ("Zg=", Error::InvalidLength),
        ("=", Error::InvalidByte),
        ("Z=", Error::InvalidByte),
        ("Z===", Error::InvalidByte),
        ("Zg===", Error::InvalidByte),
        ("Zm8==", Error::InvalidByte),
        ("Zm9v=", Error::InvalidByte),
        ("Zg==Zg==", Error::InvalidByte),
        ("Zg=a", Error::InvalidByte),
        ("Zm9v\n", Error::InvalidByte),
        ("Zm 9v", Error::InvalidByte),
        ("Zm9-", Error::InvalidByte),
        ("Zm9_", Error::InvalidByte),
        ("Zm9\u{e9}", Error::InvalidByte),
        ("Zh==", Error::TrailingBits),
        ("Zm9", Error::TrailingBits),
    ] {
        assert_eq!(decode(&[text.as_bytes()]), Err(error), "{text:?}");
        assert_eq!(naive(text.as_bytes()), None, "{text:?}");
        assert!(!error.text().is_empty());
    }
}

#[test]
fn base64_in_any_pieces_comes_back() {
    for_each_seed("base64_in_any_pieces_comes_back", count(20_000), |random| {
        let limit = if random.below(50) == 0 { 2_000 } else { 24 };
        let length = random.below(limit);
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        let cut = random.below(length + 1);
        let text = encode(&[&bytes[..cut], &bytes[cut..]]);
        let mut whole = Vec::new();
        base64::encode(&bytes, &mut |piece| whole.extend_from_slice(piece));
        assert_eq!(text, whole);
        let cut = random.below(text.len() + 1);
        assert_eq!(decode(&[&text[..cut], &text[cut..]]).as_ref(), Ok(&bytes));
        assert_eq!(naive(&text), Some(bytes));
    });
}

#[test]
fn base64_mutations_agree_with_naive_decoder() {
    let pieces: &[&[u8]] = &[
        b"=", b"==", b"A", b"Zg", b"+/", b"-", b"\n", b"\xff", b"Zm9v",
    ];
    let rounds = count(200_000);
    let mut valid = 0;
    let test = "base64_mutations_agree_with_naive_decoder";
    let all = for_each_seed(test, rounds, |random| {
        let length = random.below(13);
        let text = random.mutate(&b"Zm9vYmFyZg=="[..length], pieces);
        let cut = random.below(text.len() + 1);
        let real = decode(&[&text[..cut], &text[cut..]]);
        assert_eq!(real.clone().ok(), naive(&text), "{real:?} of {text:?}");
        valid += usize::from(real.is_ok());
    });
    assert!(
        !all || cfg!(miri) || valid * 20 >= rounds,
        "{valid} of {rounds} valid"
    );
}
