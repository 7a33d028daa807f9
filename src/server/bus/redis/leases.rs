//! Leases: one sorted set of `<room>:<member>`. The score is the time at which the lease ends.

use std::sync::LazyLock;

use anyhow::anyhow;
use redis::{Script, cmd};

use super::{super::Result, RedisBus};
use crate::{
    protocol::{MemberId, Millis},
    server::store::RoomId,
};

/// The number of guests in one command, so that a node with very many guests does not delay other commands.
const GUESTS_AT_ONCE: usize = 1_000;

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("leases_claim.lua")));

/// Sets the end of leases. Guests without a lease get one. `rule` is the option of `ZADD` that applies to the others:
/// `GT` moves an end only to a later time, `NX` leaves it unchanged.
pub(super) async fn extend(bus: &RedisBus, guests: &[(RoomId, MemberId)], until: Millis, rule: &str) -> Result<()> {
    for guests in guests.chunks(GUESTS_AT_ONCE) {
        let mut add = cmd("ZADD");
        add.arg(key(bus)).arg(rule);
        for (room, member) in guests {
            add.arg(until).arg(format!("{room}:{member}"));
        }
        bus.link.query::<()>(&add).await?;
    }
    Ok(())
}

pub(super) async fn shorten(bus: &RedisBus, room: RoomId, member: MemberId, until: Millis) -> Result<()> {
    let mut shorten = cmd("ZADD");
    shorten.arg(key(bus)).arg("XX").arg("LT").arg(until).arg(format!("{room}:{member}"));
    bus.link.query(&shorten).await
}

pub(super) async fn end(bus: &RedisBus, room: RoomId, member: MemberId) -> Result<()> {
    bus.link.query(cmd("ZREM").arg(key(bus)).arg(format!("{room}:{member}"))).await
}

pub(super) async fn claim_ended(
    bus: &RedisBus,
    now: Millis,
    retry_at: Millis,
    limit: usize,
) -> Result<Vec<(RoomId, MemberId)>> {
    let ended: Vec<String> = bus.link.run(CLAIM.key(key(bus)).arg(now).arg(retry_at).arg(limit)).await?;
    ended.iter().map(|guest| parse(guest).ok_or_else(|| anyhow!("a lease names no guest").into())).collect()
}

fn key(bus: &RedisBus) -> String {
    format!("{}:leases", bus.prefix)
}

fn parse(guest: &str) -> Option<(RoomId, MemberId)> {
    let (room, member) = guest.split_once(':')?;
    Some((RoomId(room.parse().ok()?), MemberId::from_bits(member.parse().ok()?)))
}
