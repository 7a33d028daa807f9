//! The pages of preferences, used as by a browser without scripts.

use anonchat::protocol::{Code, Profile, RoomType};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{OTHER_PASSWORD, PASSWORD, new_address},
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

const PAGES: [&str; 5] =
    ["/preferences", "/preferences/chatting", "/preferences/account", "/preferences/devices", "/preferences/data"];

fn settings() -> Settings {
    Settings::embedded().with("LEPTOS_HASH_FILES", "false")
}

/// The `<html>` tag, whose attributes carry the look of the page.
fn root(text: &str) -> &str {
    text.split_once("<html").unwrap().1.split('>').next().unwrap()
}

/// The checked inputs with this name.
fn ticked<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let inputs = text.split("<input").skip(1).map(|input| input.split('>').next().unwrap());
    inputs.filter(|input| input.contains(&format!("name=\"{name}\"")) && input.contains(" checked")).collect()
}

#[tokio::test]
async fn preferences_are_for_whoever_is_logged_in_and_kept_by_no_browser() {
    let node = Node::start(&settings()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let (bob, stranger) = (Guest::new(&node, "Bob"), Guest::new(&node, ""));
    bob.create(RoomType::Group, false).await;
    for address in PAGES {
        for outsider in [&bob, &stranger] {
            assert_eq!(outsider.led_on(address).await.unwrap(), format!("/auth/login?next={address}"));
            assert!(!outsider.page(address).await.1.contains("You were logged out"));
        }
        let answer = ada.request(Method::GET, address).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{address}");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{address}");
        let text = answer.text().await.unwrap();
        assert_eq!(text.contains(&email), ["/preferences/account"].contains(&address), "{address}");
        assert!(!text.contains(".wasm"), "{address} needs nothing of the browser’s half");
    }
    assert_eq!(ada.page("/preferences/nothing").await.0, 404);
}

#[tokio::test]
async fn a_browser_whose_session_was_ended_is_told_so_once() {
    let node = Node::start(&settings()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let code = ada.create(RoomType::Group, true).await.room.code;
    for address in ["/", "/open", "/preferences", &format!("/rooms/{code}")] {
        let phone = Guest::new(&node, "Ada");
        phone.log_in(&email).await;
        ada.tell(DELETE, "/api/auth/sessions", json!({})).await.unwrap();
        let to = phone.led_on(address).await.unwrap();
        assert_eq!(to, format!("/auth/login?next={address}&done=ended"));
        let kept = format!("{:?}", phone.cookie());
        assert!(!kept.contains("anonchat-access") && !kept.contains("anonchat-refresh"), "its session is gone: {kept}");
        let (_, text) = phone.page(&to).await;
        assert!(text.contains("You were logged out in this browser."), "{text}");
        assert!(text.contains(&format!("href=\"{address}\"")), "and can go on without");
        assert_eq!(phone.led_on("/").await, None, "from here on it is a stranger’s");
    }
}

#[tokio::test]
async fn a_look_that_is_chosen_holds_for_the_very_next_page() {
    let node = Node::start(&settings()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let look = [
        ("theme", "dark"),
        ("accent", "rose"),
        ("text_size", "large"),
        ("hours", "12"),
        ("show_marks", "true"),
        ("language", "de"),
    ];
    let (_, to) = ada.send_form("/preferences", "choose_appearance", &look).await;
    assert_eq!(to, "/preferences?done=appearance#appearance");
    let (_, text) = ada.page(&to).await;
    for wanted in [
        "lang=\"de\"",
        "data-theme=\"dark\"",
        "data-accent=\"rose\"",
        "data-text-size=\"large\"",
        "data-hours=\"12\"",
        "data-show-marks=\"true\"",
    ] {
        assert!(root(&text).contains(wanted), "{}", root(&text));
    }
    assert!(text.contains("Gespeichert."));
    for (name, value) in look {
        assert!(ticked(&text, name)[0].contains(&format!("value=\"{value}\"")), "{name}");
    }

    // Choosing the browser's language again works, also for pages without a logged-in account.
    let look =
        [("theme", "system"), ("accent", "indigo"), ("text_size", "medium"), ("hours", "auto"), ("language", "")];
    ada.send_form("/preferences", "choose_appearance", &look).await;
    let (_, text) = ada.page("/preferences").await;
    assert!(
        root(&text).contains("lang=\"en\"") && root(&text).contains("data-show-marks=\"false\""),
        "{}",
        root(&text)
    );
    assert!(ticked(&text, "show_marks").is_empty(), "a box that is not ticked is off");
    ada.tell(POST, "/api/auth/logout", json!({})).await.unwrap();
    assert!(root(&ada.page("/").await.1).contains("lang=\"en\""));
}

#[tokio::test]
async fn what_is_chosen_for_chatting_is_kept_and_a_box_that_is_not_ticked_is_off() {
    let node = Node::start(&settings()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let (_, text) = ada.page("/preferences/chatting").await;
    assert_eq!((ticked(&text, "sound").len(), ticked(&text, "show_typing").len()), (0, 1));
    let chosen = [("notify", "mentions"), ("sound", "true"), ("nickname", " Ada  L. ")];
    let (_, to) = ada.send_form("/preferences/chatting", "choose_chatting", &chosen).await;
    assert_eq!(to, "/preferences/chatting?done=chatting#chatting");
    let kept = ada.me().await.unwrap().preferences;
    assert_eq!((kept.notify.as_str(), kept.nickname.as_ref().unwrap().as_str()), ("mentions", "Ada L."));
    assert!(kept.sound && !kept.show_typing && !kept.show_read);
    let (_, text) = ada.page("/preferences/chatting").await;
    assert!(text.contains("value=\"Ada L.\"") && ticked(&text, "notify")[0].contains("mentions"), "{text}");
    assert_eq!(ada.send_form("/preferences/chatting", "choose_chatting", &[("notify", "all")]).await.1, to);
    assert_eq!(ada.me().await.unwrap().preferences.nickname, None, "an empty name is none");
}

#[tokio::test]
async fn a_refused_form_comes_back_as_it_was_but_for_passwords() {
    let node = Node::start(&settings()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let long = "x".repeat(33);
    let typed = [("notify", "none"), ("sound", "true"), ("nickname", &*long)];
    let (_, to) = ada.send_form("/preferences/chatting", "choose_chatting", &typed).await;
    let (_, text) = ada.page(&to).await;
    assert!(text.contains("up to 32 characters") && text.contains(&long), "{text}");
    assert!(ticked(&text, "notify")[0].contains("none") && ticked(&text, "show_read").is_empty(), "{text}");
    assert_eq!(ada.me().await.unwrap().preferences.notify.as_str(), "all", "and nothing of it is kept");
    let (_, to) = ada.send_form("/preferences/account", "rename_account", &[("name", &long)]).await;
    let (_, text) = ada.page(&to).await;
    assert!(text.contains("up to 32 characters") && text.contains(&long), "{text}");

    let new = new_address();
    for (function, typed, problem) in [
        ("change_email", vec![("email", &*new), ("password", OTHER_PASSWORD)], "Wrong password."),
        ("change_email", vec![("email", "ada"), ("password", OTHER_PASSWORD)], "This isn’t an email address."),
        ("change_email", vec![("email", &*new), ("code", "12345678")], "Wrong or expired code."),
        ("change_email", vec![("email", &*new), ("code", "98765")], "A code has eight digits."),
        ("change_email", vec![("email", &*new)], "Enter your password to confirm this"),
        ("change_password", vec![("new_password", "password1"), ("password", PASSWORD)], "too easy to guess"),
        ("change_password", vec![("new_password", "tiny!x7"), ("password", PASSWORD)], "A password needs 8 to 256"),
        ("change_password", vec![("new_password", OTHER_PASSWORD), ("password", OTHER_PASSWORD)], "Wrong password."),
    ] {
        let (_, to) = ada.send_form("/preferences/account", function, &typed).await;
        let (_, text) = ada.page(&to).await;
        assert!(text.contains(problem), "{typed:?}: {text}");
        for (name, value) in typed {
            let is_secret = name.contains("password") || name == "code";
            let shown = text.contains(value) || to.contains(&value.replace(' ', "+"));
            assert_eq!(shown, !is_secret, "{name}: {to}");
        }
    }
    let (_, to) = ada.send_form("/preferences/data", "delete_account", &[("messages", "erase")]).await;
    let (_, text) = ada.page(&to).await;
    assert!(text.contains("Enter your password to confirm this") && ticked(&text, "messages")[0].contains("erase"));
    assert!(ada.is_logged_in().await);
}

#[tokio::test]
async fn without_a_password_a_code_by_mail_confirms_and_the_form_waits_for_it() {
    let settings = settings();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    let _: Profile = ada.ask(POST, "/api/auth/register", json!({ "name": "Ada", "email": email })).await.unwrap();
    let token = mails.letter(&email, 1).await.token();
    ada.tell(POST, "/api/auth/verify", json!({ "token": token })).await.unwrap();
    let (_, text) = ada.page("/preferences/account").await;
    assert!(text.contains("You don’t have a password") && !text.contains("name=\"new_password\""), "{text}");
    let new = new_address();
    let asked = [("form", "email"), ("email", &*new)];
    let (_, to) = ada.send_form("/preferences/account", "send_confirmation", &asked).await;
    assert!(to.ends_with("#email"), "{to}");
    let (_, text) = ada.page(&to).await;
    assert!(text.contains(&new) && text.contains("is on its way to") && text.contains("name=\"code\""), "{text}");
    let code = mails.letter(&email, 2).await.code();
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    let (_, to) = ada.send_form("/preferences/account", "change_email", &[("email", &new), ("code", wrong)]).await;
    let (_, text) = ada.page(&to).await;
    assert!(text.contains("name=\"code\"") && text.contains("Wrong or expired code."), "{text}");
    let (_, to) = ada.send_form("/preferences/account", "change_email", &[("email", &new), ("code", &code)]).await;
    assert_eq!(to, "/preferences/account?done=email#email");
    let (_, text) = ada.page(&to).await;
    assert!(text.contains(&new) && text.contains("Send the email again"), "{text}");
    // The same address needs no second confirmation: the mail is only sent again.
    assert_eq!(ada.send_form("/preferences/account", "change_email", &[("email", &new)]).await.1, to);
    mails.letter(&new, 2).await;
}

#[tokio::test]
async fn who_has_proved_nothing_yet_corrects_a_mistyped_address_without_proof() {
    let node = Node::start(&settings()).await;
    let (ada, mistyped, meant) = (Guest::new(&node, "Ada"), new_address(), new_address());
    let _: Profile = ada.ask(POST, "/api/auth/register", json!({ "name": "Ada", "email": mistyped })).await.unwrap();
    let (_, text) = ada.page("/preferences/account").await;
    assert!(!text.contains("Email me a code") && !text.contains("name=\"code\""), "{text}");
    assert!(text.contains("name=\"new_password\"") && text.contains("Change address"), "{text}");
    let wrong = json!({ "email": meant, "code": "00000000" });
    let refused = ada.ask::<Profile>(PUT, "/api/users/email", wrong).await.unwrap_err();
    assert_eq!(refused.problem.code, Code::NotConfirmed, "a code that is typed has to be right");
    let (_, to) = ada.send_form("/preferences/account", "change_email", &[("email", &meant)]).await;
    assert_eq!(to, "/preferences/account?done=email#email");
    assert_eq!(ada.me().await.unwrap().email.unwrap().as_str(), meant);

    let (_, to) = ada.send_form("/preferences/account", "change_password", &[("new_password", PASSWORD)]).await;
    assert_eq!(to, "/preferences/account?done=password#password");
    let unconfirmed = ada.tell(PUT, "/api/users/email", json!({ "email": mistyped })).await.unwrap_err();
    assert_eq!(unconfirmed.problem.code, Code::NotConfirmed, "now there is a password to show");
    assert!(ada.try_log_in(&meant, PASSWORD).await.is_ok());

    let bob = Guest::new(&node, "Bob");
    let _: Profile = bob.ask(POST, "/api/auth/register", json!({ "name": "Bob", "email": mistyped })).await.unwrap();
    let (_, to) = bob.send_form("/preferences/data", "delete_account", &[("messages", "keep")]).await;
    assert!(bob.page(&to).await.1.contains("Your account is deleted"));
}

#[tokio::test]
async fn to_have_the_address_that_one_has_gives_up_another() {
    let settings = settings();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::proved(&node, "Ada").await;
    let new = new_address();
    let change = json!({ "email": new, "password": PASSWORD });
    let pending: Profile = ada.ask(PUT, "/api/users/email", change).await.unwrap();
    assert_eq!(pending.pending_email.unwrap().as_str(), new);
    let token = mails.letter(&new, 1).await.token();
    assert!(ada.page("/preferences/account").await.1.contains("Waiting for confirmation"));
    let (_, to) = ada.send_form("/preferences/account", "change_email", &[("email", &email)]).await;
    assert_eq!(to, "/preferences/account?done=email#email");
    let now = ada.me().await.unwrap();
    assert_eq!((now.email.unwrap().as_str(), now.verified, now.pending_email), (&*email, true, None));
    let late = ada.tell(POST, "/api/auth/verify", json!({ "token": token })).await.unwrap_err();
    assert_eq!(late.problem.code, Code::TokenInvalid);
    ada.log_in(&email).await;
}

#[tokio::test]
async fn devices_are_ended_one_by_one_or_all_others() {
    let node = Node::start(&settings()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let [phone, tablet, desk] = [Guest::new(&node, "Ada"), Guest::new(&node, "Ada"), Guest::new(&node, "Ada")];
    for (device, agent) in [
        (&phone, "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"),
        (&tablet, "Mozilla/5.0 (iPad) AppleWebKit/605 Version/18.0 Safari/604.1"),
        (&desk, "curl/8.5.0"),
    ] {
        let login = json!({ "email": email, "password": PASSWORD });
        let request = device.request(POST, "/api/auth/login").header("user-agent", agent).json(&login);
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let (_, text) = ada.page("/preferences/devices").await;
    for named in ["Firefox on Android", "Safari on iPad", "curl", "This browser", "Active now"] {
        assert!(text.contains(named), "{named}: {text}");
    }
    let sessions: Vec<Value> = ada.ask(Method::GET, "/api/auth/sessions", ()).await.unwrap();
    let of_phone = sessions.iter().find(|session| session["device"] == "Firefox on Android").unwrap();
    let id = of_phone["id"].as_str().unwrap();
    let (_, to) = ada.send_form("/preferences/devices", "end_session", &[("id", id)]).await;
    let (_, text) = ada.page(&to).await;
    assert!(text.contains("Logged out.") && !text.contains("Firefox on Android"), "{text}");
    assert!(!phone.is_logged_in().await && tablet.is_logged_in().await);
    ada.send_form("/preferences/devices", "end_other_sessions", &[]).await;
    assert!(!tablet.is_logged_in().await && !desk.is_logged_in().await && ada.is_logged_in().await);
    assert!(!ada.page("/preferences/devices").await.1.contains("Log out all others"));
}

#[tokio::test]
async fn an_account_is_deleted_and_a_guest_forgotten_by_a_form_and_told_so() {
    let node = Node::start(&settings()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let typed = [("password", PASSWORD), ("messages", "erase")];
    let (_, to) = ada.send_form("/preferences/data", "delete_account", &typed).await;
    assert!(ada.page(&to).await.1.contains("Your account is deleted"));
    assert!(ada.cookie().is_none() && ada.try_log_in(&email, PASSWORD).await.is_err());

    let bob = Guest::new(&node, "Bob");
    let code = bob.create(RoomType::Group, true).await.room.code;
    let (_, text) = bob.page("/auth/guest").await;
    assert!(text.contains("Bob") && text.contains(&code.spaced()), "{text}");
    assert!(bob.page("/auth/register").await.1.contains("href=\"/auth/guest\""));
    let (_, to) = bob.send_form("/auth/guest", "forget_me", &[]).await;
    assert!(bob.page(&to).await.1.contains("We’ve forgotten you"));
    assert!(bob.cookie().is_none());
    assert!(bob.page("/auth/guest").await.1.contains("There’s nothing to forget"));
}
