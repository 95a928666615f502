//! How callers name a function: by its name, a partial ARN or a full ARN, each with a qualifier or
//! without, bare or percent-encoded, and with the parameter `Qualifier`.
//!
//! The rules are the regular expressions of AWS's model, which its refusals quote.

use super::error::{ApiError, Violation};
use crate::local::url;

/// A function as a caller names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRef {
    pub name: String,
    pub qualifier: Option<String>,
    pub region: Option<String>,
    pub account: Option<String>,
}

/// Which names an operation accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Those of calls that read and invoke: a name may have dots.
    Namespaced,
    /// Those of calls that change something.
    Plain,
}

macro_rules! prefixes {
    () => {
        concat!(
            r"Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?",
            r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
        )
    };
}

const NAMESPACED_PATTERN: &str = concat!(
    prefixes!(),
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
);
const PLAIN_PATTERN: &str = concat!(
    prefixes!(),
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
);
const QUALIFIER_PATTERN: &str =
    r"Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";

const RESOURCE_PATTERN: &str = concat!(
    r"Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:(eusc-)?",
    r"[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+",
    r"(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|",
    r"code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}",
    r"-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)"
);

/// What has tags in Lambda besides functions.
const OTHER_RESOURCES: [&str; 4] = [
    "layer",
    "code-signing-config",
    "event-source-mapping",
    "capacity-provider",
];

const QUALIFIER_BYTES_MAX: usize = 128;

impl Names {
    fn pattern(self) -> &'static str {
        match self {
            Names::Namespaced => NAMESPACED_PATTERN,
            Names::Plain => PLAIN_PATTERN,
        }
    }

    fn bytes_max(self) -> usize {
        match self {
            Names::Namespaced => 170,
            Names::Plain => 140,
        }
    }

    fn is_name(self, text: &str) -> bool {
        let has_dots = self == Names::Namespaced;
        is_word(text, |byte| byte == b'.' && has_dots)
    }

    fn is_qualifier(self, text: &str) -> bool {
        let is_latest =
            text == "$LATEST" || text == "$LATEST.PUBLISHED" && self == Names::Namespaced;
        is_latest || is_word(text, |_| false)
    }
}

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

    /// Parses the part of a path that names a function, and the parameter `Qualifier`.
    pub fn from_request(part: &str, query: &str, names: Names) -> Result<FunctionRef, ApiError> {
        let text = url::decode(part);
        let qualifier = url::parameter(query, "Qualifier");
        let mut violations = Vec::new();
        let parsed = FunctionRef::parse(&text, names);
        if parsed.is_none() {
            violations.push(name_violation(&text, names.pattern().to_string()));
        } else if text.len() > names.bytes_max() {
            let max = names.bytes_max();
            violations.push(name_violation(&text, too_long(max)));
        }
        if let Some(qualifier) = &qualifier {
            violations.extend(check_qualifier(qualifier));
        }
        match parsed {
            Some(parsed) if violations.is_empty() => parsed.with_qualifier(qualifier),
            _ => Err(ApiError::validation(&violations)),
        }
    }

    /// Parses the ARN of a resource that has tags. Functions alone exist here.
    pub fn from_resource(part: &str) -> Result<FunctionRef, ApiError> {
        let text = url::decode(part);
        let kind = text.split(':').nth(5);
        let is_arn = text.starts_with("arn:aws");
        match FunctionRef::parse(&text, Names::Plain) {
            Some(found) if is_arn && kind == Some("function") => Ok(found),
            _ if is_arn && kind.is_some_and(|kind| OTHER_RESOURCES.contains(&kind)) => {
                let text = format!("Resource not found: {text}");
                Err(ApiError::new(404, "ResourceNotFoundException", text))
            }
            _ => Err(ApiError::validation(&[Violation {
                value: &text,
                member: "resource",
                constraint: RESOURCE_PATTERN.to_string(),
            }])),
        }
    }

    /// Takes a name or an ARN apart; `None` if it is neither.
    ///
    /// The default name is a word of an ARN too. So `function:1` is a version of it, although the
    /// pattern makes it a function of the name `1`.
    pub fn parse(text: &str, names: Names) -> Option<FunctionRef> {
        let parts: Vec<&str> = text.splitn(PARTS_MAX + 1, ':').collect();
        if let ["function", _] = parts.as_slice()
            && let Some(found) = parse_name(&parts, names)
        {
            return Some(found);
        }
        Prefix::ALL.parse(&parts, names)
    }

    fn with_qualifier(mut self, qualifier: Option<String>) -> Result<FunctionRef, ApiError> {
        match (&self.qualifier, qualifier) {
            (Some(own), Some(other)) if *own != other => Err(ApiError::invalid_parameter(
                "The derived qualifier from the function name does not match the specified \
                 qualifier.",
            )),
            (_, None) => Ok(self),
            (_, qualifier) => {
                self.qualifier = qualifier;
                Ok(self)
            }
        }
    }
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER`.
const PARTS_MAX: usize = 8;

/// The prefixes of a name that may still follow, in this order; each may be absent.
#[derive(Clone, Copy)]
enum Prefix {
    Arn,
    Region,
    Account,
    Function,
    None,
}

impl Prefix {
    const ALL: Prefix = Prefix::Arn;

    /// As a regular expression does it: with the prefix if the rest fits, else without it. So
    /// `function:f:1` is a function `f`, and `function` a function of that name.
    fn parse(self, parts: &[&str], names: Names) -> Option<FunctionRef> {
        let (next, length) = match self {
            Prefix::Arn => (Prefix::Region, 3),
            Prefix::Region => (Prefix::Account, 1),
            Prefix::Account => (Prefix::Function, 1),
            Prefix::Function => (Prefix::None, 1),
            Prefix::None => return parse_name(parts, names),
        };
        if let Some((prefix, rest)) = parts.split_at_checked(length)
            && self.is_present(prefix)
            && let Some(mut found) = next.parse(rest, names)
        {
            match self {
                Prefix::Region => found.region = Some(prefix[0].to_string()),
                Prefix::Account => found.account = Some(prefix[0].to_string()),
                _ => {}
            }
            return Some(found);
        }
        next.parse(parts, names)
    }

    fn is_present(self, parts: &[&str]) -> bool {
        match (self, parts) {
            (Prefix::Arn, ["arn", partition, "lambda"]) => is_partition(partition),
            (Prefix::Region, [region]) => is_region(region),
            (Prefix::Account, [account]) => {
                account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
            }
            (Prefix::Function, [function]) => *function == "function",
            _ => false,
        }
    }
}

fn parse_name(parts: &[&str], names: Names) -> Option<FunctionRef> {
    let (name, qualifier) = match *parts {
        [name] => (name, None),
        [name, qualifier] => (name, Some(qualifier)),
        _ => return None,
    };
    let is_valid = names.is_name(name) && qualifier.is_none_or(|text| names.is_qualifier(text));
    is_valid.then(|| FunctionRef {
        name: name.to_string(),
        qualifier: qualifier.map(str::to_string),
        region: None,
        account: None,
    })
}

fn is_word(text: &str, is_also: impl Fn(u8) -> bool) -> bool {
    let is_own = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| is_own(byte) || is_also(byte))
}

fn is_partition(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
    match text.strip_prefix("aws") {
        Some(rest) => rest.bytes().all(is_letter),
        None => text.is_empty(),
    }
}

fn is_region(text: &str) -> bool {
    let is_lower = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_group = |text: &str| match text.strip_prefix("iso") {
        Some(rest) => rest.len() <= 1 && is_lower(rest),
        None => text == "gov",
    };
    let parts: Vec<&str> = text.splitn(6, '-').collect();
    let parts = match parts.as_slice() {
        ["eusc", rest @ ..] => rest,
        parts => parts,
    };
    let (country, direction, number) = match parts {
        [country, direction, number] => (country, direction, number),
        [country, group, direction, number] if is_group(group) => (country, direction, number),
        _ => return false,
    };
    let is_digit = matches!(number.as_bytes(), [b'0'..=b'9']);
    country.len() == 2
        && !direction.is_empty()
        && is_lower(country)
        && is_lower(direction)
        && is_digit
}

fn name_violation(value: &str, constraint: String) -> Violation<'_> {
    Violation {
        value,
        member: "functionName",
        constraint,
    }
}

fn check_qualifier(value: &str) -> Option<Violation<'_>> {
    let constraint = if value.is_empty() {
        "Member must have length greater than or equal to 1".to_string()
    } else if value.len() > QUALIFIER_BYTES_MAX {
        too_long(QUALIFIER_BYTES_MAX)
    } else if value != "$LATEST.PUBLISHED" && !is_word(value, |byte| byte == b'$') {
        QUALIFIER_PATTERN.to_string()
    } else {
        return None;
    };
    Some(Violation {
        value,
        member: "qualifier",
        constraint,
    })
}

fn too_long(max: usize) -> String {
    format!("Member must have length less than or equal to {max}")
}
