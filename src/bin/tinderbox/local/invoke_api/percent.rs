//! Percent-encoding (RFC 3986 section 2.1), in paths and in queries.

/// Decodes a part of a path. A `%` without two digits stands for itself, and what is not UTF-8
/// becomes U+FFFD.
pub fn decode_path(text: &str) -> String {
    decode(text, false)
}

/// Decodes a name or a value of a query, where `+` is a space (WHATWG URL, section 5.1).
pub fn decode_query(text: &str) -> String {
    decode(text, true)
}

/// The first value of a parameter of a query, decoded.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(found, _)| decode_query(found) == name)?;
    Some(decode_query(value))
}

fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        decoded.push(match (byte, digit(at), digit(at + 1)) {
            (b'%', Some(high), Some(low)) => {
                at += 2;
                (high << 4 | low) as u8
            }
            (b'+', _, _) if plus_is_space => b' ',
            _ => byte,
        });
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{decode_path, decode_query, parameter};

    #[test]
    fn encoded_text_is_decoded_and_malformed_is_unchanged() {
        for (encoded, decoded) in [
            ("", ""),
            ("a%3Ab%3a", "a:b:"),
            ("%24LATEST", "$LATEST"),
            ("%E2%98%95", "☕"),
            ("%", "%"),
            ("%2", "%2"),
            ("%zz%2", "%zz%2"),
            ("%25%33%41", "%3A"),
            ("%ff", "\u{fffd}"),
            ("☕%3", "☕%3"),
        ] {
            assert_eq!(decode_path(encoded), decoded, "{encoded}");
            assert_eq!(decode_query(encoded), decoded, "{encoded}");
        }
        assert_eq!(
            (decode_path("a+b"), decode_query("a+b")),
            ("a+b".into(), "a b".into())
        );
    }

    #[test]
    fn parameter_of_a_query_is_found_by_its_decoded_name() {
        let query = "a&Qualifier=%24LATEST&%42=1&Qualifier=2&c=x=y";
        for (name, value) in [
            ("a", Some("")),
            ("Qualifier", Some("$LATEST")),
            ("B", Some("1")),
            ("c", Some("x=y")),
            ("qualifier", None),
        ] {
            assert_eq!(parameter(query, name).as_deref(), value, "{name}");
        }
        assert_eq!(parameter("", "a"), None);
    }
}
