//! The schema, as the list of steps that make it. At start [`migrate`] runs the steps that the database has not had. A
//! released step is never edited: each change of the schema is a new step at the end.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::in_ascii;

/// The steps in order. `user_version` of a database is the number of steps that it has had.
const STEPS: &[&str] = &[
    // 1: rooms, members, events, guests. Ids of rooms and persons are UUIDs of 16 bytes, times are milliseconds.
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
        -- The place in a p2p room: 0 or 1. NULL in a group, and for a member who is not active.
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
    // 2: a message is stored in columns instead of JSON, and has two indexes instead of three. The cost of an append is
    // the bytes and pages that it writes.
    "
    CREATE TABLE events_of_2 (
        room BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        -- The ordinal of the last message up to here, so that the last event alone says where the archive ends.
        n INTEGER NOT NULL,
        -- Of a message.
        author INTEGER,
        name TEXT,
        client_id BLOB,
        body TEXT,
        -- Of any other event: the whole kind as JSON.
        kind TEXT,
        PRIMARY KEY (room, seq),
        CHECK (kind IS NOT NULL OR body IS NOT NULL)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO events_of_2
        SELECT room, seq, at, ifnull(max(n) OVER (PARTITION BY room ORDER BY seq), 0), author, kind ->> '$.author.name',
            client_id, kind ->> '$.body', iif(client_id IS NULL, kind, NULL)
        FROM events;
    DROP TABLE events;
    ALTER TABLE events_of_2 RENAME TO events;
    -- Unique is unique in any order of columns. Client ids begin with the time, so in this order what is written together
    -- stands together, for all rooms on a page or two.
    CREATE UNIQUE INDEX events_client_id ON events (client_id, author, room) WHERE client_id IS NOT NULL;
    ",
    // 3: accounts, with their sessions, tokens and mails.
    "
    CREATE TABLE members_of_3 (
        room BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE,
        member INTEGER NOT NULL,
        actor_kind TEXT NOT NULL CHECK (actor_kind IN ('guest', 'account')),
        actor BLOB NOT NULL CHECK (length(actor) = 16),
        name TEXT NOT NULL,
        presence TEXT NOT NULL CHECK (presence IN ('active', 'gone', 'removed')),
        -- The place in a p2p room: 0 or 1. NULL in a group, and for a member who is not active.
        slot INTEGER CHECK (slot IN (0, 1)),
        since INTEGER NOT NULL,
        -- JSON: {\"kind\": \"joined\" | \"left\" | \"removed\", and with the last the person who did it}.
        owed TEXT,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (room, member)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO members_of_3
        SELECT room, member, actor_kind, actor, name, presence, slot, since, owed, changed_at FROM members;
    -- No table refers to this one, so that foreign keys do not mind.
    DROP TABLE members;
    ALTER TABLE members_of_3 RENAME TO members;
    -- Unique is unique in any order of columns. In this order it also finds all rooms of somebody.
    CREATE UNIQUE INDEX members_actor ON members (actor, room);
    CREATE UNIQUE INDEX members_guest ON members (actor) WHERE presence = 'active' AND actor_kind = 'guest';
    CREATE UNIQUE INDEX members_slot ON members (room, slot) WHERE presence = 'active' AND slot IS NOT NULL;
    CREATE INDEX members_owing ON members (changed_at) WHERE owed IS NOT NULL;

    CREATE TABLE accounts (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        email TEXT,
        claimed TEXT,
        -- Counts the claims of an address, so that the last one is known.
        claim INTEGER NOT NULL,
        name TEXT NOT NULL,
        password TEXT,
        -- JSON.
        preferences TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX accounts_email ON accounts (email) WHERE email IS NOT NULL;
    CREATE INDEX accounts_claimed ON accounts (claimed, claim) WHERE claimed IS NOT NULL;

    CREATE TABLE sessions (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        account BLOB NOT NULL CHECK (length(account) = 16),
        refresh BLOB NOT NULL CHECK (length(refresh) = 32),
        previous BLOB CHECK (length(previous) = 32),
        previous_at INTEGER,
        device TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        used_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        CHECK ((previous IS NULL) = (previous_at IS NULL))
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_account ON sessions (account);
    CREATE INDEX sessions_end ON sessions (ends_at);

    CREATE TABLE tokens (
        purpose TEXT NOT NULL CHECK (purpose IN ('verify', 'reset', 'log_in', 'confirm', 'keep_room')),
        holder_kind TEXT NOT NULL CHECK (holder_kind IN ('guest', 'account')),
        holder BLOB NOT NULL CHECK (length(holder) = 16),
        hash BLOB NOT NULL CHECK (length(hash) = 32),
        email TEXT NOT NULL,
        tries INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        PRIMARY KEY (holder, purpose)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX tokens_hash ON tokens (hash, purpose);
    CREATE INDEX tokens_end ON tokens (ends_at);

    CREATE TABLE mails (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        account BLOB CHECK (length(account) = 16),
        address TEXT NOT NULL,
        name TEXT NOT NULL,
        -- JSON, and so is the letter.
        language TEXT NOT NULL,
        letter TEXT NOT NULL,
        key TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX mails_due ON mails (due_at);
    CREATE INDEX mails_account ON mails (account) WHERE account IS NOT NULL;
    ",
    // 4: how far members have read, and whether they have muted the room. A `read` before `since` has no meaning.
    "
    ALTER TABLE members ADD COLUMN read INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE members ADD COLUMN read_n INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE members ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE members ADD COLUMN muted INTEGER NOT NULL DEFAULT 0 CHECK (muted IN (0, 1));
    ",
    // 5: whether a browser has shown that it received the current refresh token.
    "
    ALTER TABLE sessions ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0 CHECK (arrived IN (0, 1));
    ",
    // 6: the other member ids that a person had in the room: a JSON list, or NULL for none.
    "
    ALTER TABLE members ADD COLUMN also TEXT;
    ",
    // 7: when somebody was last in a room, so that a room that nobody visits can end. Existing rooms count as visited
    // at the time of this step.
    "
    ALTER TABLE rooms ADD COLUMN visited_at INTEGER NOT NULL DEFAULT 0;
    UPDATE rooms SET visited_at = CAST(unixepoch('subsec') * 1000 AS INTEGER);
    CREATE INDEX rooms_visited ON rooms (visited_at);
    ",
    // 8: several links of a holder at once, used tokens, and the time since which an address is claimed. This step also
    // converts the hosts of addresses to ASCII (`spell_hosts`).
    "
    -- spell_hosts
    CREATE TABLE tokens_of_8 (
        -- Begins with `used_` if the token was used.
        purpose TEXT NOT NULL,
        holder_kind TEXT NOT NULL CHECK (holder_kind IN ('guest', 'account')),
        holder BLOB NOT NULL CHECK (length(holder) = 16),
        -- Numbers the valid tokens of one holder and purpose, from 0. NULL if the token was used.
        slot INTEGER,
        hash BLOB NOT NULL CHECK (length(hash) = 32),
        email TEXT NOT NULL,
        tries INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        PRIMARY KEY (hash, purpose)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO tokens_of_8 SELECT purpose, holder_kind, holder, 0, hash, email, tries, ends_at FROM tokens;
    DROP TABLE tokens;
    ALTER TABLE tokens_of_8 RENAME TO tokens;
    CREATE UNIQUE INDEX tokens_holder ON tokens (holder, purpose, slot);
    CREATE INDEX tokens_end ON tokens (ends_at);

    ALTER TABLE accounts ADD COLUMN claimed_at INTEGER;
    UPDATE accounts SET claimed_at = unixepoch() * 1000 WHERE claimed IS NOT NULL;
    CREATE INDEX accounts_claimed_at ON accounts (claimed_at) WHERE claimed_at IS NOT NULL;
    CREATE INDEX accounts_nowhere ON accounts (created_at) WHERE email IS NULL AND claimed IS NULL;
    ",
    // 9: the guest that a mail is for.
    "
    ALTER TABLE mails ADD COLUMN guest BLOB CHECK (length(guest) = 16);
    CREATE INDEX mails_guest ON mails (guest) WHERE guest IS NOT NULL;
    ",
    // 10: an absent guest keeps the place in a p2p room, and the stay, which began with the event at seq `stay`.
    "
    ALTER TABLE members ADD COLUMN stay INTEGER NOT NULL DEFAULT 0;
    DROP INDEX members_slot;
    CREATE UNIQUE INDEX members_slot ON members (room, slot) WHERE slot IS NOT NULL;
    ",
    // 11: whether people with the code see the room before they join.
    "
    ALTER TABLE rooms ADD COLUMN peek INTEGER NOT NULL DEFAULT 1 CHECK (peek IN (0, 1));
    ",
    // 12: what a message has besides its columns, as JSON: what it replies to, and what later events have made of it.
    // NULL if there is nothing. And the ordinals of a room's deleted messages: a JSON list, or NULL for none.
    "
    ALTER TABLE events ADD COLUMN extra TEXT;
    ALTER TABLE rooms ADD COLUMN gone TEXT;
    ",
    // 13: the search index, as `search.rs` describes it, and for each room its number there and the seq up to which its
    // archive is indexed.
    "
    CREATE VIRTUAL TABLE search
        USING fts5 (terms, content='', detail=none, columnsize=0, prefix='2', tokenize='ascii');
    INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
    CREATE TABLE search_rooms (
        no INTEGER PRIMARY KEY,
        room BLOB NOT NULL UNIQUE REFERENCES rooms ON DELETE CASCADE,
        indexed INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE search_version (version TEXT NOT NULL) STRICT;
    ",
    // 14: which messages of a room cause a notification for a member, or NULL for those of the member's preferences. A
    // room that was muted has none.
    "
    ALTER TABLE members ADD COLUMN notify TEXT CHECK (notify IN ('all', 'mentions', 'none'));
    UPDATE members SET notify = 'none' WHERE muted = 1;
    ALTER TABLE members DROP COLUMN muted;
    ",
];

/// The mark in the step with which [`spell_hosts`] runs, since SQL cannot convert hosts to ASCII.
const HOSTS_IN_ASCII: &str = "-- spell_hosts";

/// Converts the hosts of all stored addresses to ASCII, the form of new ones. If two accounts proved one address in two
/// spellings, the older account keeps it and the other one claims it, so that both can still log in with their
/// passwords.
fn spell_hosts(db: &Connection) -> rusqlite::Result<()> {
    let of = |sql: &str| -> rusqlite::Result<Vec<(Vec<u8>, String)>> {
        let mut query = db.prepare(sql)?;
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let differing = |rows: Vec<(Vec<u8>, String)>| {
        rows.into_iter().filter_map(|(id, text)| Some((id, in_ascii(&text).filter(|ascii| *ascii != text)?)))
    };
    for (id, email) in differing(of("SELECT id, email FROM accounts WHERE email IS NOT NULL ORDER BY created_at, id")?)
    {
        let other: Option<(Vec<u8>, bool)> = db
            .query_row(
                "SELECT id, created_at > (SELECT created_at FROM accounts WHERE id = ?1) FROM accounts WHERE email = ?2",
                params![id, email],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let claim = "UPDATE accounts SET email = NULL, claimed = ?2, claimed_at = unixepoch() * 1000,
                     claim = (SELECT ifnull(max(claim), 0) + 1 FROM accounts WHERE claimed = ?2) WHERE id = ?1";
        match other {
            Some((_, false)) => _ = db.execute(claim, params![id, email])?,
            Some((younger, true)) => {
                db.execute(claim, params![younger, email])?;
                db.execute("UPDATE accounts SET email = ?2 WHERE id = ?1", params![id, email])?;
            }
            None => _ = db.execute("UPDATE accounts SET email = ?2 WHERE id = ?1", params![id, email])?,
        }
    }
    let claims = of("SELECT id, claimed FROM accounts WHERE claimed IS NOT NULL ORDER BY claim, created_at, id")?;
    for (id, claimed) in differing(claims) {
        db.execute(
            "UPDATE accounts SET claimed = ?2,
             claim = (SELECT ifnull(max(claim), 0) + 1 FROM accounts WHERE claimed = ?2) WHERE id = ?1",
            params![id, claimed],
        )?;
    }
    for (id, address) in differing(of("SELECT id, address FROM mails")?) {
        db.execute("UPDATE mails SET address = ?2 WHERE id = ?1", params![id, address])?;
    }
    for (hash, email) in differing(of("SELECT hash, email FROM tokens")?) {
        db.execute("UPDATE tokens SET email = ?2 WHERE hash = ?1", params![hash, email])?;
    }
    Ok(())
}

/// The version of a database that has had every step.
pub(super) const VERSION: isize = STEPS.len().cast_signed();

/// Returns the version of a database: the number of steps that it has had.
pub(super) fn version(db: &Connection) -> rusqlite::Result<isize> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Runs the steps that a database has not had, each in its own transaction.
pub(super) fn migrate(db: &mut Connection, from: isize) -> rusqlite::Result<()> {
    for (version, step) in (1isize..).zip(STEPS).filter(|(version, _)| *version > from) {
        let transaction = db.transaction()?;
        transaction.execute_batch(step)?;
        if step.contains(HOSTS_IN_ASCII) {
            spell_hosts(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
