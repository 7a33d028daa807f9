//! Members in SQLite: implements [`Members`], where each method is described.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params, types::ValueRef};

use super::{
    super::{
        AccountId, ActorId, Conflict, GuestId, Joining, MemberRecord, Members, Membership, Owed, Presence, ReadCursor,
        Result, RoomId, RoomRecord, StoreError, members::free_slot,
    },
    Sqlite, Undo,
    columns::{self, actor_columns},
    guests,
    rows::{self, found},
    violated,
};
use crate::protocol::{MemberId, Millis, Notify, RoomCode, RoomType, Seq};

#[async_trait]
impl Members for Sqlite {
    async fn join_room(&self, joining: &Joining) -> Result<Membership> {
        let joining = joining.clone();
        self.write(Undo::Savepoint, move |db| join(db, joining)).await
    }

    async fn leave_room(&self, room: RoomId, member: MemberId, notice: &Owed, at: Millis) -> Result<MemberRecord> {
        let notice = notice.clone();
        self.write(Undo::Nothing, move |db| leave(db, find(db, room, member)?, notice, at)).await
    }

    async fn leave_absent(&self, room: RoomId, member: MemberId, at: Millis) -> Result<MemberRecord> {
        self.write(Undo::Nothing, move |db| match find(db, room, member)? {
            record if matches!(record.actor, ActorId::Guest(_)) && record.presence == Presence::Active => {
                rows::touch_room(db, room, at)?;
                let record = record.be_absent(at);
                update(db, &record)?;
                Ok(record)
            }
            _ => Err(StoreError::NotFound),
        })
        .await
    }

    async fn free_place(&self, room: RoomId, member: MemberId) -> Result<MemberRecord> {
        self.write(Undo::Nothing, move |db| {
            let record = Some(find(db, room, member)?).filter(MemberRecord::is_expected);
            let record = MemberRecord { slot: None, stay: 0, ..record.ok_or(StoreError::NotFound)? };
            update(db, &record)?;
            Ok(record)
        })
        .await
    }

    async fn holders_of_places(&self, room: RoomId) -> Result<Vec<MemberRecord>> {
        self.read(move |db| {
            let mut query =
                db.prepare_cached("SELECT * FROM members WHERE room = ? AND slot IS NOT NULL ORDER BY slot")?;
            Ok(query.query_map([room], record)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn mark_read(&self, room: RoomId, cursors: &[ReadCursor]) -> Result<()> {
        let cursors = cursors.to_vec();
        // The marks that were stored before a failure may stay.
        self.write(Undo::Nothing, move |db| cursors.iter().try_for_each(|cursor| mark(db, room, *cursor))).await
    }

    async fn take_back_reads(&self, room: RoomId, seq: Seq, n: u64) -> Result<()> {
        self.write(Undo::Nothing, move |db| {
            let mut take_back = db.prepare_cached(
                "UPDATE members SET read = min(read, ?2), read_n = min(read_n, ?3), shown = min(shown, ?2)
                 WHERE room = ?1 AND (read > ?2 OR read_n > ?3)",
            )?;
            take_back.execute(params![room, seq.cast_signed(), n.cast_signed()])?;
            Ok(())
        })
        .await
    }

    async fn set_notify(&self, room: RoomId, member: MemberId, notify: Option<Notify>) -> Result<()> {
        self.write(Undo::Nothing, move |db| {
            let mut set = db.prepare_cached("UPDATE members SET notify = ?3 WHERE room = ?1 AND member = ?2")?;
            found(set.execute(params![room, member, notify])?)
        })
        .await
    }

    async fn membership(&self, code: RoomCode, actor: ActorId) -> Result<(RoomRecord, MemberRecord)> {
        let (kind, actor) = actor_columns(actor);
        self.look_up(|db| {
            let mut query = db.prepare_cached(&format!("{PLACES} WHERE code = ? AND actor = ? AND actor_kind = ?"))?;
            Ok(query.query_row(params![code, actor, kind], place)?)
        })
    }

    async fn member(&self, room: RoomId, member: MemberId) -> Result<MemberRecord> {
        self.look_up(|db| find(db, room, member))
    }

    async fn members(&self, room: RoomId) -> Result<Vec<MemberRecord>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT * FROM members WHERE room = ? AND (presence = 'active' OR owed IS NOT NULL) ORDER BY member",
            )?;
            Ok(query.query_map([room], record)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn rooms_of_account(&self, account: AccountId) -> Result<Vec<(RoomRecord, MemberRecord)>> {
        self.read(move |db| places(db, account, " AND presence = 'active'")).await
    }

    async fn places_of_account(&self, account: AccountId) -> Result<Vec<(RoomRecord, MemberRecord)>> {
        self.read(move |db| places(db, account, "")).await
    }

    async fn room_of_guest(&self, guest: GuestId) -> Result<(RoomRecord, MemberRecord)> {
        self.look_up(|db| active_guest(db, guest))
    }

    async fn rooms_owing_notices(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT room FROM members WHERE owed IS NOT NULL AND changed_at < ?
                 GROUP BY room ORDER BY min(changed_at) LIMIT ?",
            )?;
            let rooms = query.query_map(params![before, limit.cast_signed()], |row| row.get(0))?;
            Ok(rooms.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn active_guests(&self, after: Option<(RoomId, MemberId)>, limit: usize) -> Result<Vec<(RoomId, MemberId)>> {
        let (room, member) = after.unzip();
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT room, member FROM members WHERE (room, member) > (ifnull(?, x''), ifnull(?, 0))
                 AND presence = 'active' AND actor_kind = 'guest' ORDER BY room, member LIMIT ?",
            )?;
            let guests =
                query.query_map(params![room, member, limit.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(guests.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

/// Selects rooms, each with a person's record in it. [`place`] reads the rows.
const PLACES: &str =
    "SELECT members.*, id, code, type, rooms.name AS room_name, preserve, peek, epoch, owner, created_at, touched_at,
        visited_at, gone
     FROM members JOIN rooms ON id = room";

fn place(row: &Row<'_>) -> rusqlite::Result<(RoomRecord, MemberRecord)> {
    Ok((rows::room(row, "room_name")?, record(row)?))
}

/// Returns the rooms of an account with its records in them. `such` is a further SQL condition on the records.
fn places(db: &Connection, account: AccountId, such: &str) -> Result<Vec<(RoomRecord, MemberRecord)>> {
    let mut query =
        db.prepare_cached(&format!("{PLACES} WHERE actor = ? AND actor_kind = 'account'{such} ORDER BY room"))?;
    Ok(query.query_map([account], place)?.collect::<rusqlite::Result<_>>()?)
}

fn join(db: &Connection, joining: Joining) -> Result<Membership> {
    let earlier = match &joining.newcomer {
        Some(_) => Err(StoreError::NotFound),
        None => find_actor(db, joining.room, joining.actor),
    };
    let earlier = match earlier {
        Ok(record) if record.presence == Presence::Active => return Ok(Membership::Already(record)),
        Ok(record) if record.presence == Presence::Removed => return Err(Conflict::Removed.into()),
        Ok(record) => Some(record),
        Err(StoreError::NotFound) => None,
        Err(error) => return Err(error),
    };
    rows::expect_actor(db, joining.actor)?;
    rows::touch_room(db, joining.room, joining.at)?;
    if let Some(guest) = &joining.newcomer {
        guests::insert(db, guest)?;
    }
    let slot = match joining.room_type {
        RoomType::P2p => Some(free_slot(earlier.as_ref(), &taken_slots(db, joining.room)?)),
        RoomType::Group => None,
    };
    let is_new = earlier.is_none();
    let record = joining.enter(earlier, slot);
    if is_new {
        insert(db, &record)?;
    } else {
        update(db, &record)?;
    }
    Ok(Membership::Entered(record))
}

/// Stores the record of a person who is new in a group and joins with an event.
pub(super) fn admit(db: &Connection, joining: &Joining, record: &MemberRecord) -> Result<()> {
    if let Some(guest) = &joining.newcomer {
        guests::insert(db, guest)?;
    }
    insert(db, record)
}

/// Ends an active membership. [`NotFound`](StoreError::NotFound) if the record is not active.
pub(super) fn leave(db: &Connection, record: MemberRecord, notice: Owed, at: Millis) -> Result<MemberRecord> {
    if record.presence != Presence::Active {
        return Err(StoreError::NotFound);
    }
    if let Owed::Removed(by) = &notice
        && rows::find_room(db, record.room)?.owner != by.id
    {
        return Err(Conflict::NotOwner.into());
    }
    rows::touch_room(db, record.room, at)?;
    let record = record.leave(notice, at);
    update(db, &record)?;
    Ok(record)
}

fn taken_slots(db: &Connection, room: RoomId) -> Result<Vec<u8>> {
    let mut query = db.prepare_cached("SELECT slot FROM members WHERE room = ? AND slot IS NOT NULL")?;
    Ok(query.query_map([room], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn insert(db: &Connection, record: &MemberRecord) -> Result<()> {
    save(
        db,
        record,
        "INSERT INTO members (room, member, actor_kind, actor, name, presence, slot, since, owed, changed_at, read, read_n,
         shown, notify, also, stay) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
}

pub(super) fn update(db: &Connection, record: &MemberRecord) -> Result<()> {
    save(
        db,
        record,
        "UPDATE members SET actor_kind = ?3, actor = ?4, name = ?5, presence = ?6, slot = ?7, since = ?8, owed = ?9,
         changed_at = ?10, read = ?11, read_n = ?12, shown = ?13, notify = ?14, also = ?15, stay = ?16
         WHERE room = ?1 AND member = ?2",
    )
}

fn save(db: &Connection, record: &MemberRecord, sql: &str) -> Result<()> {
    let (kind, actor) = actor_columns(record.actor);
    let also = if record.also.is_empty() { None } else { Some(columns::json(&record.also)?) };
    let saved = db.prepare_cached(sql)?.execute(params![
        record.room,
        record.member,
        kind,
        actor,
        record.name,
        record.presence,
        record.slot,
        record.since.cast_signed(),
        record.owed,
        record.changed_at,
        record.read.cast_signed(),
        record.read_n.cast_signed(),
        record.shown.cast_signed(),
        record.notify,
        also,
        record.stay.cast_signed(),
    ]);
    let Err(error) = saved else { return Ok(()) };
    let conflict = match (violated(&error), record.actor) {
        (Some("members.room, members.slot"), _) => Conflict::Full,
        (Some("members.room, members.member"), _) => Conflict::MemberIdTaken,
        (Some("members.actor"), ActorId::Guest(guest)) => Conflict::Elsewhere(active_guest(db, guest)?.0.code),
        _ => return Err(error.into()),
    };
    Err(conflict.into())
}

/// Stores a read position. The last condition keeps a mark that would change nothing from writing.
fn mark(db: &Connection, room: RoomId, cursor: ReadCursor) -> Result<()> {
    let ReadCursor { member, seq, n, shown } = cursor;
    let mut mark = db.prepare_cached(
        "UPDATE members SET read = max(read, ?3), read_n = max(read_n, ?4), shown = max(shown, ?5)
         WHERE room = ?1 AND member = ?2 AND (read < ?3 OR read_n < ?4 OR shown < ?5)",
    )?;
    mark.execute(params![room, member, seq.cast_signed(), n.cast_signed(), shown.cast_signed()])?;
    Ok(())
}

/// Returns the record of a member id.
pub(super) fn find(db: &Connection, room: RoomId, member: MemberId) -> Result<MemberRecord> {
    let mut query = db.prepare_cached("SELECT * FROM members WHERE room = ? AND member = ?")?;
    Ok(query.query_row(params![room, member], record)?)
}

/// Returns a person's records in all rooms.
pub(super) fn of_actor(db: &Connection, actor: ActorId) -> Result<Vec<MemberRecord>> {
    let (kind, actor) = actor_columns(actor);
    let mut query = db.prepare_cached("SELECT * FROM members WHERE actor = ? AND actor_kind = ? ORDER BY room")?;
    Ok(query.query_map(params![actor, kind], record)?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn delete(db: &Connection, record: &MemberRecord) -> Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM members WHERE room = ? AND member = ?")?;
    found(delete.execute(params![record.room, record.member])?)
}

/// Returns a person's record in a room.
pub(super) fn find_actor(db: &Connection, room: RoomId, actor: ActorId) -> Result<MemberRecord> {
    let (kind, actor) = actor_columns(actor);
    let mut query = db.prepare_cached("SELECT * FROM members WHERE room = ? AND actor = ? AND actor_kind = ?")?;
    Ok(query.query_row(params![room, actor, kind], record)?)
}

/// Returns the room that a guest is active in, with the record.
pub(super) fn active_guest(db: &Connection, guest: GuestId) -> Result<(RoomRecord, MemberRecord)> {
    let such = "WHERE actor = ? AND presence = 'active' AND actor_kind = 'guest'";
    Ok(db.prepare_cached(&format!("{PLACES} {such}"))?.query_row([guest], place)?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<MemberRecord> {
    Ok(MemberRecord {
        room: row.get("room")?,
        member: row.get("member")?,
        actor: columns::actor(row.get_ref("actor_kind")?.as_str()?, row.get("actor")?)?,
        name: row.get("name")?,
        presence: row.get("presence")?,
        slot: row.get("slot")?,
        since: row.get::<_, i64>("since")?.cast_unsigned(),
        stay: row.get::<_, i64>("stay")?.cast_unsigned(),
        owed: row.get("owed")?,
        changed_at: row.get("changed_at")?,
        read: row.get::<_, i64>("read")?.cast_unsigned(),
        read_n: row.get::<_, i64>("read_n")?.cast_unsigned(),
        shown: row.get::<_, i64>("shown")?.cast_unsigned(),
        notify: row.get("notify")?,
        also: match row.get_ref("also")? {
            ValueRef::Null => Vec::new(),
            also => columns::from_json(also)?,
        },
    })
}
