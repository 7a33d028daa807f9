//! Absence: a guest without a connection for a while has left, with one notice, whichever node still lives.
//!
//! Every guest in a room has a lease on the bus. Nodes renew the leases of those connected to them, so a lease ends one
//! grace after the last connection, or a renewal's pause later, also if its node died. A page that is being closed says so,
//! which shortens the lease; the lease of a guest who is connected still is renewed before it ends. Any node claims ended
//! leases and writes the leaving down.
//! An account is in a room until it leaves, so it has no lease; one from when it was a guest ends without effect.
//! The store is the truth of who is in: leases that the bus lost are made anew from it. While the bus is away nobody can
//! renew, so after that, and after a start, the shorter grace passes before anybody is taken for absent.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Engine, Reply, live::announcement};
use crate::{
    protocol::MemberId,
    server::{
        clock,
        store::{MemberRecord, RoomId, StoreError},
    },
};

/// Leases handled at once.
const CHUNK: usize = 500;
/// How long another node waits before it takes over a claimed lease.
const CLAIM: Duration = Duration::from_secs(10);
/// How often memberships without a lease are looked for.
const ADOPT: Duration = Duration::from_mins(1);
/// How often notices that a crash swallowed are looked for, and how old they must be.
const OWED: Duration = Duration::from_secs(2);

/// Starts the background work.
pub(super) fn start(engine: &Engine) {
    let grace = engine.timing().shortest();
    every(engine, grace / 3, |engine| async move { renew(&engine, &engine.guests_present()).await });
    every(engine, (grace / 4).min(Duration::from_secs(1)), |engine| async move { claim(&engine).await });
    every(engine, OWED, |engine| async move { announce_owed(&engine).await });
    every(engine, ADOPT, |engine| async move { adopt(&engine).await });
}

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

/// Says that these guests are here now; said of somebody who is not, their grace runs from now. No renewal follows when a
/// connection ends, so that none undoes what [`hasten`] did: the pause between two renewals is added here.
pub(super) async fn renew(engine: &Engine, guests: &[(RoomId, MemberId)]) {
    let timing = engine.timing();
    let until = clock::now() + clock::millis(timing.guest_grace + timing.shortest() / 3);
    for chunk in guests.chunks(CHUNK) {
        if let Err(error) = engine.bus().renew_leases(chunk, until).await {
            tracing::debug!(error = %error.0, "leases not renewed");
            engine.excuse_absences();
            return;
        }
    }
}

/// A guest's page is being closed.
pub(super) async fn hasten(engine: &Engine, room: RoomId, member: MemberId) {
    let until = clock::now() + clock::millis(engine.timing().guest_closed);
    if let Err(error) = engine.bus().shorten_lease(room, member, until).await {
        tracing::debug!(error = %error.0, "lease not shortened; the guest leaves later");
    }
}

/// After an outage every lease is old: first say who is here, and look for leases that were lost. (That nobody is judged
/// too early, the calls that failed meanwhile have seen to.)
pub(super) async fn bus_came_back(engine: &Engine) {
    renew(engine, &engine.guests_present()).await;
    adopt(engine).await;
}

async fn adopt(engine: &Engine) {
    if engine.bus().take_turn("adopt-leases", ADOPT / 2).await.unwrap_or(false) {
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

async fn claim(engine: &Engine) {
    if !engine.may_judge_absences() {
        return;
    }
    let now = clock::now();
    let ended = match engine.bus().claim_ended_leases(now, now + clock::millis(CLAIM), CHUNK).await {
        Ok(ended) => ended,
        Err(error) => {
            engine.excuse_absences();
            return tracing::debug!(error = %error.0, "leases not claimed");
        }
    };
    for (room, member) in ended {
        if engine.is_guest_present(room, member) {
            renew(engine, &[(room, member)]).await;
            continue;
        }
        match engine.store().leave_absent(room, member, now).await {
            Ok(record) => announce(engine, &record).await,
            // They left already, or have an account by now, which may be connected to any room.
            Err(StoreError::NotFound) => engine.end_lease(room, member),
            // The claim runs out, and somebody tries again.
            Err(error) => tracing::warn!(%room, %error, "an absent guest was not written down as gone"),
        }
    }
}

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
        engine.submit(record.room, announcement(record.person(), owed), Reply::None).await;
    }
}
