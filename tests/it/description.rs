//! What the OpenAPI description and the pages have as doors: tests go through all of them.

use std::collections::BTreeSet;

use leptos::server_fn::axum::server_fn_paths;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Guest;

const POST: Method = Method::POST;

/// Every operation that changes something: all of REST, from its OpenAPI description, and all server functions.
pub async fn mutations(ada: &Guest) -> Vec<(Method, String)> {
    let description: Value = ada.ask(Method::GET, "/api/openapi.json", ()).await.unwrap();
    let mut doors = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "get") {
            doors.push((method.to_uppercase().parse().unwrap(), at_examples(path)));
        }
    }
    doors.extend(server_functions().into_iter().map(|path| (POST, path.to_owned())));
    doors
}

/// A path of the description, with a value for each parameter.
pub fn at_examples(path: &str) -> String {
    path.replace("{id}", "0195f3a0-0000-7000-8000-000000000000").replace("{code}", "ABCDEF").replace("{seq}", "5")
}

/// The URLs of all server functions, as the server registers them.
pub fn server_functions() -> Vec<&'static str> {
    let paths: Vec<&str> = server_fn_paths().map(|(path, _)| path).collect();
    for path in ["/api/ui/log_in", "/api/ui/create_room", "/api/ui/choose_language", "/api/ui/delete_account"] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
    paths
}

/// A schema with its `$ref` followed.
pub fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolved(description, description.pointer(&reference[1..]).unwrap()),
        None => schema,
    }
}

/// The schemas of which a value has to fit one, if the schema lists such.
pub fn cases(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten()
}

/// The JSON types that a schema accepts.
pub fn kinds(description: &Value, schema: &Value) -> BTreeSet<String> {
    let schema = resolved(description, schema);
    let of_cases = cases(schema).flat_map(|case| kinds(description, case));
    match &schema["type"] {
        Value::String(kind) => BTreeSet::from([kind.clone()]),
        Value::Array(all) => all.iter().map(|kind| kind.as_str().unwrap().to_owned()).collect(),
        _ => of_cases.collect(),
    }
}

/// A value that a schema accepts.
pub fn example(description: &Value, schema: &Value) -> Value {
    let schema = resolved(description, schema);
    if let Some(case) = cases(schema).find(|case| !kinds(description, case).contains("null")) {
        return example(description, case);
    }
    if let Some(given) = [&schema["example"], &schema["enum"][0]].into_iter().find(|given| !given.is_null()) {
        return given.clone();
    }
    if let Some(fields) = schema["properties"].as_object() {
        return fields.iter().map(|(name, field)| (name.clone(), example(description, field))).collect();
    }
    let kinds = kinds(description, schema);
    match schema["format"].as_str() {
        Some("uuid") => json!("0195f3a0-0000-7000-8000-000000000000"),
        _ if kinds.contains("boolean") => json!(true),
        _ if kinds.contains("integer") => json!(1),
        _ => json!("x"),
    }
}
