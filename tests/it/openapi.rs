//! The OpenAPI description of the server: it is whole, and says what the server does.

use std::collections::BTreeSet;

use anonchat::protocol::limits;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    description::{at_examples, cases, example, resolved},
    wire::ask,
};
use crate::support::{Guest, Node, Settings};

/// Every `$ref` in a description.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Whether a schema shows what values a field can have, by an example or by a list of choices.
fn is_shown(description: &Value, schema: &Value) -> bool {
    let schema = resolved(description, schema);
    ["example", "examples", "enum"].iter().any(|key| schema.get(key).is_some())
        || schema["type"] == "boolean"
        || cases(schema).any(|case| is_shown(description, case))
}

#[tokio::test]
async fn the_description_of_the_api_is_whole() {
    let node = Node::start(&Settings::embedded()).await;
    let anyone = Guest::new(&node, "");
    let description = ask(anyone.request(Method::GET, "/api/openapi.json")).await.json();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1."), "{}", description["openapi"]);
    assert!(description["info"]["title"].is_string() && description["info"]["version"].is_string());
    for reference in references(&description) {
        let pointer = reference.strip_prefix('#').expect("references stay inside");
        assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut listed = Vec::new();
    let mut names = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "one name each");
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().all(|status| ["200", "201", "204", "4XX", "5XX"].contains(&&**status)),
                "{responses:?}"
            );
            for failure in ["4XX", "5XX"] {
                assert!(
                    responses[failure]["content"]["application/problem+json"]["schema"].is_object(),
                    "{method} {path}"
                );
            }
            for (status, response) in responses {
                assert!(
                    response["description"].is_string(),
                    "{method} {path} {status}: OpenAPI asks for a description"
                );
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let place = parameter["in"].as_str().unwrap();
                assert!(["path", "query"].contains(&place), "{method} {path}");
                assert_eq!(path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap())), place == "path");
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            for (field, of) in resolved(&description, schema)["properties"].as_object().into_iter().flatten() {
                assert!(is_shown(&description, of), "{method} {path}: {field} has no example");
            }
            listed.push(format!("{} {path}", method.to_uppercase()));
            // The described operation exists.
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = ask(anyone.request(method, &path.replace("{code}", "ABCDEF"))).await;
            let code = (!answer.text.is_empty()).then(|| answer.json()["code"].as_str().map(str::to_owned)).flatten();
            assert!(!matches!(code.as_deref(), Some("not_found" | "method_not_allowed")), "{path}");
        }
    }
    insta::assert_json_snapshot!(listed);
}

#[tokio::test]
async fn the_description_of_the_api_has_the_limits_that_the_server_has() {
    let node = Node::start(&Settings::embedded()).await;
    let anyone = Guest::new(&node, "");
    let description = ask(anyone.request(Method::GET, "/api/openapi.json")).await.json();
    let schemas = &description["components"]["schemas"];
    let lengths = |name: &str| (schemas[name]["minLength"].as_u64(), schemas[name]["maxLength"].as_u64());
    let most = |chars: usize| Some(chars as u64);
    let (shortest, longest) = limits::PASSWORD_CHARS.into_inner();
    for (name, expected) in [
        ("TypedNickname", (Some(1), most(limits::NICKNAME_CHARS))),
        ("TypedRoomName", (None, most(limits::ROOM_NAME_CHARS))),
        ("TypedMessage", (Some(1), most(limits::MESSAGE_CHARS))),
        ("TypedPassword", (most(shortest), most(longest))),
        ("TypedEmail", (None, Some(254))),
    ] {
        assert_eq!(lengths(name), expected, "{name}");
    }
    for (name, pattern) in
        [("RoomCode", "^[0-9A-HJKMNP-TV-Z]{6}$"), ("MailedCode", "^[0-9]{8}$"), ("MailedToken", "^[A-Za-z0-9_-]{43}$")]
    {
        assert_eq!(schemas[name]["pattern"], pattern, "{name}");
    }
    let page = &description["paths"]["/api/chats/history"]["get"]["parameters"];
    let limit = page.as_array().unwrap().iter().find(|parameter| parameter["name"] == "limit").unwrap();
    assert_eq!((&limit["schema"]["minimum"], &limit["schema"]["maximum"]), (&json!(1), &json!(limits::HISTORY_PAGE)));
    // Every text in a request has a limit, a pattern or a format, except these. A login ignores a token that is none.
    let mut unbounded = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            for (field, of) in resolved(&description, schema)["properties"].as_object().into_iter().flatten() {
                if !is_bounded(&description, of) {
                    unbounded.push(format!("{method} {path} {field}"));
                }
            }
        }
    }
    let any = [
        ("login", "keep"),
        ("login-code", "keep"),
        ("password-strength", "email"),
        ("password-strength", "name"),
        ("password-strength", "password"),
    ];
    let any: Vec<String> = any.iter().map(|(path, field)| format!("post /api/auth/{path} {field}")).collect();
    assert_eq!(unbounded, any);
}

/// Whether a schema bounds its text, if it is a text.
fn is_bounded(description: &Value, schema: &Value) -> bool {
    let schema = resolved(description, schema);
    let is_text =
        schema["type"] == "string" || schema["type"].as_array().is_some_and(|all| all.contains(&json!("string")));
    let has_form = ["maxLength", "pattern", "format", "enum"].iter().any(|key| schema.get(key).is_some());
    (!is_text || has_form) && cases(schema).all(|case| is_bounded(description, case))
}

#[tokio::test]
async fn a_session_is_asked_for_exactly_where_the_description_says() {
    let node = Node::start(&Settings::embedded()).await;
    let nobody = Guest::new(&node, "");
    let description: Value = nobody.ask(Method::GET, "/api/openapi.json", ()).await.unwrap();
    let mut wrong = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_open = operation["security"].as_array().unwrap().contains(&json!({}));
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let takes_code =
                operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["in"] == "query"));
            let query = if takes_code { "?code=ABCDEF" } else { "" };
            // A new client for each request, because some operations begin a session.
            let nobody = Guest::new(&node, "");
            let method: Method = method.to_uppercase().parse().unwrap();
            let request = nobody.request(method.clone(), &format!("{}{query}", at_examples(path)));
            let request = if schema.is_null() { request } else { request.json(&example(&description, schema)) };
            let answer = request.send().await.unwrap();
            let was_done = answer.status().is_success();
            let problem: Value = answer.json().await.unwrap_or_default();
            let asks = problem["code"] == "not_logged_in" || problem["code"] == "no_session";
            // For a room that needs a session, the answer is the same as for a room that does not exist.
            let hides = problem["code"] == "room_unavailable";
            if if is_open { asks } else { was_done || !(asks || hides) } {
                wrong.push(format!("{method} {path} is open: {is_open}, and answers {problem}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
