//! The addresses of the pages, each written once. The router, the server's redirects, the letters and the links of the
//! pages all use these.
//!
//! Not here: the addresses of REST and of the socket, which `docs/protocol.md` describes, and those of static files.

use super::RoomCode;

/// The start page.
pub const HOME: &str = "/";
/// The rooms of an account.
pub const DASHBOARD: &str = "/dashboard";
/// The form that makes a room.
pub const NEW_ROOM: &str = "/rooms/new";
/// The beginning of the path of every room.
const ROOMS: &str = "/rooms/";
/// The route of a room's page. [`room`] is the address of one.
pub const ROOM_ROUTE: &str = "/rooms/{code}";
/// The route of the picture of a room's link. [`room_qr`] is the address of one.
pub const ROOM_QR_ROUTE: &str = "/rooms/{code}/qr.svg";
/// The route of the file with a room's saved messages. [`room_file`] is the address of one.
pub const ROOM_FILE_ROUTE: &str = "/rooms/{code}/messages.html";

/// The form that registers an account.
pub const REGISTER: &str = "/auth/register";
/// The form that logs in.
pub const LOG_IN: &str = "/auth/login";
/// The form for a mailed code.
pub const LOG_IN_CODE: &str = "/auth/code";
/// The form that asks for a link to set a password.
pub const FORGOT_PASSWORD: &str = "/auth/forgot-password";
/// The page of a mailed link that sets a password.
pub const RESET_PASSWORD: &str = "/auth/reset-password";
/// The page of a mailed link that proves an email address.
pub const VERIFY_EMAIL: &str = "/auth/verify";
/// The page that shows what the server stores of a guest, with the button that deletes it.
pub const GUEST: &str = "/auth/guest";
/// The route of every page about accounts, also of those that do not exist.
pub const AUTH_ROUTE: &str = "/auth/{page}";

/// The first page of the preferences: appearance and language.
pub const PREFERENCES: &str = "/preferences";
/// The preferences of notifications and of what others see.
pub const PREFERENCES_CHATTING: &str = "/preferences/chatting";
/// The name, the email address and the password.
pub const PREFERENCES_ACCOUNT: &str = "/preferences/account";
/// The browsers that are logged in.
pub const PREFERENCES_DEVICES: &str = "/preferences/devices";
/// The download of one's data, and the deletion of the account.
pub const PREFERENCES_DATA: &str = "/preferences/data";

/// Where the installed app opens. It redirects to the list of rooms, to the room of a guest, or to the start page.
pub const OPEN: &str = "/open";
/// Where the installed app receives what is shared with it. The service worker answers; the server only opens the app.
pub const SHARE: &str = "/share";

/// The application without data, which service workers store.
pub const SHELL: &str = "/shell";

/// The web app manifest.
pub const MANIFEST: &str = "/manifest.json";

/// Every page with an address of its own. The pages of rooms have [`room`].
pub const PAGES: &[&str] = &[
    HOME,
    DASHBOARD,
    NEW_ROOM,
    REGISTER,
    LOG_IN,
    LOG_IN_CODE,
    FORGOT_PASSWORD,
    RESET_PASSWORD,
    VERIFY_EMAIL,
    GUEST,
    PREFERENCES,
    PREFERENCES_CHATTING,
    PREFERENCES_ACCOUNT,
    PREFERENCES_DEVICES,
    PREFERENCES_DATA,
];

/// Whether the app shows the page at this path itself, without loading a document. The pages about accounts and the
/// preferences are documents.
pub fn is_of_app(path: &str) -> bool {
    [HOME, DASHBOARD, NEW_ROOM].contains(&path) || path.starts_with(ROOMS)
}

/// The content of a page of the app as JSON. An address of its own, because a browser may store the answer to an
/// address and show it when the reader comes back to that address.
pub fn content(path: &str) -> String {
    format!("/visit{path}")
}

/// The page of a room.
pub fn room(code: RoomCode) -> String {
    format!("/rooms/{code}")
}

/// The picture of a room's link, a QR code.
pub fn room_qr(code: RoomCode) -> String {
    format!("/rooms/{code}/qr.svg")
}

/// The saved messages of a room as a file to read.
pub fn room_file(code: RoomCode) -> String {
    format!("/rooms/{code}/messages.html")
}

/// The saved messages of a room as a file for programs.
pub fn room_data(code: RoomCode) -> String {
    format!("/api/chats/export?code={code}")
}

/// A page about accounts that goes on to `next` afterwards. `next` is a path of this site whose characters need no
/// escape in a query.
pub fn with_next(page: &str, next: &str) -> String {
    format!("{page}?next={next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_room_fits_its_route_and_is_read_as_the_code() {
        let code: RoomCode = "K7M2QX".parse().unwrap();
        assert_eq!(room(code), ROOM_ROUTE.replace("{code}", "K7M2QX"));
        assert_eq!(room_qr(code), ROOM_QR_ROUTE.replace("{code}", "K7M2QX"));
        assert_eq!(room_file(code), ROOM_FILE_ROUTE.replace("{code}", "K7M2QX"));
        assert_eq!(room(code).parse(), Ok(code));
        assert!(NEW_ROOM.parse::<RoomCode>().is_err(), "a link to the form is no link to a room");
    }

    #[test]
    fn the_pages_of_accounts_are_not_of_the_app() {
        let is_document = |page: &&&str| page.starts_with("/auth/") || page.starts_with(PREFERENCES);
        let (documents, app): (Vec<&str>, Vec<&str>) = PAGES.iter().partition(is_document);
        assert!(documents.into_iter().all(|page| !is_of_app(page)));
        assert!(app.into_iter().all(is_of_app));
        assert!(is_of_app("/rooms/K7M2QX") && !is_of_app("/api/rooms") && !is_of_app("/roomsX"));
    }

    #[test]
    fn no_two_pages_share_an_address() {
        for (at, page) in PAGES.iter().enumerate() {
            assert!(page.starts_with('/') && !PAGES[at + 1..].contains(page), "{page}");
        }
    }

    #[test]
    fn a_page_about_accounts_can_go_on_to_a_room() {
        let next = room("K7M2QX".parse().unwrap());
        assert_eq!(with_next(LOG_IN, &next), "/auth/login?next=/rooms/K7M2QX");
    }
}
