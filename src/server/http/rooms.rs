//! REST: rooms.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use axum_extra::extract::CookieJar;

use super::{
    cookies,
    extract::{Json, Path, Query},
    problem::Refusal,
};
use crate::{
    protocol::{
        AllowPeek, AwayQuery, CreateRoom, FreePlace, GiveRoom, JoinRoom, KeepRoom, KickMember, LeaveRoom, MuteRoom,
        Notify, NotifyOfRoom, Peek, PeekRoom, PreserveRoom, Problem, RenameRoom, RoomCode, RoomSummary, Snapshot,
    },
    server::{
        app::{App, Visitor},
        domain::{
            keeping, lists,
            rooms::{self, Entered},
        },
    },
};

type Answer<T> = Result<T, Refusal>;

fn entered_response(
    app: &App,
    jar: CookieJar,
    Entered { snapshot, session, .. }: Entered,
) -> impl IntoResponse + use<> {
    let jar = session.into_iter().fold(jar, |jar, session| jar.add(cookies::of_guest(&app.config, &session)));
    let json = HeaderValue::from_static("application/json");
    (jar, [(header::CONTENT_TYPE, json)], snapshot.into_json())
}

/// Create a room.
///
/// You become its owner and first member. If you have no session, the response sets a guest's session cookie.
#[utoipa::path(post, path = "/api/rooms/create", tag = "rooms", request_body = CreateRoom, responses(
    (status = 201, description = "The new room, with you as its only member.", body = Snapshot),
))]
pub async fn create_room(
    State(app): State<App>,
    visitor: Visitor,
    jar: CookieJar,
    Json(body): Json<CreateRoom>,
) -> Answer<impl IntoResponse> {
    Ok((StatusCode::CREATED, entered_response(&app, jar, rooms::create(&app, &visitor, body, None).await?)))
}

/// Join a room by its code.
///
/// If you have no session, the response sets a guest's session cookie. Joining a room that you are in changes nothing.
#[utoipa::path(post, path = "/api/rooms/join", tag = "rooms", request_body = JoinRoom, responses(
    (status = 200, description = "The room, with you as a member.", body = Snapshot),
))]
pub async fn join_room(
    State(app): State<App>,
    visitor: Visitor,
    jar: CookieJar,
    Json(body): Json<JoinRoom>,
) -> Answer<impl IntoResponse> {
    Ok(entered_response(&app, jar, rooms::join(&app, &visitor, body, None).await?))
}

/// Ask what a room shows before you join.
///
/// The request counts as a try to join: wrong codes are refused in the same words, and slow down the next tries.
/// The answer contains nothing of any member or message, and only `null` if the owner has turned this off.
#[utoipa::path(post, path = "/api/rooms/peek", tag = "rooms", request_body = PeekRoom, responses(
    (status = 200, description = "You can join the room.", body = Peek, examples(
        ("shown" = (summary = "A group", value = json!({
            "room": { "type": "group", "name": "Book club", "preserve": true, "members": 5 }
        }))),
        ("hidden" = (summary = "A room that shows nothing", value = json!({ "room": null }))),
    )),
))]
pub async fn peek_room(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<PeekRoom>,
) -> Answer<axum::Json<Peek>> {
    Ok(axum::Json(rooms::peek(&app, &visitor, body).await?))
}

/// Leave a room at once.
#[utoipa::path(post, path = "/api/rooms/leave", tag = "rooms", request_body = LeaveRoom, responses(
    (status = 204, description = "You have left the room, or you were not in it."),
))]
pub async fn leave_room(State(app): State<App>, visitor: Visitor, Json(body): Json<LeaveRoom>) -> Answer<StatusCode> {
    rooms::leave(&app, &visitor, read_code(&body.code)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a member, who cannot join again. Only for the owner.
#[utoipa::path(post, path = "/api/rooms/kick", tag = "rooms", request_body = KickMember, responses(
    (status = 204, description = "The member is removed."),
))]
pub async fn kick_member(State(app): State<App>, visitor: Visitor, Json(body): Json<KickMember>) -> Answer<StatusCode> {
    rooms::kick(&app, &visitor, read_code(&body.code)?, body.member_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give the room to another member. Only for the owner.
#[utoipa::path(post, path = "/api/rooms/owner", tag = "rooms", request_body = GiveRoom, responses(
    (status = 204, description = "The member owns the room, or owned it already."),
))]
pub async fn give_room(State(app): State<App>, visitor: Visitor, Json(body): Json<GiveRoom>) -> Answer<StatusCode> {
    rooms::give(&app, &visitor, read_code(&body.code)?, body.member_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Free the place in a room for two that is kept for an absent guest, so that somebody else can join.
#[utoipa::path(post, path = "/api/rooms/free", tag = "rooms", request_body = FreePlace, responses(
    (status = 204, description = "The room keeps no place for an absent guest."),
))]
pub async fn free_place(State(app): State<App>, visitor: Visitor, Json(body): Json<FreePlace>) -> Answer<StatusCode> {
    rooms::free(&app, &visitor, read_code(&body.code)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Report that a page is being closed.
///
/// A guest without another connection then leaves the room sooner, unless they come back. For an account this does
/// nothing.
#[utoipa::path(post, path = "/api/rooms/away", tag = "rooms", params(AwayQuery), responses(
    (status = 204, description = "The server has received the report."),
))]
pub async fn report_away(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<AwayQuery>,
) -> Answer<StatusCode> {
    rooms::away(&app, &visitor, read_code(&query.code)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change or remove a room's name. Only for the owner.
#[utoipa::path(put, path = "/api/rooms/name", tag = "rooms", request_body = RenameRoom, responses(
    (status = 204, description = "The room has the new name."),
))]
pub async fn rename_room(State(app): State<App>, visitor: Visitor, Json(body): Json<RenameRoom>) -> Answer<StatusCode> {
    rooms::rename(&app, &visitor, read_code(&body.code)?, body.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Turn preserve on or off for what follows. Only for the owner.
#[utoipa::path(put, path = "/api/rooms/preserve", tag = "rooms", request_body = PreserveRoom, responses(
    (status = 204, description = "The room has the setting, or had it already."),
))]
pub async fn preserve_room(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<PreserveRoom>,
) -> Answer<StatusCode> {
    rooms::preserve(&app, &visitor, read_code(&body.code)?, body.preserve).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Choose whether people with the code see the room before they join. Only for the owner.
#[utoipa::path(put, path = "/api/rooms/peek", tag = "rooms", request_body = AllowPeek, responses(
    (status = 204, description = "The room has the setting, or had it already."),
))]
pub async fn allow_peek(State(app): State<App>, visitor: Visitor, Json(body): Json<AllowPeek>) -> Answer<StatusCode> {
    rooms::allow_peek(&app, &visitor, read_code(&body.code)?, body.peek).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mute a room for yourself, or leave its notifications to your preferences. Other members do not see this.
#[utoipa::path(put, path = "/api/rooms/mute", tag = "rooms", request_body = MuteRoom, responses(
    (status = 204, description = "The notifications have the setting, or had it already."),
))]
pub async fn mute_room(State(app): State<App>, visitor: Visitor, Json(body): Json<MuteRoom>) -> Answer<StatusCode> {
    let notify = body.muted.then_some(Notify::None);
    rooms::set_notify(&app, &visitor, read_code(&body.code)?, notify).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Choose which messages of a room cause a notification for you. Other members do not see this.
#[utoipa::path(put, path = "/api/rooms/notify", tag = "rooms", request_body = NotifyOfRoom, responses(
    (status = 204, description = "The notifications have the setting, or had it already."),
))]
pub async fn notify_of_room(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<NotifyOfRoom>,
) -> Answer<StatusCode> {
    rooms::set_notify(&app, &visitor, read_code(&body.code)?, body.notify).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Request a mailed link that keeps your guest's room.
///
/// Only for guests. The link leads back to the room, and to registering an account that takes over the guest's place.
#[utoipa::path(post, path = "/api/rooms/keep", tag = "rooms", request_body = KeepRoom, responses(
    (status = 204, description = "The server sends the mail."),
))]
pub async fn keep_room(State(app): State<App>, visitor: Visitor, Json(body): Json<KeepRoom>) -> Answer<StatusCode> {
    keeping::keep_room(&app, &visitor, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the rooms that you are in, newest first.
///
/// A guest is in one at most.
#[utoipa::path(get, path = "/api/rooms/my-rooms", tag = "rooms", responses(
    (status = 200, description = "The rooms, each with a summary of what happened last.", body = Vec<RoomSummary>, examples(
        ("group" = (summary = "A group with unread messages", value = json!([{
            "code": "EAMA8T", "type": "group", "name": "Book club", "preserve": true, "members": 5, "head": 42,
            "at": 1_795_259_559_623_i64,
            "last": { "seq": 42, "author": "Ada", "mine": false, "text": "Hello, Bob. Did you finish it?" },
            "unread": 3, "mentioned": true, "mention": 42, "muted": false
        }]))),
        ("p2p" = (summary = "A room for two that the reader has just entered", value = json!([{
            "code": "Z279JD", "type": "p2p", "name": null, "preserve": false, "members": 2,
            "other": { "id": 2_718_281_828_u64, "name": "Cyd", "connected": true },
            "head": 2, "at": 1_795_259_604_669_i64, "newcomer": { "seq": 2, "name": "Cyd" },
            "unread": 0, "mentioned": false, "muted": true, "notify": "none"
        }]))),
    )),
))]
pub async fn list_my_rooms(State(app): State<App>, visitor: Visitor) -> Answer<axum::Json<Vec<RoomSummary>>> {
    Ok(axum::Json(lists::overview(&app, &visitor).await?))
}

/// Get a room that you are in.
#[utoipa::path(get, path = "/api/rooms/{code}", tag = "rooms", params(("code" = RoomCode, Path)), responses(
    (status = 200, description = "The room as you see it.", body = Snapshot),
))]
pub async fn view_room(
    State(app): State<App>,
    visitor: Visitor,
    Path(code): Path<String>,
) -> Answer<axum::Json<Snapshot>> {
    Ok(axum::Json(rooms::view(&app, &visitor, read_code(&code)?).await?))
}

fn read_code(text: &str) -> Result<RoomCode, Problem> {
    Ok(text.parse::<RoomCode>()?)
}
