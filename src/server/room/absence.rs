//! Absence: a guest who has had no connection for a while leaves the room, with one notice, even if the guest's node
//! died.
//!
//! Every guest in a room has a lease on the bus. Nodes renew the leases of the guests connected to them. A lease
//! therefore ends one grace after the last connection, or up to one renewal pause later, also if the node died. When a
//! page reports that it is being closed, the lease is shortened; if the guest is still connected, it is renewed before
//! it ends. Any node claims ended leases, makes the guest's record inactive and announces it in the log.
//!
//! An account stays in a room until it leaves, so it has no lease. A lease from when an account was a guest ends
//! without effect.
//!
//! The store says who is in a room. Leases that the bus lost are made again from it. While the bus is away, no node can
//! renew leases. After that, and after a start, the shorter grace passes before any guest is taken for absent.
//!
//! Not here: renewing, shortening and ending the leases of this node's guests (`leases`).

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{
    command::{Reply, notice_command},
    engine::Engine,
};
use crate::server::{
    clock,
    store::{MemberRecord, StoreError},
};

/// Leases, memberships or rooms in one query.
const CHUNK: usize = 500;
/// How long a claimed lease belongs to the node that claimed it. After that, another node takes over.
const CLAIM: Duration = Duration::from_secs(10);
/// How often memberships without a lease are looked for.
const ADOPT: Duration = Duration::from_mins(1);
/// How often owed notices that were lost in a crash are looked for, and how old they must be.
const OWED: Duration = Duration::from_secs(2);

pub(super) fn start(engine: &Engine) {
    let grace = engine.timing().shortest();
    every(engine, grace / 3, |engine| async move { engine.renew_leases(&engine.guests_present()).await });
    every(engine, (grace / 4).min(Duration::from_secs(1)), |engine| async move { claim(&engine).await });
    every(engine, OWED, |engine| async move { announce_owed(&engine).await });
    every(engine, ADOPT, |engine| async move { adopt(&engine).await });
}

/// Runs `work` regularly until the node stops.
fn every<F>(engine: &Engine, pause: Duration, work: impl Fn(Engine) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send,
{
    let worker = engine.clone();
    engine.spawn_until_stopped(async move {
        let mut tick = interval(pause.max(Duration::from_millis(50)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            work(worker.clone()).await;
        }
    });
}

/// Renews the leases of connected guests after the bus was away, and makes lost ones again. No guest is judged too
/// early: each failed call in the meantime has postponed the judgements (`postpone_absences`).
pub(super) async fn bus_came_back(engine: &Engine) {
    engine.renew_leases(&engine.guests_present()).await;
    adopt(engine).await;
}

/// Gives every guest who is a member a lease, if they have none. At most one node does so in half of [`ADOPT`].
async fn adopt(engine: &Engine) {
    if engine.bus().claim_job("adopt-leases", ADOPT / 2).await.unwrap_or(false) {
        adopt_all(engine).await;
    }
}

async fn adopt_all(engine: &Engine) {
    let until = clock::now() + clock::millis(engine.timing().guest_grace);
    let mut after = None;
    loop {
        let guests = match engine.store().active_guests(after, CHUNK).await {
            Ok(guests) => guests,
            Err(error) => return tracing::debug!(%error, "memberships not read"),
        };
        let Some(last) = guests.last() else { return };
        after = Some(*last);
        if let Err(error) = engine.bus().adopt_leases(&guests, until).await {
            return tracing::debug!(error = %error.0, "leases not adopted");
        }
    }
}

/// Removes the guests whose leases have ended from their rooms.
async fn claim(engine: &Engine) {
    if !engine.may_judge_absences() {
        return;
    }
    let now = clock::now();
    let ended = match engine.bus().claim_ended_leases(now, now + clock::millis(CLAIM), CHUNK).await {
        Ok(ended) => ended,
        Err(error) => {
            engine.postpone_absences();
            return tracing::debug!(error = %error.0, "leases not claimed");
        }
    };
    for (room, member) in ended {
        if engine.is_guest_present(room, member) {
            engine.renew_leases(&[(room, member)]).await;
            continue;
        }
        match engine.store().leave_absent(room, member, now).await {
            Ok(record) => announce(engine, &record).await,
            // The guest has left already, or is an account by now, which has no lease.
            Err(StoreError::NotFound) => engine.end_lease(room, member),
            // The claim runs out, and a node tries again.
            Err(error) => tracing::warn!(%room, %error, "an absent guest was not written down as gone"),
        }
    }
}

/// Resubmits the notices that records still owe the log.
async fn announce_owed(engine: &Engine) {
    let before = clock::now() - clock::millis(OWED);
    let rooms = match engine.store().rooms_owing_notices(before, CHUNK).await {
        Ok(rooms) => rooms,
        Err(error) => return tracing::debug!(%error, "owed notices not looked for"),
    };
    for room in rooms {
        for record in engine.store().members(room).await.unwrap_or_default() {
            if record.changed_at < before {
                announce(engine, &record).await;
            }
        }
    }
}

async fn announce(engine: &Engine, record: &MemberRecord) {
    if let Some(owed) = &record.owed {
        engine.submit(record.room, notice_command(record.person(), owed), Reply::None).await;
    }
}
