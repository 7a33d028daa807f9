//! Rooms: make, join, leave, look, and what the owner may do. The judge refuses by the log what is not the owner's to do; a
//! removal, which changes records first, is guarded by the room's record.

use std::time::Duration;

use uuid::Uuid;

use super::{guests, guests::SessionToken, relist, relist_at_once, store_failed, tell};
use crate::{
    protocol::{
        ClientId, Code, CreateRoom, Door, Entrance, JoinRoom, MemberId, Nickname, Problem, Reason, Retention, RoomCode,
        RoomName, RoomType, Snapshot, friendly_name, limits,
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
    },
};

/// Draws of a room code or member id before giving up; with 2^30 codes a second draw is rare.
const DRAWS: usize = 16;
/// How long a request to make a room is known again.
const AGAIN: Duration = Duration::from_mins(10);

/// Somebody is in a room now.
pub struct Entered {
    /// Which.
    pub room: RoomCode,
    /// The room, as they see it.
    pub snapshot: EncodedSnapshot,
    /// Their session, if it was made just now.
    pub session: Option<SessionToken>,
}

/// Makes a room; the maker is its owner and first member. With `leave`, leaves that room first.
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
            Ok(room) => match made_before(app, visitor, asked, room).await? {
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
        app.storing.make_room(visitor.client, visitor.actor.as_ref().map(Actor::id)).await?;
    }
    let Guise { actor, newcomer, session, name: nickname } = match &request {
        Some(request) if visitor.actor.is_none() => request.guise(nickname),
        _ => guise(visitor, nickname),
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
                return match again(app, visitor, request.as_ref()).await? {
                    Some(entered) => Ok(entered),
                    None => Err(Problem::already_in_room(code)),
                };
            }
            Err(error) => {
                return match again(app, visitor, request.as_ref()).await? {
                    Some(entered) => Ok(entered),
                    None => Err(store_failed(error)),
                };
            }
        }
    }
    Err(Problem::new(Code::Overloaded, "No free room code was found. Try again."))
}

/// A request to make a room that may come again, as a button may be pressed twice. The room's id follows from the request, so
/// that of two at once one makes it; and so do the guest's id and secret, so that both answers carry the same cookie.
struct Request {
    room: RoomId,
    guest: Uuid,
    secret: [u8; 32],
}

impl Request {
    fn of(app: &App, wanted: &CreateRoom) -> Option<Self> {
        wanted.id?;
        let text = serde_json::to_vec(wanted).ok()?;
        let id = |name| {
            let digest = app.keys.of_request(name, &text);
            let (id, _) = digest.split_first_chunk().expect("a digest is longer than an id");
            Uuid::from_bytes(*id)
        };
        let secret = app.keys.of_request("secret", &text);
        Some(Self { room: RoomId(id("room")), guest: id("guest"), secret })
    }

    fn guise(&self, nickname: Option<Nickname>) -> Guise {
        let name = nickname.unwrap_or_else(|| friendly_name(random::below(u32::MAX)));
        let (guest, session) = guests::begin_as(&name, self.guest, self.secret);
        Guise { actor: Actor::Guest(guest.clone()), newcomer: Some(guest), session: Some(session), name }
    }
}

/// The room that a request made a moment ago, if whoever asks is in it.
async fn made_before(
    app: &App,
    visitor: &Visitor,
    request: &Request,
    room: RoomRecord,
) -> Result<Option<Entered>, Problem> {
    if clock::now() - room.created_at > clock::millis(AGAIN) {
        return Ok(None);
    }
    let token = SessionToken::of(request.secret);
    let (actor, session) = match &visitor.actor {
        Some(actor) => (Some(actor.clone()), None),
        None => (guests::identify(app, token.reveal()).await?, Some(token)),
    };
    let Some(actor) = actor else { return Ok(None) };
    match membership(app, actor.id(), room.code).await {
        Ok((_, member)) => enter(app, &actor, room.code, member, session).await.map(Some),
        Err(problem) if matches!(problem.code, Code::RoomUnavailable | Code::NotAMember | Code::Removed) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// The same, where the room was not there a moment before.
async fn again(app: &App, visitor: &Visitor, request: Option<&Request>) -> Result<Option<Entered>, Problem> {
    let Some(request) = request else { return Ok(None) };
    match app.store.room(request.room).await {
        Ok(room) => made_before(app, visitor, request, room).await,
        Err(_) => Ok(None),
    }
}

/// Joins a room by its code as typed. With `leave`, leaves that room first, once this one is known to have a place.
pub async fn join(app: &App, visitor: &Visitor, wanted: JoinRoom, leave: Option<RoomCode>) -> Result<Entered, Problem> {
    let code: RoomCode = wanted.code.parse()?;
    let nickname = optional(wanted.nickname.as_deref(), read_nickname)?;
    let attempt = app.limits.join(visitor.client).await?;
    // Before the code is looked up: who may not enter any other room learns nothing of this one.
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
    drop(attempt);
    // The same is asked about a room that is not there, so that an answer takes as long for none as for one that is full.
    let has_place = match &room {
        Some(room) => has_place(app, room, visitor.actor().ok().map(Actor::id)).await?,
        None => app.store.holders_of_places(RoomId(Uuid::nil())).await.map(|_| false).map_err(store_failed)?,
    };
    if (elsewhere.is_some() || !has_place) && was_removed(app, visitor, code).await? {
        return Err(removed());
    }
    let Some(room) = room.filter(|_| has_place) else { return Err(missed(app, visitor).await) };
    if room.retention == Retention::Preserved {
        app.storing.join(visitor.client, room.id).await?;
    }
    if let Some(other) = elsewhere {
        self::leave(app, visitor, other).await?;
    }
    let Guise { actor, newcomer, session, name: fallback_name } = guise(visitor, nickname.clone());
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
                return Err(missed(app, visitor).await);
            }
            Err(error) => return Err(store_failed(error)),
        }
    }
    Err(Problem::new(Code::Overloaded, "The room could not be entered. Try again."))
}

/// Leaves a room at once. Somebody who is not in it has left already, but for the place that may be kept for them.
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
            relist(app, record.actor);
            tell(&app.engine, room.id, Command::Leave { member: record.person(), removed_by: None }).await;
            Ok(())
        }
        Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(store_failed(error)),
    }
}

/// Leaves a room after giving it to `heir`: a member id as a form has it, or nothing. A member who is not the owner any more
/// only leaves.
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

/// Gives up the place that is kept in a room for two for a guest who is absent: somebody else may take it.
pub async fn free(app: &App, visitor: &Visitor, code: RoomCode) -> Result<(), Problem> {
    let (room, _) = membership(app, visitor.actor()?.id(), code).await?;
    match expected(app, &room).await? {
        Some(absent) => give_up(app, &absent).await,
        None => Ok(()),
    }
}

/// Whose place in a room for two is kept, if somebody's is.
async fn expected(app: &App, room: &RoomRecord) -> Result<Option<MemberRecord>, Problem> {
    if room.room_type == RoomType::Group {
        return Ok(None);
    }
    let holders = app.store.holders_of_places(room.id).await.map_err(store_failed)?;
    Ok(holders.into_iter().find(MemberRecord::is_expected))
}

/// Frees the place that is kept for somebody, if it still is.
async fn give_up(app: &App, absent: &MemberRecord) -> Result<(), Problem> {
    match app.store.free_place(absent.room, absent.member).await {
        Ok(_) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(store_failed(error)),
    }
}

/// Notes that a page of a guest is being closed.
pub async fn away(app: &App, visitor: &Visitor, code: RoomCode) -> Result<(), Problem> {
    let (room, member) = membership(app, visitor.actor()?.id(), code).await?;
    if let ActorId::Guest(_) = member.actor {
        app.engine.closes(room.id, member.member).await;
    }
    Ok(())
}

/// Removes a member, who cannot come back (owner).
pub async fn kick(app: &App, visitor: &Visitor, code: RoomCode, whom: MemberId) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    if room.owner != owner.member {
        return Err(not_owner());
    }
    if whom == owner.member {
        return Err(Problem::invalid("member_id", "You can’t remove yourself. Use Exit to leave the room."));
    }
    app.limits.send(owner.actor)?;
    let by = owner.person();
    match app.store.leave_room(room.id, whom, &Owed::Removed(by.clone()), clock::now()).await {
        Ok(record) => {
            relist_at_once(app, record.actor).await;
            tell(&app.engine, room.id, Command::Leave { member: record.person(), removed_by: Some(by) }).await;
            Ok(())
        }
        Err(StoreError::NotFound) => Err(member_gone()),
        // They gave the room away at this very moment.
        Err(StoreError::Conflict(Conflict::NotOwner)) => Err(not_owner()),
        Err(error) => Err(store_failed(error)),
    }
}

/// Gives the room to another member (owner).
pub async fn give(app: &App, visitor: &Visitor, code: RoomCode, to: MemberId) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    app.limits.send(owner.actor)?;
    app.engine.command(room.id, Command::Give { to, by: owner.person() }).await?;
    Ok(())
}

/// Gives a room another name, or none (owner).
pub async fn rename(app: &App, visitor: &Visitor, code: RoomCode, name: Option<String>) -> Result<(), Problem> {
    let name = optional(name.as_deref(), read_room_name)?;
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    app.limits.send(owner.actor)?;
    if room.retention == Retention::Preserved {
        app.storing
            .keep(visitor.client, owner.actor, room.id, name.as_ref().map_or(0, |name| name.as_str().len()))
            .await?;
    }
    app.engine.command(room.id, Command::Rename { name, by: owner.person() }).await?;
    Ok(())
}

/// Turns preserve on or off, from here on (owner).
pub async fn preserve(app: &App, visitor: &Visitor, code: RoomCode, preserve: bool) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    let retention = Retention::from(preserve);
    app.limits.send(owner.actor)?;
    if preserve && room.retention != retention {
        app.storing.make_room(visitor.client, Some(owner.actor)).await?;
    }
    app.engine.command(room.id, Command::Retain { retention, by: owner.person() }).await?;
    Ok(())
}

/// Wants notices of a room, or none.
pub async fn mute(app: &App, visitor: &Visitor, code: RoomCode, muted: bool) -> Result<(), Problem> {
    let (room, member) = membership(app, visitor.actor()?.id(), code).await?;
    if member.muted == muted {
        return Ok(());
    }
    app.limits.change_setting(member.actor).await?;
    app.store.mute(room.id, member.member, muted).await.map_err(store_failed)?;
    relist(app, member.actor);
    Ok(())
}

/// A room, as a member of it sees it.
pub async fn view(app: &App, visitor: &Visitor, code: RoomCode) -> Result<Snapshot, Problem> {
    let Some(actor) = &visitor.actor else { return Err(Problem::room_unavailable()) };
    let (room, member) = membership(app, actor.id(), code).await?;
    app.engine.attend(&member);
    let mut snapshot = app.engine.look(room.id, member, actor.discretion()).await?;
    if snapshot.members.len() < usize::from(limits::P2P_MEMBERS) {
        snapshot.expected = expected(app, &room).await?.map(|absent| absent.person());
    }
    Ok(snapshot)
}

/// The room that a guest is in, if any.
pub async fn whereabouts(app: &App, visitor: &Visitor) -> Result<Option<RoomCode>, Problem> {
    Ok(current_room(app, visitor).await?.map(|(room, _)| room.code))
}

/// What a page of entry offers. `pick` says which name to somebody who has none.
pub async fn entrance(app: &App, visitor: &Visitor, pick: impl FnOnce() -> u32) -> Result<Entrance, Problem> {
    let nickname = usual_name(visitor).unwrap_or_else(|| friendly_name(pick()));
    let current = whereabouts(app, visitor).await?;
    Ok(Entrance { request: None, nickname, current })
}

/// The same for the page that makes a room, with an id for it.
pub async fn entrance_to_new(app: &App, visitor: &Visitor, pick: impl FnOnce() -> u32) -> Result<Entrance, Problem> {
    let entrance = entrance(app, visitor, pick).await?;
    Ok(Entrance { request: Some(ClientId::new(random::uuid())), ..entrance })
}

/// What is behind a room's link, for the page. Whoever never was in it sees the same for every code; whoever was knows that
/// there is such a room, and is told at once that it does not let them in.
pub async fn open_door(
    app: &App,
    visitor: &Visitor,
    code: RoomCode,
    pick: impl FnOnce() -> u32,
) -> Result<Door, Problem> {
    match view(app, visitor, code).await {
        Ok(snapshot) => Ok(Door::Inside(Box::new(snapshot))),
        Err(problem) => match problem.code {
            Code::Removed => Ok(Door::Removed),
            Code::NotAMember if has_no_place(app, visitor, code).await? => Ok(Door::Full),
            Code::RoomUnavailable | Code::NotAMember => Ok(Door::Outside(entrance(app, visitor, pick).await?)),
            _ => Err(problem),
        },
    }
}

/// Whether a room that somebody was in has no place for them any more.
async fn has_no_place(app: &App, visitor: &Visitor, code: RoomCode) -> Result<bool, Problem> {
    match app.store.membership(code, visitor.actor()?.id()).await {
        Ok((room, member)) => has_place(app, &room, Some(member.actor)).await.map(|has_one| !has_one),
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(store_failed(error)),
    }
}

/// Lets a socket follow a room. Gives who the person is in it.
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

/// What somebody shows of themselves. Asked anew: a socket is open for longer than a preference may hold.
async fn discretion_of(app: &App, actor: ActorId) -> Result<Discretion, Problem> {
    let ActorId::Account(id) = actor else { return Ok(Discretion::default()) };
    match app.store.account(id).await {
        Ok(account) => Ok(Discretion::from(&account.preferences)),
        Err(StoreError::NotFound) => Err(Problem::not_logged_in()),
        Err(error) => Err(store_failed(error)),
    }
}

/// The room with this code and the asker's active membership. Who never was in it learns nothing of it.
pub(super) async fn membership(
    app: &App,
    actor: ActorId,
    code: RoomCode,
) -> Result<(RoomRecord, MemberRecord), Problem> {
    match app.store.membership(code, actor).await {
        Ok((room, member)) => match member.presence {
            Presence::Active => Ok((room, member)),
            Presence::Gone => {
                Err(Problem::new(Code::NotAMember, "You are not in this room any more. Join it again to go on."))
            }
            Presence::Removed => Err(removed()),
        },
        Err(StoreError::NotFound) => Err(Problem::room_unavailable()),
        Err(error) => Err(store_failed(error)),
    }
}

/// Where a guest is, who can be in one room at a time. An account can be in many, and is held up by none.
pub(super) async fn current_room(app: &App, visitor: &Visitor) -> Result<Option<(RoomRecord, MemberRecord)>, Problem> {
    let Some(guest) = visitor.guest() else { return Ok(None) };
    match app.store.room_of_guest(guest.id).await {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(store_failed(error)),
    }
}

/// As whom somebody comes in.
struct Guise {
    actor: Actor,
    /// Their record and the secret that goes into their cookie, if this is their first room.
    newcomer: Option<GuestRecord>,
    session: Option<SessionToken>,
    /// As typed, as before, or a friendly pair.
    name: Nickname,
}

/// The name that somebody goes by: a guest's last one, an account's for new rooms or its own.
fn usual_name(visitor: &Visitor) -> Option<Nickname> {
    match visitor.actor.as_ref()? {
        Actor::Guest(guest) => guest.nickname.clone(),
        Actor::Account { record, .. } => {
            Some(record.preferences.nickname.clone().unwrap_or_else(|| record.name.clone()))
        }
    }
}

fn guise(visitor: &Visitor, nickname: Option<Nickname>) -> Guise {
    let name = nickname.or_else(|| usual_name(visitor)).unwrap_or_else(|| friendly_name(random::below(u32::MAX)));
    if let Some(actor) = &visitor.actor {
        return Guise { actor: actor.clone(), newcomer: None, session: None, name };
    }
    let (guest, session) = guests::begin(&name);
    Guise { actor: Actor::Guest(guest.clone()), newcomer: Some(guest), session: Some(session), name }
}

/// A guest is offered the same name again; an account has one, and chooses another in its preferences.
async fn remember_name(app: &App, actor: &Actor, name: &Nickname) {
    if let Actor::Guest(guest) = actor
        && guest.nickname.as_ref() != Some(name)
        && let Err(error) = app.store.touch_guest(guest.id, Some(name), clock::now()).await
    {
        tracing::debug!(%error, "name not remembered");
    }
}

/// Announces a new member, and shows them the room. If the room cannot take them now, they are out again, not half in.
async fn enter(
    app: &App,
    actor: &Actor,
    room: RoomCode,
    member: MemberRecord,
    session: Option<SessionToken>,
) -> Result<Entered, Problem> {
    let is_new = member.owed.is_some();
    let (id, person) = (member.room, member.person());
    let entered = async {
        if is_new {
            app.engine.command(id, Command::Join { member: person.clone() }).await?;
            app.engine.expect(&member);
        }
        app.engine.look_encoded(id, member, actor.discretion()).await
    };
    match entered.await {
        Ok(snapshot) => {
            if is_new {
                relist(app, actor.id());
            }
            Ok(Entered { room, snapshot, session })
        }
        Err(problem) => {
            if is_new {
                put_out(app, id, person.id).await;
                relist(app, actor.id());
            }
            Err(problem)
        }
    }
}

/// Lets somebody new into a group that keeps its log: they become a member with the event that says so, in one write.
async fn enter_with_event(
    app: &App,
    actor: &Actor,
    room: RoomCode,
    joining: Joining,
    session: Option<SessionToken>,
) -> Result<Entered, Problem> {
    let (id, member) = (joining.room, joining.member);
    let entered = async {
        let done = app.engine.command(id, Command::Enter { joining: Box::new(joining.clone()) }).await?;
        let record = joining.announced(done.seq);
        app.engine.expect(&record);
        app.engine.look_encoded(id, record, actor.discretion()).await
    };
    match entered.await {
        Ok(snapshot) => Ok(Entered { room, snapshot, session }),
        Err(problem) => {
            put_out(app, id, member).await;
            Err(problem)
        }
    }
}

/// Undoes a join that failed, as far as it came.
async fn put_out(app: &App, room: RoomId, member: MemberId) {
    match app.store.leave_room(room, member, &Owed::Left, clock::now()).await {
        Ok(_) | Err(StoreError::NotFound) => {}
        Err(error) => tracing::warn!(%error, "a join that failed was not undone; the guest’s grace will"),
    }
}

/// An account is in so many rooms and no more.
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
    let detail = format!("You are in {limit} rooms, which is as many as an account can be in. Leave one to go on.");
    Err(Problem::new(Code::InvalidInput, detail).because(Reason::TooManyRooms { limit }))
}

/// Whether a room has a place for somebody, who may be new.
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

async fn missed(app: &App, visitor: &Visitor) -> Problem {
    app.limits.missed(visitor.client).await;
    Problem::room_unavailable()
}

fn removed() -> Problem {
    Problem::new(Code::Removed, "The owner removed you from this room, so you can’t come back to it.")
}

fn read_nickname(typed: &str) -> Result<Nickname, Problem> {
    text::nickname(typed).map_err(|reason| ("nickname", reason).into())
}

fn read_room_name(typed: &str) -> Result<RoomName, Problem> {
    text::room_name(typed).map_err(|reason| ("name", reason).into())
}

/// A field that may be left out or empty.
fn optional<T>(text: Option<&str>, read: impl FnOnce(&str) -> Result<T, Problem>) -> Result<Option<T>, Problem> {
    text.filter(|text| !text.trim().is_empty()).map(read).transpose()
}
