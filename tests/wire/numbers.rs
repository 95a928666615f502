//! Integers as text.

use tinderbox::wire::number::parse_decimal;

#[test]
fn parse_decimal_other_than_digits_is_none() {
    for (text, number) in [
        ("0", Some(0)),
        ("00012", Some(12)),
        ("18446744073709551615", Some(usize::MAX)),
        ("18446744073709551616", None),
        ("", None),
        ("+1", None),
        ("1 ", None),
        ("1a", None),
        ("/", None),
        (":", None),
    ] {
        assert_eq!(parse_decimal(text.as_bytes()), number, "{text:?}");
    }
}
