//! The JSON Schema (draft 7, which the editors' TOML plug-ins take).

use serde_json::{Map, Value, json};

use super::{Form, Key, Least, Presence, every};

/// The schema of `proxy.toml`. It knows no relation between keys, and no file: `certbound check` does.
pub fn json() -> Value {
    let keys = every();
    let mut schema = object("", &keys);
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
        members.insert("title".to_owned(), "certbound: proxy.toml".into());
        members.insert("description".to_owned(), DESCRIPTION.into());
    }
    schema
}

/// The table of this dotted name, with every key in it.
fn object(table: &str, keys: &[Key]) -> Value {
    let inside: Vec<&Key> = keys.iter().filter(|key| key.split().0 == table).collect();
    let required = inside.iter().filter(|key| matches!(key.presence, Presence::Required(_)));
    let required: Vec<&str> = required.map(|key| key.split().1).collect();
    let properties: Map<String, Value> =
        inside.iter().map(|key| (key.split().1.to_owned(), property(key, keys))).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn property(key: &Key, keys: &[Key]) -> Value {
    let mut value = form(key, keys);
    if let Some(members) = value.as_object_mut() {
        members.insert("description".to_owned(), description(key).into());
        members.extend(key.default().map(|default| ("default".to_owned(), default)));
    }
    value
}

fn form(key: &Key, keys: &[Key]) -> Value {
    match &key.form {
        Form::Boolean => json!({ "type": "boolean" }),
        Form::Integer(from, until) => json!({ "type": "integer", "minimum": from, "maximum": until }),
        Form::Quantity(pattern, _) => text(pattern, ""),
        Form::Text(pattern, _) if matches!(key.presence, Presence::Required(_)) => text(pattern, ""),
        Form::Text(pattern, _) => text(pattern, "?"),
        Form::Choice(words) => json!({ "type": "string", "enum": words }),
        Form::Texts(least) => list(json!({ "type": "string" }), *least),
        Form::Words(words, least) => list(json!({ "type": "string", "enum": words }), *least),
        Form::Table => object(key.dotted, keys),
        Form::Tables => json!({ "type": "array", "items": object(key.dotted, keys) }),
        Form::Named => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Form::Statuses(codes) => {
            let status = json!({ "type": "integer", "minimum": 400, "maximum": 599 });
            let properties: Map<String, Value> =
                codes.iter().map(|code| ((*code).to_owned(), status.clone())).collect();
            json!({ "type": "object", "additionalProperties": false, "properties": properties })
        }
    }
}

fn text(pattern: &str, times: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^({pattern}){times}$") })
}

fn list(items: Value, least: Least) -> Value {
    json!({ "type": "array", "items": items, "minItems": u8::from(least == Least::One) })
}

fn description(key: &Key) -> String {
    match (key.is_table(), key.is_reloadable()) {
        (true, _) => key.meaning.to_owned(),
        (false, true) => format!("{}\n\nApplied on reload.", key.meaning),
        (false, false) => format!("{}\n\nApplied by a restart.", key.meaning),
    }
}

const DESCRIPTION: &str = "The configuration of certbound. `certbound check` reports what no schema can say.";
