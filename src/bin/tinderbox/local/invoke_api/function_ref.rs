//! How callers name a function: by name, by a part of its ARN or by all of it, with a qualifier in
//! the name or in the query.
//!
//! Sources: API reference, "Invoke"; the patterns are those of AWS's model of the API.

use super::ApiError;
use crate::local::url;

/// A function as a caller names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRef {
    pub name: String,
    /// A version, an alias or `$LATEST`.
    pub qualifier: Option<String>,
    /// Those of an ARN.
    pub region: Option<String>,
    pub account: Option<String>,
}

/// The longest name, ARN or qualifier.
const NAME_BYTES_MAX: usize = 170;
const QUALIFIER_BYTES_MAX: usize = 128;

const NAME_PATTERN: &str = concat!(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?",
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
);
const QUALIFIER_PATTERN: &str = r"(|[a-zA-Z0-9$_-]+)";

impl FunctionRef {
    /// The function of this name, without a qualifier.
    pub fn of_name(name: &str) -> FunctionRef {
        FunctionRef {
            name: name.to_string(),
            qualifier: None,
            region: None,
            account: None,
        }
    }

    /// A function as a part of a path and a query name it; both as sent.
    pub fn parse(encoded: &str, query: &str) -> Result<FunctionRef, ApiError> {
        let text = url::decode(encoded);
        if text.len() > NAME_BYTES_MAX {
            let constraint =
                format!("Member must have length less than or equal to {NAME_BYTES_MAX}");
            return Err(ApiError::validation(&text, "functionName", &constraint));
        }
        let mut found = FunctionRef::of_text(&text).ok_or_else(|| {
            let constraint =
                format!("Member must satisfy regular expression pattern: {NAME_PATTERN}");
            ApiError::validation(&text, "functionName", &constraint)
        })?;
        let Some(qualifier) = url::parameter(query, "Qualifier") else {
            return Ok(found);
        };
        check_qualifier(&qualifier)?;
        if found
            .qualifier
            .as_ref()
            .is_some_and(|own| *own != qualifier)
        {
            return Err(ApiError::invalid_parameter(
                "The derived qualifier from the function name does not match the specified \
                 qualifier."
                    .to_string(),
            ));
        }
        found.qualifier = Some(qualifier).filter(|qualifier| !qualifier.is_empty());
        Ok(found)
    }

    /// Two parts are a name and a qualifier, although the pattern would also take the first one for
    /// the word `function`.
    fn of_text(text: &str) -> Option<FunctionRef> {
        let mut parts: Vec<&str> = text.split(':').collect();
        let (mut region, mut account) = (None, None);
        if let ["arn", partition, "lambda", ..] = parts.as_slice() {
            let is_partition = partition
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
            if !is_partition || !(partition.is_empty() || partition.starts_with("aws")) {
                return None;
            }
            parts.drain(..3);
        }
        if parts.len() > 1 && is_region(parts[0]) {
            region = Some(parts.remove(0).to_string());
        }
        if parts.len() > 1 && parts[0].len() == 12 && parts[0].bytes().all(|b| b.is_ascii_digit()) {
            account = Some(parts.remove(0).to_string());
        }
        let is_arn = region.is_some() || account.is_some();
        if parts.first() == Some(&"function") && (parts.len() > 2 || (is_arn && parts.len() > 1)) {
            parts.remove(0);
        }
        let (name, qualifier) = match parts.as_slice() {
            [name] => (name, None),
            [name, qualifier] => (name, Some(qualifier)),
            _ => return None,
        };
        let is_plain = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !text.is_empty() && text.bytes().all(allowed)
        };
        let is_name = is_plain(&name.replace('.', "-"));
        let is_qualifier = |text: &&&str| **text == "$LATEST" || is_plain(text);
        let fits = is_name && qualifier.as_ref().is_none_or(is_qualifier);
        fits.then(|| FunctionRef {
            name: name.to_string(),
            qualifier: qualifier.map(|text| text.to_string()),
            region,
            account,
        })
    }
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let is_digit = |word: &str| word.len() == 1 && word.bytes().all(|b| b.is_ascii_digit());
    match parts.as_slice() {
        [country, area, number] | [country, "gov", area, number] => {
            country.len() == 2 && is_word(country) && is_word(area) && is_digit(number)
        }
        _ => false,
    }
}

fn check_qualifier(qualifier: &str) -> Result<(), ApiError> {
    let constraint = if qualifier.len() > QUALIFIER_BYTES_MAX {
        format!("Member must have length less than or equal to {QUALIFIER_BYTES_MAX}")
    } else if !qualifier
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"$_-".contains(&byte))
    {
        format!("Member must satisfy regular expression pattern: {QUALIFIER_PATTERN}")
    } else {
        return Ok(());
    };
    Err(ApiError::validation(qualifier, "qualifier", &constraint))
}

#[cfg(test)]
mod tests {
    use super::FunctionRef;

    fn parse(text: &str, query: &str) -> Result<(String, Option<String>), String> {
        FunctionRef::parse(text, query)
            .map(|found| (found.name, found.qualifier))
            .map_err(|error| error.error_type.to_string())
    }

    #[test]
    fn name_in_every_form_is_taken_apart() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:orders";
        for text in [
            "orders",
            "function:orders:1",
            "123456789012:function:orders",
            "us-east-1:123456789012:function:orders",
            arn,
            "arn%3Aaws%3Alambda%3Aus-gov-west-1%3A123456789012%3Afunction%3Aorders",
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:orders",
        ] {
            assert_eq!(
                parse(text, "").map(|found| found.0).as_deref(),
                Ok("orders"),
                "{text}"
            );
        }
        for (text, query, qualifier) in [
            ("orders", "", None),
            ("orders:PROD", "", Some("PROD")),
            ("orders", "Qualifier=%24LATEST", Some("$LATEST")),
            ("orders:1", "a=b&Qualifier=1", Some("1")),
            ("orders%3A%24LATEST", "", Some("$LATEST")),
            ("orders", "Qualifier=", None),
        ] {
            let found = parse(text, query).expect("a function").1;
            assert_eq!(found.as_deref(), qualifier, "{text} {query}");
        }
        let found = FunctionRef::parse(arn, "").ok().expect("a function");
        assert_eq!(found.region.as_deref(), Some("us-east-1"));
        assert_eq!(found.account.as_deref(), Some("123456789012"));
        // The default name is a word of the ARN too.
        assert_eq!(parse("function", ""), Ok(("function".into(), None)));
        assert_eq!(
            parse("function:1", ""),
            Ok(("function".into(), Some("1".into())))
        );
    }

    #[test]
    fn name_that_is_impossible_is_a_validation_error() {
        let long = "x".repeat(171);
        for (text, query) in [
            ("my-function!", ""),
            ("", ""),
            ("a%20b", ""),
            ("a%2Fb", ""),
            ("a:b:c:d", ""),
            ("a:", ""),
            (":a", ""),
            ("arn:aws:s3:::x", ""),
            ("arn:evil:lambda:us-east-1:123456789012:function:a", ""),
            ("%FF", ""),
            (&long, ""),
            ("a", "Qualifier=b%21"),
        ] {
            assert_eq!(
                parse(text, query),
                Err("ValidationException".into()),
                "{text} {query}"
            );
        }
        let differing = parse("a:1", "Qualifier=2");
        assert_eq!(differing, Err("InvalidParameterValueException".into()));
    }
}
