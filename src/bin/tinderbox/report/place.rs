//! Function and version of a record, as far as a log has them.

use serde_json::Value;

/// What a record belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub function: Option<String>,
    pub version: Option<String>,
}

impl Place {
    /// Those in `2026/11/22/[$LATEST]0123...` or `2026/11/22/name[3]0123...`, also within a text.
    pub fn of_stream(text: &str) -> Place {
        let Some((front, rest)) = text.rsplit_once('[') else {
            return Place::default();
        };
        let version = rest.split_once(']').map_or("", |(version, _)| version);
        if version != "$LATEST" && version.parse::<u64>().is_err() {
            return Place::default();
        }
        let name = front.rsplit(['/', ' ', '\t', '"', ',']).next();
        Place {
            function: name.filter(|name| is_name(name)).map(str::to_string),
            version: Some(version.to_string()),
        }
    }

    /// The function in a member `@log` of Logs Insights, `123456789012:/aws/lambda/name`.
    pub fn of_group(text: &str) -> Place {
        let name = text.split_once("/aws/lambda/").map(|(_, name)| name);
        Place {
            function: name.filter(|name| is_name(name)).map(str::to_string),
            version: None,
        }
    }

    /// The function of a platform record: that of `--json`, or that in the record.
    pub fn of_record(event: &Value) -> Place {
        let record = &event["record"];
        let arn = record["functionArn"].as_str();
        // arn:aws:lambda:REGION:ACCOUNT:function:NAME, and perhaps a qualifier.
        let of_arn = arn.and_then(|arn| arn.split(':').nth(6));
        let name = event["functionName"]
            .as_str()
            .or(record["functionName"].as_str())
            .or(of_arn);
        let version = record["version"]
            .as_str()
            .or(record["functionVersion"].as_str());
        Place {
            function: name.filter(|name| !name.is_empty()).map(str::to_string),
            version: version.map(str::to_string),
        }
    }

    /// What is unknown here comes from another place.
    pub fn or(self, other: Place) -> Place {
        Place {
            function: self.function.or(other.function),
            version: self.version.or(other.version),
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}
