//! Names of random parts against a second parser, which tries all ways to read a name.

use super::super::reference::{FunctionRef, Names};
use super::{body, invoke};

/// What may precede a name, in this order.
const PREFIXES: [fn(&str) -> bool; 4] = [is_arn, is_region, is_account, |text| text == "function:"];

fn is_arn(text: &str) -> bool {
    let rest = text.strip_prefix("arn:");
    let partition = rest.and_then(|rest| rest.strip_suffix(":lambda:"));
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '-';
    partition.is_some_and(|partition| {
        let rest = partition.strip_prefix("aws");
        partition.is_empty() || rest.is_some_and(|rest| rest.chars().all(is_letter))
    })
}

fn is_region(text: &str) -> bool {
    let Some(text) = text.strip_suffix(':') else {
        return false;
    };
    let text = text.strip_prefix("eusc-").unwrap_or(text);
    let Some((country, rest)) = text.split_at_checked(2) else {
        return false;
    };
    let mut rests = vec![rest];
    rests.extend(rest.strip_prefix("-gov"));
    if let Some(rest) = rest.strip_prefix("-iso") {
        rests.push(rest);
        rests.extend(rest.strip_prefix(|letter: char| letter.is_ascii_lowercase()));
    }
    is_lower(country) && rests.into_iter().any(is_region_end)
}

/// `-east-1`
fn is_region_end(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let ["", direction, number] = parts.as_slice() else {
        return false;
    };
    let is_digit = number.len() == 1 && number.as_bytes()[0].is_ascii_digit();
    !direction.is_empty() && is_lower(direction) && is_digit
}

fn is_lower(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_account(text: &str) -> bool {
    let digits = text.strip_suffix(':').unwrap_or_default();
    digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(text: &str, names: Names) -> bool {
    let is_namespaced = names == Names::Namespaced;
    let is_word = |text: &str, others: &[u8]| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
        !text.is_empty() && text.bytes().all(is_part)
    };
    let (name, qualifier) = match text.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (text, None),
    };
    let is_qualifier = |text| {
        let is_latest = text == "$LATEST" || is_namespaced && text == "$LATEST.PUBLISHED";
        is_latest || is_word(text, b"-_")
    };
    let others: &[u8] = if is_namespaced { b"-_." } else { b"-_" };
    is_word(name, others) && qualifier.is_none_or(is_qualifier)
}

fn fits_pattern(text: &str, names: Names) -> bool {
    let mut starts = vec![0];
    for prefix in PREFIXES {
        let ends = (0..=text.len()).filter(|&end| text.is_char_boundary(end));
        let is_end = |&end: &usize| {
            let mut before = starts.iter().filter(|&&start| start < end);
            before.any(|&start| prefix(&text[start..end]))
        };
        let found: Vec<usize> = ends.filter(is_end).collect();
        starts.extend(found);
    }
    starts.iter().any(|&start| is_name(&text[start..], names))
}

/// Numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % below
    }
}

#[test]
fn text_of_random_parts_is_judged_as_by_the_pattern() {
    const PARTS: &str = "arn : : : aws aws-cn lambda us-east-1 us-gov-west-1 us-isob-x-2 \
                         us-iso-x-1 eusc-de-east-1 123456789012 12345678901 function f a.b $LATEST \
                         $LATEST.PUBLISHED PROD 1 - _ ! é arn:aws:lambda: \
                         us-east-1:123456789012: function:";
    let parts: Vec<&str> = PARTS.split(' ').collect();
    let mut numbers = Numbers(7);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let count = 1 + numbers.below(8);
        let text: String = (0..count)
            .map(|_| parts[numbers.below(parts.len())])
            .collect();
        for names in [Names::Namespaced, Names::Plain] {
            let parsed = FunctionRef::parse(&text, names);
            assert_eq!(
                parsed.is_some(),
                fits_pattern(&text, names),
                "{text} {names:?}"
            );
            let Some(parsed) = parsed else { continue };
            accepted += 1;
            // What was taken apart is what the text ends in.
            let mut end = parsed.name;
            if let Some(qualifier) = parsed.qualifier {
                end += &format!(":{qualifier}");
            }
            assert!(text.ends_with(&end), "{text}: {end}");
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn name_of_any_bytes_is_parsed_without_a_panic() {
    let mut numbers = Numbers(11);
    for _ in 0..10_000 {
        let mut path = String::new();
        for _ in 0..numbers.below(16) {
            match numbers.below(256) as u8 {
                b'/' => path += "%2f",
                byte @ b'$'..=b'z' if numbers.below(2) == 0 && byte != b'?' => {
                    path.push(byte.into())
                }
                byte => path += &format!("%{byte:02x}"),
            }
        }
        let line = format!("POST /2015-03-31/functions/{path}/invocations HTTP/1.1\n");
        if let Err(error) = invoke(&line) {
            assert_eq!(error.status, 400, "{path}");
            body(&error.reply());
        }
    }
}
