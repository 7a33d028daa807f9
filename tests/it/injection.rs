//! Injection: questions to a database in bodies, addresses and forms, and texts that an attacker writes into the
//! address of a page.

use anonchat::protocol::{Code, Problem};
use leptos::server_fn::error::ServerFnUrlError;
use reqwest::Method;
use serde_json::{Value, json};

use super::description::{at_examples, example, kinds, resolved, server_functions};
use crate::support::{Guest, Node, Settings};

const POST: Method = Method::POST;

/// JSON values that are no text: database operators, and other types.
fn other_kinds() -> Vec<Value> {
    vec![
        json!({ "$ne": null }),
        json!({ "$gt": "" }),
        json!({ "$regex": ".*" }),
        json!({ "$in": ["a", "b"] }),
        json!({ "$where": "sleep(1000)" }),
        json!({ "$expr": { "$function": { "body": "1", "args": [], "lang": "js" } } }),
        json!(["a"]),
        json!([{ "$ne": null }]),
        json!(7.5),
        json!(7),
        json!(true),
    ]
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Null => "null",
    }
}

#[tokio::test]
async fn no_field_of_any_body_takes_something_of_another_kind() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let before = ada.me().await.unwrap();
    let description: Value = ada.ask(Method::GET, "/api/openapi.json", ()).await.unwrap();
    let (mut fields_tried, mut wrong) = (0, Vec::new());
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let Some(fields) = resolved(&description, schema)["properties"].as_object() else { continue };
            let whole = example(&description, schema);
            for (name, field) in fields {
                fields_tried += 1;
                let taken = kinds(&description, field);
                assert!(!taken.is_empty(), "{path} {name}: {field}");
                for kind in other_kinds().into_iter().filter(|kind| !taken.contains(kind_of(kind))) {
                    let mut body = whole.clone();
                    body[name] = kind.clone();
                    let method: Method = method.to_uppercase().parse().unwrap();
                    let answer = ada.request(method, &at_examples(path)).json(&body).send().await.unwrap();
                    let status = answer.status();
                    let problem: Value = answer.json().await.unwrap();
                    // For an enum, serde reports the wrong value as `malformed`.
                    let is_refused = problem["code"] == "invalid_input" || problem["code"] == "malformed";
                    if status != 400 || !is_refused {
                        wrong.push(format!("{path} {name}: {kind} gives {status} {problem}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(fields_tried >= 50, "{fields_tried}");
    assert_eq!(ada.me().await.unwrap(), before, "and nothing was done");
}

#[tokio::test]
async fn no_part_of_any_address_takes_a_question_to_a_database() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let description: Value = ada.ask(Method::GET, "/api/openapi.json", ()).await.unwrap();
    let (mut parts_tried, mut wrong) = (0, Vec::new());
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                // What is searched for is any text. tests/it/search.rs shows that none of it is an operator.
                if (path.as_str(), name) == ("/api/search", "q") {
                    continue;
                }
                parts_tried += 1;
                let question = "%7B%22%24ne%22%3Anull%7D";
                let addresses = if parameter["in"] == "path" {
                    vec![path.replace(&format!("{{{name}}}"), question)]
                } else {
                    let required = (name == "code").then(|| format!("{path}?{name}[$ne]="));
                    let others = if name == "code" { "" } else { "code=ABCDEF&" };
                    [Some(format!("{path}?{others}{name}={question}")), required].into_iter().flatten().collect()
                };
                for address in addresses {
                    let method: Method = method.to_uppercase().parse().unwrap();
                    let status = ada.request(method, &address).send().await.unwrap().status();
                    if status != 400 {
                        wrong.push(format!("{address} gives {status}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(parts_tried >= 5, "{parts_tried}");
}

#[tokio::test]
async fn no_form_of_the_pages_takes_a_question_to_a_database() {
    const WITHOUT_FIELDS: [&str; 3] = ["log_out", "forget_me", "end_other_sessions"];
    const FIELDS: [&str; 28] = [
        "name",
        "email",
        "password",
        "new_password",
        "keep",
        "next",
        "token",
        "code",
        "id",
        "form",
        "messages",
        "theme",
        "accent",
        "text_size",
        "hours",
        "show_marks",
        "language",
        "notify",
        "sound",
        "show_typing",
        "show_read",
        "nickname",
        "room_type",
        "preserve",
        "leave",
        "member_id",
        "muted",
        "seq",
    ];
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let before = ada.me().await.unwrap();
    let mut wrong = Vec::new();
    for path in server_functions() {
        if WITHOUT_FIELDS.iter().any(|name| path.ends_with(&format!("/{name}"))) {
            continue;
        }
        for operator in ["[$ne]", "[$regex]", "[]", "[0][$gt]"] {
            let form = FIELDS.map(|field| (format!("{field}{operator}"), ".*"));
            let status = ada.request(POST, path).form(&form).send().await.unwrap().status();
            if status != 400 {
                wrong.push(format!("{path} with {operator} gives {status}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(ada.me().await.unwrap(), before, "and nothing was done");
}

/// Opens a page whose URL an attacker has written.
async fn led_to(guest: &Guest, address: &str) -> String {
    let answer = guest.request(Method::GET, address).header("accept", "text/html").send().await.unwrap();
    assert_eq!(answer.status(), 200, "{address}");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn a_page_says_nothing_that_its_address_makes_up() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let lie = "Your account is locked. Call 0900 123456.";
    let pages = [
        ("/auth/login", "/api/ui/log_in", "email"),
        ("/auth/register", "/api/ui/register", "password"),
        ("/preferences/account", "/api/ui/change_email", "email"),
        ("/preferences/data", "/api/ui/delete_account", "password"),
        ("/preferences/chatting", "/api/ui/choose_chatting", "nickname"),
        ("/", "/api/ui/join_room", "code"),
        ("/rooms/new", "/api/ui/create_room", "name"),
    ];
    for (page, function, field) in pages {
        for code in Code::ALL {
            for field in [None, Some(field.to_owned())] {
                let problem = Problem { field, ..Problem::new(*code, lie) };
                let address = ServerFnUrlError::new(function, problem).to_url(&format!("http://any{page}")).unwrap();
                let text = led_to(&ada, address.as_str().trim_start_matches("http://any")).await;
                assert!(!text.contains("0900"), "{page}, {code:?}");
            }
        }
    }
    let text = led_to(&ada, "/auth/code?email=Your+account+is+locked.+Call+0900+123456.").await;
    assert!(text.contains("value=\"Your account") && text.matches("0900").count() == 1, "in a field at most: {text}");
    let script = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for page in ["/auth/register", "/auth/login", "/auth/code", "/preferences/account", "/preferences/chatting", "/"] {
        let fields = ["name", "email", "token", "next", "nickname", "code", "done", "asked", "__path", "__err"];
        let query: Vec<String> = fields.iter().map(|field| format!("{field}={script}")).collect();
        let text = led_to(&ada, &format!("{page}?{}", query.join("&"))).await;
        assert!(!text.contains("<script>alert"), "{page}");
    }
}
