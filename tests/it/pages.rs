//! Which page each address shows.

use anonchat::protocol::{Page, RoomAccess, RoomType, Visit, addresses};
use reqwest::Method;

use super::wire::{Answer, ask};
use crate::support::{Guest, Node, Settings};

/// A node that needs no built site: its pages use the plain names of the files.
async fn node() -> Node {
    Node::start(&Settings::embedded().with("LEPTOS_HASH_FILES", "false")).await
}

/// The status and the title of a page.
async fn page(guest: &Guest, path: &str) -> (u16, String) {
    let page =
        ask(guest.request(Method::GET, path).header("accept", "text/html").header("accept-language", "en")).await;
    let title = page.text.split_once("<title>").and_then(|(_, rest)| Some(rest.split_once("</title>")?.0.to_owned()));
    (page.status, title.unwrap_or_default())
}

#[tokio::test]
async fn every_page_has_a_route() {
    let node = node().await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let code = ada.create(RoomType::Group, false).await.room.code;
    let (_, unknown) = page(&ada, "/nothing").await;
    let (_, no_code) = page(&ada, &format!("{}x", addresses::NEW_ROOM)).await;
    for path in addresses::PAGES.iter().map(|path| (*path).to_owned()).chain([addresses::room(code)]) {
        let (status, title) = page(&ada, &path).await;
        let is_link_without_token = [addresses::RESET_PASSWORD, addresses::VERIFY_EMAIL].contains(&&*path);
        assert_eq!(status, if is_link_without_token { 400 } else { 200 }, "{path}");
        assert!(!title.is_empty() && title != unknown && title != no_code, "{path}: {title}");
    }
}

#[tokio::test]
async fn the_shell_is_the_same_for_everybody_and_allows_its_scripts_by_their_digests() {
    let node = node().await;
    let (ada, _) = Guest::registered(&node, "Ada Lovelace").await;
    let code = ada.create(RoomType::Group, true).await.room.code;
    let shell = async |guest: &Guest, query: &str| {
        ask(guest.request(Method::GET, &format!("{}{query}", addresses::SHELL)).header("accept", "text/html")).await
    };
    let [own, other] = [shell(&ada, "").await, shell(&Guest::new(&node, ""), "").await];
    assert_eq!((own.status, own.header("cache-control")), (200, "no-cache"));
    assert_eq!(own.text, other.text);
    for secret in ["Ada Lovelace", code.as_str(), "nonce", "data-who"] {
        assert!(!own.text.contains(secret), "{secret}");
    }
    let policy = own.header("content-security-policy");
    let scripts = own.text.matches("<script").count();
    assert!(scripts > 1 && policy.matches("'sha256-").count() == scripts, "{policy}");
    assert!(!policy.contains("nonce-") && !policy.contains("unsafe-inline"), "{policy}");

    let german = shell(&ada, "?language=de&theme=dark&accent=rose&text_size=large&hours=24&show_marks=true").await;
    for part in
        [r#"lang="de""#, r#"data-theme="dark""#, r#"data-accent="rose""#, r#"data-show-marks="true""#, "Wird geladen…"]
    {
        assert!(german.text.contains(part), "{part}");
    }
    let nonsense = shell(&ada, "?language=xx").await;
    assert_eq!((nonsense.status, nonsense.text), (200, own.text));
}

#[tokio::test]
async fn the_page_the_socket_and_the_list_of_files_name_one_build() {
    let node = node().await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let listed = ask(ada.request(Method::GET, "/shell.json")).await.json();
    let version = listed["version"].as_str().unwrap();
    let home = ask(ada.request(Method::GET, "/").header("accept", "text/html")).await;
    assert!(home.text.contains(&format!(r#"data-version="{version}""#)));
    let files: Vec<&str> = listed["files"].as_array().unwrap().iter().filter_map(|file| file.as_str()).collect();
    for file in [
        "/shell",
        &format!("/store.js?v={version}"),
        &format!("/window.js?v={version}"),
        &format!("/messages.js?v={version}"),
    ] {
        assert!(files.contains(&file), "{files:?}");
    }
}

#[tokio::test]
async fn every_other_address_says_that_there_is_nothing() {
    let node = node().await;
    let stranger = Guest::new(&node, "");
    for path in
        ["/nothing", "/rooms", "/rooms/", "/rooms/K7M2QX/more", "/rooms/%FF", "/auth", "/auth/", "/preferences/nothing"]
    {
        assert_eq!(page(&stranger, path).await, (404, "Page not found · AnonChat".to_owned()), "{path}");
    }
    let (status, title) = page(&stranger, "/auth/nothing").await;
    assert_eq!((status, title), (404, page(&stranger, addresses::LOG_IN).await.1));
    let (status, title) = page(&stranger, "/rooms/nothing").await;
    assert_eq!(status, 200, "{title}: the form with the code to correct");
}

#[tokio::test]
async fn a_page_of_an_account_leads_to_the_form_that_logs_in_and_back() {
    let node = node().await;
    let stranger = Guest::new(&node, "");
    let own = addresses::PAGES.iter().filter(|path| path.starts_with(addresses::PREFERENCES));
    for path in own.chain([&addresses::DASHBOARD]) {
        assert_eq!(stranger.led_on(path).await, Some(addresses::with_next(addresses::LOG_IN, path)));
    }
}

#[tokio::test]
async fn the_installed_app_opens_where_its_person_is() {
    let node = node().await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let (bob, cleo) = (Guest::new(&node, "Bob"), Guest::new(&node, "Cleo"));
    let code = bob.create(RoomType::Group, false).await.room.code;
    cleo.join(code).await;
    cleo.leave(code).await;
    let room = addresses::room(code);
    let people = [(&ada, addresses::DASHBOARD), (&bob, &*room), (&cleo, "/"), (&Guest::new(&node, ""), "/")];
    for (person, address) in people {
        assert_eq!(person.led_on(addresses::OPEN).await.as_deref(), Some(address));
        // What is shared opens the app as well, in case that no service worker receives it. Then the words are lost.
        let shared = ask(person.request(Method::POST, addresses::SHARE).form(&[("text", "Words to share")])).await;
        assert_eq!((shared.status, shared.text.contains("Words to share")), (200, false), "redirected to {address}");
        assert_eq!(person.page("/").await.0, 200, "the start page stays the start page for whoever types its address");
    }
}

#[tokio::test]
async fn a_qr_code_is_the_same_for_everybody_and_for_every_code() {
    let node = node().await;
    let (ada, stranger) = (Guest::new(&node, "Ada"), Guest::new(&node, ""));
    let code = ada.create(RoomType::Group, false).await.room.code;
    let qr = async |guest: &Guest, path: &str| ask(guest.request(Method::GET, path)).await;
    let [own, foreign] = [qr(&ada, &addresses::room_qr(code)).await, qr(&stranger, &addresses::room_qr(code)).await];
    assert_eq!((own.status, own.header("content-type")), (200, "image/svg+xml"));
    assert_eq!((own.header("cache-control"), own.header("set-cookie")), ("no-store", ""));
    assert_eq!(own.text, foreign.text);
    let unknown = qr(&ada, "/rooms/ZZZZZZ/qr.svg").await;
    let seen = |answer: &Answer| {
        let headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        let size = answer.text.split_once(" shape-rendering").map(|(size, _)| size.to_owned());
        (answer.status, headers, size.expect("a picture"))
    };
    assert_eq!(seen(&unknown), seen(&own));
    assert_eq!(qr(&ada, "/rooms/nothing/qr.svg").await.status, 400);
}

#[tokio::test]
async fn the_content_of_a_page_is_that_of_its_document_and_stored_by_nobody() {
    let node = node().await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let (bob, code) = (Guest::new(&node, "Bob"), ada.create(RoomType::Group, true).await.room.code);
    ada.say(code, "Hello").await;
    let content = async |guest: &Guest, path: &str| ask(guest.request(Method::GET, &addresses::content(path))).await;

    let room = content(&ada, &addresses::room(code)).await;
    assert_eq!((room.status, room.header("cache-control")), (200, "no-store"));
    let visit: Visit = serde_json::from_str(&room.text).unwrap();
    assert!(matches!(&visit.page, Page::Room { access: Ok(RoomAccess::Inside(snapshot)), .. } if snapshot.head == 2));
    assert_eq!(visit.rooms.unwrap().len(), 1);
    for path in [addresses::HOME, addresses::DASHBOARD, addresses::NEW_ROOM] {
        let visit: Visit = serde_json::from_str(&content(&ada, path).await.text).unwrap();
        assert_eq!(visit.account.unwrap().name.as_str(), "Ada", "{path}");
    }

    // A stranger learns from it what the door shows, and nothing of the room.
    let door = content(&bob, &addresses::room(code)).await;
    assert!(!door.text.contains("Hello") && !door.text.contains("Ada"), "{}", door.text);
    let visit: Visit = serde_json::from_str(&door.text).unwrap();
    assert!(matches!(visit.page, Page::Room { access: Ok(RoomAccess::Outside(_)), .. }));
    let visit: Visit = serde_json::from_str(&content(&bob, "/rooms/nothing").await.text).unwrap();
    assert!(matches!(visit.page, Page::NoCode { .. }));
    // Who has to log in gets no content, so that the app loads the document, which leads there.
    let list = content(&bob, addresses::DASHBOARD).await;
    assert_eq!((list.status, list.text.as_str()), (204, ""));
}
