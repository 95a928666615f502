//! Percent-encoding of paths and queries (RFC 3986; `+`: WHATWG URL, forms).

/// The first value of a parameter of a query, decoded.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    parameters(query, name).into_iter().next()
}

/// All values of a parameter of a query, decoded.
pub fn parameters(query: &str, name: &str) -> Vec<String> {
    let pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let named = pairs.filter(|(found, _)| decode(found) == name);
    named.map(|(_, value)| decode(value)).collect()
}

/// A part of a path or of a query, decoded; `+` is a blank, which only queries need: no path of
/// Lambda's API has either.
pub fn decode(text: &str) -> String {
    let digit = |at: usize| {
        let byte = *text.as_bytes().get(at)?;
        char::from(byte).to_digit(16)
    };
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(&byte) = text.as_bytes().get(at) {
        at += 1;
        bytes.push(match (byte, digit(at), digit(at + 1)) {
            (b'%', Some(high), Some(low)) => {
                at += 2;
                (high << 4 | low) as u8
            }
            (b'+', _, _) => b' ',
            _ => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{decode, parameter};

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
            ("a+b", "a b"),
        ] {
            assert_eq!(decode(encoded), decoded, "{encoded}");
        }
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
