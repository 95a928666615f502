//! JSON with the members of objects in order, also repeated ones, and with numbers as they stand.

use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The value of a text that serde_json takes.
    pub fn parse(text: &[u8]) -> Option<Json> {
        serde_json::from_slice::<Value>(text).ok()?;
        let mut rest = std::str::from_utf8(text).expect("UTF-8");
        Some(value(&mut rest))
    }

    /// The last member of that name.
    pub fn get(&self, name: &str) -> &Json {
        let Json::Object(members) = self else {
            return &Json::Null;
        };
        let member = members.iter().rev().find(|(other, _)| other == name);
        member.map_or(&Json::Null, |(_, value)| value)
    }

    /// A string, or a number or a boolean as it stands.
    pub fn scalar(&self) -> Option<String> {
        match self {
            Json::String(text) | Json::Number(text) => Some(text.clone()),
            Json::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }
}

fn skip(rest: &mut &str, bytes: usize) {
    *rest = rest[bytes..].trim_start_matches([' ', '\t', '\r', '\n']);
}

fn value(rest: &mut &str) -> Json {
    skip(rest, 0);
    let first = rest.chars().next().expect("a value");
    match first {
        '{' | '[' => {
            let (mut elements, mut members) = (Vec::new(), Vec::new());
            skip(rest, 1);
            while !rest.starts_with(['}', ']']) {
                if first == '{' {
                    let name = string(rest);
                    skip(rest, 1); // the colon
                    members.push((name, value(rest)));
                } else {
                    elements.push(value(rest));
                }
                skip(rest, usize::from(rest.starts_with(',')));
            }
            skip(rest, 1);
            match first {
                '{' => Json::Object(members),
                _ => Json::Array(elements),
            }
        }
        '"' => Json::String(string(rest)),
        _ => {
            let end = rest.find([',', ']', '}', ' ', '\t', '\r', '\n']);
            let word = rest[..end.unwrap_or(rest.len())].to_string();
            skip(rest, word.len());
            match &word[..] {
                "null" => Json::Null,
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                _ => Json::Number(word),
            }
        }
    }
}

fn string(rest: &mut &str) -> String {
    let (mut end, mut escaped) = (1, false);
    for (at, character) in rest.char_indices().skip(1) {
        end = at;
        if character == '"' && !escaped {
            break;
        }
        escaped = character == '\\' && !escaped;
    }
    let text = serde_json::from_str(&rest[..=end]).expect("a string");
    skip(rest, end + 1);
    text
}

/// The value of an object's last member of that name as it stands in its JSON, which is right;
/// empty where there is none.
pub fn raw_member<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text.trim_start();
    if !rest.starts_with('{') {
        return "";
    }
    skip(&mut rest, 1);
    let mut found = "";
    while !rest.starts_with('}') {
        let member = string(&mut rest);
        skip(&mut rest, 1);
        let start = text.len() - rest.len();
        value(&mut rest);
        let end = text.len() - rest.len();
        if member == name {
            found = text[start..end].trim_end_matches([' ', '\t', '\r', '\n']);
        }
        let comma = usize::from(rest.starts_with(','));
        skip(&mut rest, comma);
    }
    found
}

#[test]
fn json_ordered_keeps_repeats_and_numbers() {
    let text = r#" {"a":[1.50,-0,"\"\\",{ }],"b" : null ,"a":"\u00e9"} "#;
    let json = Json::parse(text.as_bytes()).expect("JSON");
    let Json::Object(members) = &json else {
        panic!("{json:?}");
    };
    let names: Vec<&str> = members.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names, ["a", "b", "a"]);
    let number = |text: &str| Json::Number(text.into());
    let string = Json::String("\"\\".into());
    let list = vec![number("1.50"), number("-0"), string, Json::Object(vec![])];
    assert_eq!(members[0].1, Json::Array(list));
    assert_eq!(json.get("a"), &Json::String("é".into()));
    assert_eq!(raw_member(text, "a"), "\"\\u00e9\"");
    assert_eq!(raw_member(text, "b"), "null");
}
