//! The content of the pages about rooms.

use axum::response::{IntoResponse, Response};

use super::request::{Loaded, PageRequest};
use crate::{
    protocol::{
        Identity, JoinOffer, LocalTime, MailReach, Page, Problem, RefusedForm, RoomAccess, RoomCode, RoomSummary,
        Visit, addresses,
    },
    server::{
        app::Visitor,
        domain::{
            lists,
            room_export::{self, ExportFormat},
            rooms,
        },
        http::{download::download, problem::Refusal},
        store::readable,
    },
    visit::Appearance,
};

pub async fn home(request: &PageRequest) -> Loaded<Visit> {
    let (offer, problem) = split(offer(request).await);
    Loaded { visit: visit(request, Page::Home(offer), None), problem }
}

/// Where the installed app opens: at the list of an account, in the room of a guest, or else at the start page.
pub async fn opening(request: &PageRequest) -> String {
    let Ok(visitor) = request.visitor() else { return addresses::HOME.to_owned() };
    if visitor.account().is_ok() {
        return addresses::DASHBOARD.to_owned();
    }
    // If the store fails, the start page reports it.
    let room = rooms::current_room_code(request.app(), visitor).await.unwrap_or_default();
    room.map_or_else(|| addresses::HOME.to_owned(), addresses::room)
}

/// The form that makes a room.
pub async fn new_room(request: &PageRequest) -> Loaded<Visit> {
    let (offer, problem) = split(offer_to_make(request).await);
    Loaded { visit: visit(request, Page::NewRoom(offer), None), problem }
}

/// The rooms of an account. With `all`, a long list is shown as a whole.
pub async fn dashboard(request: &PageRequest, all: bool) -> Loaded<Visit> {
    let (offer, problem) = split(offer(request).await);
    let (rooms, unlisted) = split(list(request).await);
    let visit = visit(request, Page::Dashboard { offer, all }, rooms.flatten());
    Loaded { visit, problem: problem.or(unlisted) }
}

/// The page of a room's link.
pub async fn room(request: &PageRequest, code: RoomCode) -> Loaded<Visit> {
    // The list does not depend on the room, so neither waits for the other.
    let (access, rooms) = tokio::join!(access(request, code), list(request));
    let problem = access.as_ref().err().cloned();
    // A room is shown without the list if only the list failed.
    let rooms = rooms.ok().flatten();
    Loaded { visit: visit(request, Page::Room { code, access }, rooms), problem }
}

/// The file with the saved messages of a room. `format` writes it, in the look and the time zone of this request.
pub async fn room_file<F: ExportFormat>(
    request: &PageRequest,
    code: &str,
    format: impl FnOnce(Appearance, Option<LocalTime>) -> F,
) -> Response {
    let begun = async {
        let code: RoomCode = code.parse()?;
        // Zones have had few changes since the first message of the oldest room.
        let format = format(request.appearance(), request.local_time(Some(0)));
        let pieces = room_export::of(request.app(), request.visitor()?, code, format).await?;
        Ok::<_, Problem>(download(pieces, "text/html; charset=utf-8", &format!("anonchat-{code}.html")))
    };
    begun.await.unwrap_or_else(|problem| Refusal(problem).into_response())
}

/// The page of a room's link that ends in no valid code.
pub async fn no_code(request: &PageRequest, text: String) -> Loaded<Visit> {
    let (offer, problem) = split(offer(request).await);
    Loaded { visit: visit(request, Page::NoCode { text, offer }, None), problem }
}

/// The page that says that there is none. It shows no account.
pub fn not_found(request: &PageRequest) -> Loaded<Visit> {
    Visit { account: None, ..visit(request, Page::NotFound, None) }.into()
}

fn visit(request: &PageRequest, page: Page, rooms: Option<Vec<RoomSummary>>) -> Visit {
    let refused_form = match request.query::<RefusedForm>() {
        Some(fields) => RefusedForm { refused: request.refused(), ..fields },
        None => RefusedForm::default(),
    };
    let account = request.visitor().ok().and_then(identity);
    let mut visit = Visit { page, refused_form, account, rooms, local: None, kept_at: None };
    visit.local = request.local_time(visit.oldest());
    visit
}

fn identity(visitor: &Visitor) -> Option<Identity> {
    let (account, _) = visitor.account().ok()?;
    Some(Identity {
        name: account.name.clone(),
        notify: account.preferences.notify,
        sound: account.preferences.sound,
        shows_read: account.preferences.show_read,
        reach: match (&account.email, &account.claimed) {
            (Some(_), _) => MailReach::Proved,
            (None, Some(claimed)) => MailReach::Claimed(readable(claimed.as_str())),
            (None, None) => MailReach::Nowhere,
        },
    })
}

/// What the form for joining a room offers.
async fn offer(request: &PageRequest) -> Result<JoinOffer, Problem> {
    rooms::entrance(request.app(), request.visitor()?, || request.pick_nickname()).await
}

/// What the form for making a room offers.
async fn offer_to_make(request: &PageRequest) -> Result<JoinOffer, Problem> {
    rooms::entrance_to_new(request.app(), request.visitor()?, || request.pick_nickname()).await
}

async fn access(request: &PageRequest, code: RoomCode) -> Result<RoomAccess, Problem> {
    rooms::open_door(request.app(), request.visitor()?, code, || request.pick_nickname()).await
}

/// The rooms of the account that is logged in. `None` for every other visitor.
async fn list(request: &PageRequest) -> Result<Option<Vec<RoomSummary>>, Problem> {
    match request.visitor() {
        Ok(visitor) if visitor.account().is_ok() => lists::overview(request.app(), visitor).await.map(Some),
        _ => Ok(None),
    }
}

fn split<T>(outcome: Result<T, Problem>) -> (Option<T>, Option<Problem>) {
    match outcome {
        Ok(found) => (Some(found), None),
        Err(problem) => (None, Some(problem)),
    }
}
