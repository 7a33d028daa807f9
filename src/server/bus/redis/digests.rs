//! Digests and versions. A room's digest is a hash of `epoch`, `head` and the whole digest as `json`, in the slot of
//! the room's tail. An account's version is a number. Both expire by themselves.

use std::sync::LazyLock;

use redis::{Pipeline, Script};

use super::{
    super::{Digest, Result, VERSION_LIFE},
    RedisBus,
    tails::{key, life_in_millis, to_json},
};
use crate::{
    protocol::Retention,
    server::store::{AccountId, RoomId},
};

/// The number of keys that are read in one round trip, so that a node that shows very many rooms does not delay other
/// commands.
const AT_ONCE: usize = 500;

static PUT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("digest_put.lua")));

pub(super) async fn put(bus: &RedisBus, room: RoomId, digest: &Digest) -> Result<()> {
    let life = match digest.retention {
        Retention::Preserved => life_in_millis().to_string(),
        Retention::Ephemeral => String::new(),
    };
    let mut script = PUT.key(key(bus, room, "digest"));
    script.key(key(bus, room, "meta")).arg(digest.epoch.get()).arg(digest.head).arg(life).arg(to_json(digest)?);
    bus.link.run(&script).await
}

pub(super) async fn read(bus: &RedisBus, rooms: &[RoomId]) -> Result<Vec<(RoomId, Digest)>> {
    let mut all = Vec::with_capacity(rooms.len());
    for rooms in rooms.chunks(AT_ONCE) {
        let mut ask = Pipeline::with_capacity(rooms.len());
        for room in rooms {
            ask.cmd("HGET").arg(key(bus, *room, "digest")).arg("json");
        }
        let texts: Vec<Option<String>> = bus.link.query_all(&ask).await?;
        // A digest in the format of another version of the program is skipped, as if it were missing.
        let known =
            rooms.iter().zip(texts).filter_map(|(room, text)| Some((*room, serde_json::from_str(&text?).ok()?)));
        all.extend(known);
    }
    Ok(all)
}

pub(super) async fn touch(bus: &RedisBus, account: AccountId) -> Result<()> {
    let (key, mut ask) = (version_key(bus, account), Pipeline::with_capacity(2));
    ask.atomic().cmd("INCR").arg(&key).ignore();
    ask.cmd("PEXPIRE").arg(&key).arg(VERSION_LIFE.as_millis().to_string()).ignore();
    bus.link.query_all(&ask).await
}

pub(super) async fn versions(bus: &RedisBus, accounts: &[AccountId]) -> Result<Vec<(AccountId, u64)>> {
    let mut all = Vec::with_capacity(accounts.len());
    for accounts in accounts.chunks(AT_ONCE) {
        let mut ask = Pipeline::with_capacity(accounts.len());
        for account in accounts {
            ask.cmd("GET").arg(version_key(bus, *account));
        }
        let versions: Vec<Option<u64>> = bus.link.query_all(&ask).await?;
        all.extend(accounts.iter().zip(versions).filter_map(|(account, version)| Some((*account, version?))));
    }
    Ok(all)
}

fn version_key(bus: &RedisBus, AccountId(account): AccountId) -> String {
    format!("{}:version:{account}", bus.prefix)
}
