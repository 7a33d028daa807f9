//! Rooms: the use cases that create, join, leave and show a room, and those that only its owner may call.
//!
//! Each function checks the typed input, takes from the client's quotas (`app.limits`, `app.storage_budgets`), and then
//! writes. A join or a leave changes the member record in the store first. The record then owes the log a notice
//! (`Owed`), which the engine appends. Most owner actions are commands to the room's task, whose judge
//! (`room/judge.rs`) refuses them by the state of the log. A removal changes a record first, so the store itself checks
//! in the same transaction that the remover owns the room.
//!
//! Not here: the order of events and the live rooms (`room/`), messages (`messages.rs`), and lists of rooms (`lists/`).

use std::time::Duration;

use uuid::Uuid;

use super::{
    errors::store_failed,
    guests,
    notices::{refresh_lists, refresh_lists_now, send_notice},
};
use crate::{
    protocol::{
        ClientId, Code, CreateRoom, JoinOffer, JoinRoom, MemberId, Nickname, Problem, Reason, Retention, RoomAccess,
        RoomCode, RoomName, RoomType, Snapshot, friendly_name, limits,
    },
    server::{
        app::{Actor, App, Visitor},
        clock, random,
        room::{Command, Discretion, EncodedSnapshot, ResumePoint, member_gone, not_owner},
        socket::Connection,
        store::{
            ActorId, Conflict, GuestRecord, Joining, MemberRecord, Membership, Owed, Presence, RoomId, RoomRecord,
            StoreError,
        },
        text,
        token::{GuestToken, id_of_digest},
    },
};

/// Random room codes or member ids that are tried before the request fails. With 2^30 codes a second try is rare.
const DRAWS: usize = 16;
/// A repeated request to create a room returns the first request's room for this long.
const REPEAT_WINDOW: Duration = Duration::from_mins(10);

/// The result of a successful create or join.
pub struct Entered {
    /// The code of the room.
    pub room: RoomCode,
    /// The room as the new member sees it, already encoded as JSON.
    pub snapshot: EncodedSnapshot,
    /// The token of the new guest session, for the cookie. `None` if the visitor had a session already.
    pub session: Option<GuestToken>,
}

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
        app.storage_budgets.make_room(visitor.client, visitor.actor.as_ref().map(Actor::id)).await?;
    }
    let Entrant { actor, newcomer, session, name: nickname } = match &request {
        Some(request) if visitor.actor.is_none() => request.entrant(nickname),
        _ => entrant_of(visitor, nickname),
    };
    if let Some(code) = leave.filter(|_| visitor.actor.is_some()) {
        self::leave(app, visitor, code).await?;
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
            epoch: random::epoch(),
            owner,
            created_at: now,
            touched_at: now,
            visited_at: now,
        };
        let member = MemberRecord {
            room: id,
            member: owner,
            actor: actor.id(),
            name: nickname.clone(),
            presence: Presence::Active,
            slot,
            since: 0,
            stay: 0,
            owed: Some(Owed::Joined),
            changed_at: now,
            read: 0,
            read_n: 0,
            shown: 0,
            muted: false,
            also: Vec::new(),
        };
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

    fn entrant(&self, nickname: Option<Nickname>) -> Entrant {
        let name = nickname.unwrap_or_else(|| friendly_name(random::below(u32::MAX)));
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

/// Joins a room by its code as typed. With `leave`, leaves that other room first, but only after this one is known to
/// have a free place.
pub async fn join(app: &App, visitor: &Visitor, wanted: JoinRoom, leave: Option<RoomCode>) -> Result<Entered, Problem> {
    let code: RoomCode = wanted.code.parse()?;
    let nickname = optional(wanted.nickname.as_deref(), read_nickname)?;
    let attempt = app.limits.join(visitor.client).await?;
    // Checked before the code is looked up: a guest who may not enter another room must not learn whether this code
    // exists.
    let elsewhere = current_room(app, visitor).await?.map(|(room, _)| room.code).filter(|current| *current != code);
    if let Some(current) = elsewhere.filter(|current| leave != Some(*current)) {
        return Err(Problem::already_in_room(current));
    }
    may_be_in_another(app, visitor).await?;
    let room = match app.store.room_by_code(code).await {
        Ok(room) => Some(room),
        Err(StoreError::NotFound) => None,
        Err(error) => return Err(store_failed(error)),
    };
    // For an unknown code the same query is made with a nil id. So the response time does not tell an unknown code from
    // a full room.
    let has_place = match &room {
        Some(room) => has_place(app, room, visitor.actor().ok().map(Actor::id)).await?,
        None => app.store.holders_of_places(RoomId(Uuid::nil())).await.map(|_| false).map_err(store_failed)?,
    };
    if (elsewhere.is_some() || !has_place) && was_removed(app, visitor, code).await? {
        return Err(removed());
    }
    let Some(room) = room.filter(|_| has_place) else { return Err(unknown_code(app, visitor).await) };
    // Not earlier: the next try of this client waits until this one is counted as a miss.
    drop(attempt);
    if room.retention == Retention::Preserved {
        app.storage_budgets.join(visitor.client, room.id).await?;
    }
    if let Some(other) = elsewhere {
        self::leave(app, visitor, other).await?;
    }
    let Entrant { actor, newcomer, session, name: fallback_name } = entrant_of(visitor, nickname.clone());
    let mut joining = Joining {
        room: room.id,
        room_type: room.room_type,
        actor: actor.id(),
        member: random::member_id(),
        name: nickname,
        fallback_name,
        newcomer,
        at: clock::now(),
    };
    if joining.newcomer.is_some() && (room.room_type, room.retention) == (RoomType::Group, Retention::Preserved) {
        app.limits.joined(visitor.client);
        return enter_with_event(app, &actor, room.code, joining, session).await;
    }
    for _ in 0..DRAWS {
        match app.store.join_room(&joining).await {
            Ok(Membership::Entered(member) | Membership::Already(member)) => {
                app.limits.joined(visitor.client);
                remember_name(app, &actor, &member.name).await;
                return enter(app, &actor, room.code, member, session).await;
            }
            Err(StoreError::Conflict(Conflict::MemberIdTaken)) => joining.member = random::member_id(),
            Err(StoreError::Conflict(Conflict::Elsewhere(code))) => return Err(Problem::already_in_room(code)),
            Err(StoreError::Conflict(Conflict::Removed)) => return Err(removed()),
            Err(StoreError::NotFound | StoreError::Conflict(Conflict::Full | Conflict::CodeTaken)) => {
                return Err(unknown_code(app, visitor).await);
            }
            Err(error) => return Err(store_failed(error)),
        }
    }
    Err(Problem::new(Code::Overloaded, "Couldn’t join the room. Try again."))
}

/// Leaves a room at once. If the visitor is gone by absence, gives up the place that is kept for them. If they are not
/// in the room, does nothing.
pub async fn leave(app: &App, visitor: &Visitor, code: RoomCode) -> Result<(), Problem> {
    let (room, member) = match app.store.membership(code, visitor.actor()?.id()).await {
        Ok(found) => found,
        Err(StoreError::NotFound) => return Ok(()),
        Err(error) => return Err(store_failed(error)),
    };
    match member.presence {
        Presence::Active => {}
        Presence::Gone => return give_up(app, &member).await,
        Presence::Removed => return Ok(()),
    }
    match app.store.leave_room(room.id, member.member, &Owed::Left, clock::now()).await {
        Ok(record) => {
            refresh_lists(app, record.actor);
            send_notice(&app.engine, room.id, Command::Leave { member: record.person(), removed_by: None }).await;
            Ok(())
        }
        Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(store_failed(error)),
    }
}

/// Gives the room to `heir`, then leaves it. `heir` is the form's field: a member id, or empty for nobody. If the
/// visitor does not own the room (any more), they only leave.
pub async fn leave_to(app: &App, visitor: &Visitor, code: RoomCode, heir: &str) -> Result<(), Problem> {
    if let Some(heir) = heir.parse().ok().map(MemberId::from_bits) {
        match give(app, visitor, code, heir).await {
            Err(problem) if !matches!(problem.code, Code::NotOwner | Code::NotAMember | Code::Removed) => {
                return Err(problem);
            }
            _ => {}
        }
    }
    leave(app, visitor, code).await
}

/// Frees the place in a room for two that is kept for an absent guest, so that somebody else can join.
pub async fn free(app: &App, visitor: &Visitor, code: RoomCode) -> Result<(), Problem> {
    let (room, _) = membership(app, visitor.actor()?.id(), code).await?;
    match expected(app, &room).await? {
        Some(absent) => give_up(app, &absent).await,
        None => Ok(()),
    }
}

/// The absent guest for whom a place in a room for two is kept, if there is one.
async fn expected(app: &App, room: &RoomRecord) -> Result<Option<MemberRecord>, Problem> {
    if room.room_type == RoomType::Group {
        return Ok(None);
    }
    let holders = app.store.holders_of_places(room.id).await.map_err(store_failed)?;
    Ok(holders.into_iter().find(MemberRecord::is_expected))
}

/// Frees the place that is kept for an absent guest. Does nothing if no place is kept for them.
async fn give_up(app: &App, absent: &MemberRecord) -> Result<(), Problem> {
    match app.store.free_place(absent.room, absent.member).await {
        Ok(_) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(store_failed(error)),
    }
}

/// A guest's page reports that it is being closed: unless the guest is connected elsewhere, the shorter grace begins.
/// Accounts have no grace, so for them this does nothing.
pub async fn away(app: &App, visitor: &Visitor, code: RoomCode) -> Result<(), Problem> {
    let (room, member) = membership(app, visitor.actor()?.id(), code).await?;
    if let ActorId::Guest(_) = member.actor {
        app.engine.page_closing(room.id, member.member).await;
    }
    Ok(())
}

/// Removes a member, who cannot join again. Only the owner may.
pub async fn kick(app: &App, visitor: &Visitor, code: RoomCode, whom: MemberId) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    if room.owner != owner.member {
        return Err(not_owner());
    }
    if whom == owner.member {
        return Err(Problem::invalid("member_id", "You can’t remove yourself. Leave the room instead."));
    }
    app.limits.send(owner.actor)?;
    let by = owner.person();
    match app.store.leave_room(room.id, whom, &Owed::Removed(by.clone()), clock::now()).await {
        Ok(record) => {
            refresh_lists_now(app, record.actor).await;
            send_notice(&app.engine, room.id, Command::Leave { member: record.person(), removed_by: Some(by) }).await;
            Ok(())
        }
        Err(StoreError::NotFound) => Err(member_gone()),
        // The owner gave the room away between the check above and this write.
        Err(StoreError::Conflict(Conflict::NotOwner)) => Err(not_owner()),
        Err(error) => Err(store_failed(error)),
    }
}

/// Gives the room to another member. Only the owner may.
pub async fn give(app: &App, visitor: &Visitor, code: RoomCode, to: MemberId) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    app.limits.send(owner.actor)?;
    app.engine.command(room.id, Command::Give { to, by: owner.person() }).await?;
    Ok(())
}

/// Changes the room's name, or removes it if `name` is `None` or blank. Only the owner may.
pub async fn rename(app: &App, visitor: &Visitor, code: RoomCode, name: Option<String>) -> Result<(), Problem> {
    let name = optional(name.as_deref(), read_room_name)?;
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    app.limits.send(owner.actor)?;
    if room.retention == Retention::Preserved {
        app.storage_budgets
            .keep(visitor.client, owner.actor, room.id, name.as_ref().map_or(0, |name| name.as_str().len()))
            .await?;
    }
    app.engine.command(room.id, Command::Rename { name, by: owner.person() }).await?;
    Ok(())
}

/// Turns preserve on or off for everything that follows in the log. Only the owner may.
pub async fn preserve(app: &App, visitor: &Visitor, code: RoomCode, preserve: bool) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    let retention = Retention::from(preserve);
    app.limits.send(owner.actor)?;
    if preserve && room.retention != retention {
        app.storage_budgets.make_room(visitor.client, Some(owner.actor)).await?;
    }
    app.engine.command(room.id, Command::Retain { retention, by: owner.person() }).await?;
    Ok(())
}

/// Turns the visitor's own notifications of a room off or on.
pub async fn mute(app: &App, visitor: &Visitor, code: RoomCode, muted: bool) -> Result<(), Problem> {
    let (room, member) = membership(app, visitor.actor()?.id(), code).await?;
    if member.muted == muted {
        return Ok(());
    }
    app.limits.change_setting(member.actor).await?;
    app.store.mute(room.id, member.member, muted).await.map_err(store_failed)?;
    refresh_lists(app, member.actor);
    Ok(())
}

/// A room as the asking member sees it.
pub async fn view(app: &App, visitor: &Visitor, code: RoomCode) -> Result<Snapshot, Problem> {
    let Some(actor) = &visitor.actor else { return Err(Problem::room_unavailable()) };
    let (room, member) = membership(app, actor.id(), code).await?;
    app.engine.renew_lease(&member);
    let mut snapshot = app.engine.snapshot(room.id, member, actor.discretion()).await?;
    if snapshot.members.len() < usize::from(limits::P2P_MEMBERS) {
        snapshot.expected = expected(app, &room).await?.map(|absent| absent.person());
    }
    Ok(snapshot)
}

/// The code of the room that a guest is in. `None` for an account, which can be in many.
pub async fn current_room_code(app: &App, visitor: &Visitor) -> Result<Option<RoomCode>, Problem> {
    Ok(current_room(app, visitor).await?.map(|(room, _)| room.code))
}

/// What an entry form offers: a nickname, and the room that a guest is in. A visitor without a name is offered the
/// generated name number `pick()`.
pub async fn entrance(app: &App, visitor: &Visitor, pick: impl FnOnce() -> u32) -> Result<JoinOffer, Problem> {
    let nickname = usual_name(visitor).unwrap_or_else(|| friendly_name(pick()));
    let current = current_room_code(app, visitor).await?;
    Ok(JoinOffer { request: None, nickname, current })
}

/// The same for the page that creates a room, with a fresh id for the create request.
pub async fn entrance_to_new(app: &App, visitor: &Visitor, pick: impl FnOnce() -> u32) -> Result<JoinOffer, Problem> {
    let entrance = entrance(app, visitor, pick).await?;
    Ok(JoinOffer { request: Some(ClientId::new(random::uuid())), ..entrance })
}

/// What the page of a room's link shows. A visitor who never was a member gets the same answer for every code, so codes
/// cannot be probed. A former member knows that the room exists, so the page can say that they were removed or that it
/// is full.
pub async fn open_door(
    app: &App,
    visitor: &Visitor,
    code: RoomCode,
    pick: impl FnOnce() -> u32,
) -> Result<RoomAccess, Problem> {
    match view(app, visitor, code).await {
        Ok(snapshot) => Ok(RoomAccess::Inside(Box::new(snapshot))),
        Err(problem) => match problem.code {
            Code::Removed => Ok(RoomAccess::Removed),
            Code::NotAMember if has_no_place(app, visitor, code).await? => Ok(RoomAccess::Full),
            Code::RoomUnavailable | Code::NotAMember => Ok(RoomAccess::Outside(entrance(app, visitor, pick).await?)),
            _ => Err(problem),
        },
    }
}

/// Whether a former member cannot come back because the room is full.
async fn has_no_place(app: &App, visitor: &Visitor, code: RoomCode) -> Result<bool, Problem> {
    match app.store.membership(code, visitor.actor()?.id()).await {
        Ok((room, member)) => has_place(app, &room, Some(member.actor)).await.map(|has_one| !has_one),
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(store_failed(error)),
    }
}

/// Subscribes a socket to a room. Returns the room's id and the actor's member id in it.
pub async fn follow(
    app: &App,
    actor: ActorId,
    connection: Connection,
    code: RoomCode,
    resume: Option<ResumePoint>,
) -> Result<(RoomId, MemberId), Problem> {
    let ((room, member), discretion) = tokio::try_join!(membership(app, actor, code), discretion_of(app, actor))?;
    let id = member.member;
    app.engine.subscribe(room.id, connection, code, member, discretion, resume).await;
    Ok((room.id, id))
}

/// Which of their own states an actor shows to others, such as typing and read marks. Read from the store for each
/// subscription, because the preferences that a socket was opened with may have changed since.
async fn discretion_of(app: &App, actor: ActorId) -> Result<Discretion, Problem> {
    let ActorId::Account(id) = actor else { return Ok(Discretion::default()) };
    match app.store.account(id).await {
        Ok(account) => Ok(Discretion::from(&account.preferences)),
        Err(StoreError::NotFound) => Err(Problem::not_logged_in()),
        Err(error) => Err(store_failed(error)),
    }
}

/// The room with this code and the actor's active membership in it. An actor who never was in the room gets the answer
/// for an unknown code.
pub(super) async fn membership(
    app: &App,
    actor: ActorId,
    code: RoomCode,
) -> Result<(RoomRecord, MemberRecord), Problem> {
    match app.store.membership(code, actor).await {
        Ok((room, member)) => match member.presence {
            Presence::Active => Ok((room, member)),
            Presence::Gone => {
                Err(Problem::new(Code::NotAMember, "You’re no longer in this room. Join again to continue."))
            }
            Presence::Removed => Err(removed()),
        },
        Err(StoreError::NotFound) => Err(Problem::room_unavailable()),
        Err(error) => Err(store_failed(error)),
    }
}

/// The room that a guest is in: a guest can be in one at a time. `None` for an account, which can be in many.
pub(super) async fn current_room(app: &App, visitor: &Visitor) -> Result<Option<(RoomRecord, MemberRecord)>, Problem> {
    let Some(guest) = visitor.guest() else { return Ok(None) };
    match app.store.room_of_guest(guest.id).await {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(store_failed(error)),
    }
}

/// The identity with which a visitor enters a room.
struct Entrant {
    actor: Actor,
    /// The record of a new guest, and the secret for its cookie. Both are `None` if the visitor had a session already.
    newcomer: Option<GuestRecord>,
    session: Option<GuestToken>,
    /// The typed name, else the visitor's usual one, else a generated one.
    name: Nickname,
}

/// The visitor's usual nickname: a guest's last one; for an account, the preferred nickname for new rooms, else the
/// account's name.
fn usual_name(visitor: &Visitor) -> Option<Nickname> {
    match visitor.actor.as_ref()? {
        Actor::Guest(guest) => guest.nickname.clone(),
        Actor::Account { record, .. } => {
            Some(record.preferences.nickname.clone().unwrap_or_else(|| record.name.clone()))
        }
    }
}

fn entrant_of(visitor: &Visitor, nickname: Option<Nickname>) -> Entrant {
    let name = nickname.or_else(|| usual_name(visitor)).unwrap_or_else(|| friendly_name(random::below(u32::MAX)));
    if let Some(actor) = &visitor.actor {
        return Entrant { actor: actor.clone(), newcomer: None, session: None, name };
    }
    let (guest, session) = guests::begin(&name);
    Entrant { actor: Actor::Guest(guest.clone()), newcomer: Some(guest), session: Some(session), name }
}

/// Stores the name that a guest has just used, as the one to offer next time. An account sets its name in its
/// preferences instead.
async fn remember_name(app: &App, actor: &Actor, name: &Nickname) {
    if let Actor::Guest(guest) = actor
        && guest.nickname.as_ref() != Some(name)
        && let Err(error) = app.store.touch_guest(guest.id, Some(name), clock::now()).await
    {
        tracing::debug!(%error, "name not remembered");
    }
}

/// Appends the `Joined` of a new member, and returns their view of the room. If the room's task refuses or fails, the
/// join is undone, so that nobody stays in half.
async fn enter(
    app: &App,
    actor: &Actor,
    room: RoomCode,
    member: MemberRecord,
    session: Option<GuestToken>,
) -> Result<Entered, Problem> {
    let is_new = member.owed.is_some();
    let (id, person) = (member.room, member.person());
    let entered = async {
        if is_new {
            app.engine.command(id, Command::Join { member: person.clone() }).await?;
            app.engine.start_grace(&member);
        }
        app.engine.encoded_snapshot(id, member, actor.discretion()).await
    };
    match entered.await {
        Ok(snapshot) => {
            if is_new {
                refresh_lists(app, actor.id());
            }
            Ok(Entered { room, snapshot, session })
        }
        Err(problem) => {
            if is_new {
                undo_join(app, id, person.id).await;
                refresh_lists(app, actor.id());
            }
            Err(problem)
        }
    }
}

/// Adds a new guest to a preserved group. Here the member record and its `Joined` event are written in one transaction.
async fn enter_with_event(
    app: &App,
    actor: &Actor,
    room: RoomCode,
    joining: Joining,
    session: Option<GuestToken>,
) -> Result<Entered, Problem> {
    let (id, member) = (joining.room, joining.member);
    let entered = async {
        let done = app.engine.command(id, Command::Enter { joining: Box::new(joining.clone()) }).await?;
        let record = joining.announced(done.seq);
        app.engine.start_grace(&record);
        app.engine.encoded_snapshot(id, record, actor.discretion()).await
    };
    match entered.await {
        Ok(snapshot) => Ok(Entered { room, snapshot, session }),
        Err(problem) => {
            undo_join(app, id, member).await;
            Err(problem)
        }
    }
}

/// Undoes a join after a failure. If this fails as well, the guest's grace ends the membership.
async fn undo_join(app: &App, room: RoomId, member: MemberId) {
    match app.store.leave_room(room, member, &Owed::Left, clock::now()).await {
        Ok(_) | Err(StoreError::NotFound) => {}
        Err(error) => tracing::warn!(%error, "a join that failed was not undone; the guest’s grace will"),
    }
}

/// Refuses an account that is in [`limits::ROOMS_OF_ACCOUNT`] rooms already. The store is asked only when the account's
/// count is due, so a few rooms more are possible.
async fn may_be_in_another(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    let Some(Actor::Account { record, .. }) = &visitor.actor else { return Ok(()) };
    if !app.room_counts.is_due(record.id) {
        return Ok(());
    }
    let rooms = app.store.rooms_of_account(record.id).await.map_err(store_failed)?.len();
    if app.room_counts.found(record.id, rooms) {
        return Ok(());
    }
    let limit = limits::ROOMS_OF_ACCOUNT;
    let detail = format!("You’re in {limit} rooms, the most an account can be in. Leave one first.");
    Err(Problem::new(Code::InvalidInput, detail).with_reason(Reason::TooManyRooms { limit }))
}

/// Whether the room has a free place, or this actor holds one of its places. Groups always have one.
async fn has_place(app: &App, room: &RoomRecord, actor: Option<ActorId>) -> Result<bool, Problem> {
    if room.room_type == RoomType::Group {
        return Ok(true);
    }
    let holders = app.store.holders_of_places(room.id).await.map_err(store_failed)?;
    let has_one = |holder: &MemberRecord| Some(holder.actor) == actor;
    Ok(holders.len() < usize::from(limits::P2P_MEMBERS) || holders.iter().any(has_one))
}

async fn was_removed(app: &App, visitor: &Visitor, code: RoomCode) -> Result<bool, Problem> {
    let Ok(actor) = visitor.actor() else { return Ok(false) };
    match membership(app, actor.id(), code).await {
        Ok(_) => Ok(false),
        Err(problem) if matches!(problem.code, Code::RoomUnavailable | Code::NotAMember) => Ok(false),
        Err(problem) if problem.code == Code::Removed => Ok(true),
        Err(problem) => Err(problem),
    }
}

async fn unknown_code(app: &App, visitor: &Visitor) -> Problem {
    app.limits.missed(visitor.client).await;
    Problem::room_unavailable()
}

fn removed() -> Problem {
    Problem::new(Code::Removed, "The owner removed you from this room. You can’t rejoin.")
}

fn read_nickname(typed: &str) -> Result<Nickname, Problem> {
    text::nickname(typed).map_err(|reason| ("nickname", reason).into())
}

fn read_room_name(typed: &str) -> Result<RoomName, Problem> {
    text::room_name(typed).map_err(|reason| ("name", reason).into())
}

/// Reads an optional form field. `None` if it is missing or blank.
fn optional<T>(text: Option<&str>, read: impl FnOnce(&str) -> Result<T, Problem>) -> Result<Option<T>, Problem> {
    text.filter(|text| !text.trim().is_empty()).map(read).transpose()
}
