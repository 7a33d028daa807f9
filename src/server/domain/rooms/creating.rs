//! Creating a room, and recognising a repeated request to create one.

use std::time::Duration;

use uuid::Uuid;

use super::{
    super::{errors::store_failed, guests},
    entering::{DRAWS, Entered, Entrant, enter, entrant_of, may_be_in_another, remember_name},
    fields::{optional, read_nickname, read_room_name},
    leaving,
    membership::membership,
};
use crate::{
    protocol::{Code, CreateRoom, Language, Nickname, Person, Problem, Retention, RoomCode, RoomType, friendly_name},
    server::{
        app::{Actor, App, Visitor},
        clock, random,
        store::{Conflict, Gone, MemberRecord, RoomId, RoomRecord, StoreError},
        token::{GuestToken, id_of_digest},
    },
};

/// A repeated request to create a room returns the first request's room for this long.
const REPEAT_WINDOW: Duration = Duration::from_mins(10);

/// Creates a room. The visitor becomes its owner and first member. With `leave`, the visitor first leaves that room.
pub async fn create(
    app: &App,
    visitor: &Visitor,
    wanted: CreateRoom,
    leave: Option<RoomCode>,
) -> Result<Entered, Problem> {
    let mut request = Request::of(app, &wanted);
    let name = optional(wanted.name.as_deref(), read_room_name)?;
    let nickname = optional(wanted.nickname.as_deref(), read_nickname)?;
    if let Some(asked) = &request {
        match app.store.room(asked.room).await {
            Ok(room) => match room_of_repeat(app, visitor, asked, room).await? {
                Some(entered) => return Ok(entered),
                None => request = None,
            },
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(store_failed(error)),
        }
    }
    app.limits.create(visitor.client).await?;
    may_be_in_another(app, visitor).await?;
    if wanted.preserve {
        let budget = app.storage_budgets.make_room(visitor.client, visitor.actor.as_ref().map(Actor::id)).await;
        budget.map_err(|problem| Problem { field: Some("preserve".to_owned()), ..problem })?;
    }
    let Entrant { actor, newcomer, session, name: nickname } = match &request {
        Some(request) if visitor.actor.is_none() => request.entrant(nickname, visitor.language),
        _ => entrant_of(visitor, nickname),
    };
    if let Some(code) = leave.filter(|_| visitor.actor.is_some()) {
        leaving::leave(app, visitor, code).await?;
    }
    let slot = (wanted.room_type == RoomType::P2p).then_some(0);
    for _ in 0..DRAWS {
        let id = request.as_ref().map_or_else(|| RoomId(random::uuid()), |request| request.room);
        let (owner, now) = (random::member_id(), clock::now());
        let room = RoomRecord {
            id,
            code: random::room_code(),
            room_type: wanted.room_type,
            name: name.clone(),
            retention: Retention::from(wanted.preserve),
            peek: true,
            epoch: random::epoch(),
            owner,
            created_at: now,
            touched_at: now,
            visited_at: now,
            gone: Gone::default(),
        };
        let person = Person { id: owner, name: nickname.clone() };
        let member = MemberRecord { slot, ..MemberRecord::new(id, person, actor.id(), now) };
        match app.store.create_room(&room, &member, newcomer.as_ref()).await {
            Ok(()) => {
                remember_name(app, &actor, &nickname).await;
                return enter(app, &actor, room.code, member, session).await;
            }
            Err(StoreError::Conflict(Conflict::CodeTaken | Conflict::MemberIdTaken)) => {}
            Err(StoreError::Conflict(Conflict::Elsewhere(code))) => {
                return match created_by_copy(app, visitor, request.as_ref()).await? {
                    Some(entered) => Ok(entered),
                    None => Err(Problem::already_in_room(code)),
                };
            }
            Err(error) => {
                return match created_by_copy(app, visitor, request.as_ref()).await? {
                    Some(entered) => Ok(entered),
                    None => Err(store_failed(error)),
                };
            }
        }
    }
    Err(Problem::new(Code::Overloaded, "Couldn’t create the room. Try again."))
}

/// A create request that carries a client-made id, so that a repeat of it (a button pressed twice) can be recognised.
///
/// The room's id is derived from the whole request, so of two simultaneous copies only one can insert the room. The
/// guest's id and secret are derived from it as well, so both responses set the same cookie.
struct Request {
    room: RoomId,
    guest: Uuid,
    secret: [u8; 32],
}

impl Request {
    fn of(app: &App, wanted: &CreateRoom) -> Option<Self> {
        wanted.id?;
        let text = serde_json::to_vec(wanted).ok()?;
        let id = |name| id_of_digest(app.keys.of_request(name, &text));
        let secret = app.keys.of_request("secret", &text);
        Some(Self { room: RoomId(id("room")), guest: id("guest"), secret })
    }

    fn entrant(&self, nickname: Option<Nickname>, language: Language) -> Entrant {
        let name = nickname.unwrap_or_else(|| friendly_name(language, random::below(u32::MAX)));
        let (guest, session) = guests::begin_as(&name, self.guest, GuestToken::of(self.secret));
        Entrant { actor: Actor::Guest(guest.clone()), newcomer: Some(guest), session: Some(session), name }
    }
}

/// The room that an earlier copy of this request created within the last [`REPEAT_WINDOW`]. `None` if the visitor is
/// not in it.
async fn room_of_repeat(
    app: &App,
    visitor: &Visitor,
    request: &Request,
    room: RoomRecord,
) -> Result<Option<Entered>, Problem> {
    if clock::now() - room.created_at > clock::millis(REPEAT_WINDOW) {
        return Ok(None);
    }
    let token = GuestToken::of(request.secret);
    let (actor, session) = match &visitor.actor {
        Some(actor) => (Some(actor.clone()), None),
        None => (guests::identify(app, &token).await?, Some(token)),
    };
    let Some(actor) = actor else { return Ok(None) };
    match membership(app, actor.id(), room.code).await {
        Ok((_, member)) => enter(app, &actor, room.code, member, session).await.map(Some),
        Err(problem) if matches!(problem.code, Code::RoomUnavailable | Code::NotAMember | Code::Removed) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Looks the room of `request` up again, after inserting it failed: a simultaneous copy of the request may have created
/// it meanwhile.
async fn created_by_copy(app: &App, visitor: &Visitor, request: Option<&Request>) -> Result<Option<Entered>, Problem> {
    let Some(request) = request else { return Ok(None) };
    match app.store.room(request.room).await {
        Ok(room) => room_of_repeat(app, visitor, request, room).await,
        Err(_) => Ok(None),
    }
}
