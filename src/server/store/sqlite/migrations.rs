//! The schema, as the steps that made it. A step that was released is never edited; the next one is added below it.

use rusqlite::Connection;

/// Step by step; `user_version` says how many a database has had.
const STEPS: &[&str] = &[
    // 1: rooms, members, events, guests. Ids of rooms and people are UUIDs as 16 bytes, times are milliseconds.
    "
    CREATE TABLE rooms (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        code TEXT NOT NULL,
        type TEXT NOT NULL CHECK (type IN ('p2p', 'group')),
        name TEXT,
        preserve INTEGER NOT NULL CHECK (preserve IN (0, 1)),
        epoch INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        touched_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX rooms_code ON rooms (code);
    CREATE INDEX rooms_idle ON rooms (touched_at) WHERE preserve = 0;

    CREATE TABLE members (
        room BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE,
        member INTEGER NOT NULL,
        actor_kind TEXT NOT NULL CHECK (actor_kind IN ('guest')),
        actor BLOB NOT NULL CHECK (length(actor) = 16),
        name TEXT NOT NULL,
        presence TEXT NOT NULL CHECK (presence IN ('active', 'gone', 'removed')),
        -- Only in p2p rooms, and only while active.
        slot INTEGER CHECK (slot IN (0, 1)),
        since INTEGER NOT NULL,
        -- JSON: {\"kind\": \"joined\" | \"left\" | \"removed\", and with the last the person who did it}.
        owed TEXT,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (room, member)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX members_actor ON members (room, actor);
    CREATE UNIQUE INDEX members_guest ON members (actor) WHERE presence = 'active' AND actor_kind = 'guest';
    CREATE UNIQUE INDEX members_slot ON members (room, slot) WHERE presence = 'active' AND slot IS NOT NULL;
    CREATE INDEX members_owing ON members (changed_at) WHERE owed IS NOT NULL;

    -- Clustered by room and seq: a page of history is one range of pages.
    CREATE TABLE events (
        room BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        -- The whole kind as JSON; the next three repeat what indexes need of a message.
        kind TEXT NOT NULL,
        author INTEGER,
        client_id BLOB,
        n INTEGER,
        PRIMARY KEY (room, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX events_client_id ON events (room, author, client_id) WHERE client_id IS NOT NULL;
    CREATE INDEX events_n ON events (room, n) WHERE n IS NOT NULL;

    CREATE TABLE guests (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        token BLOB NOT NULL CHECK (length(token) = 32),
        nickname TEXT,
        seen_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX guests_token ON guests (token);
    CREATE INDEX guests_seen ON guests (seen_at);
    ",
];

/// The version that a database has once every step is done.
pub(super) const VERSION: isize = STEPS.len().cast_signed();

/// How many steps a database has had.
pub(super) fn version(db: &Connection) -> rusqlite::Result<isize> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Does the steps that a database has not had, each in a transaction.
pub(super) fn migrate(db: &mut Connection, from: isize) -> rusqlite::Result<()> {
    for (version, step) in (1isize..).zip(STEPS).filter(|(version, _)| *version > from) {
        let transaction = db.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
