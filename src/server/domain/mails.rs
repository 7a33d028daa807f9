//! Sending mails: a loop on every node leases mails from the store's outbox and hands them to the `Mailer`.
//!
//! A mail is deleted from the outbox only after it was handed over, so none is lost. During the handover it is leased,
//! so no other node sends it. The lease of a node that dies expires, and another node sends the mail.
//!
//! If a node dies after the mail server accepted a mail and before it was deleted, the mail is sent again. It then has
//! the same `Message-ID`, by which the mail server can recognise it.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::{
    protocol::Millis,
    server::{
        app::App,
        clock,
        mail::Undelivered,
        metrics::{self, MailOutcome},
        random,
        store::{MailRecord, StoreError},
    },
};

/// How often a node checks the outbox for mails that it was not notified of: those of other nodes, postponed ones, and
/// those of a node that died.
const LOOK: Duration = Duration::from_secs(2);
/// Mails that are sent at the same time.
const BATCH: usize = 4;
/// How long a mail is leased. Must be longer than sending may take
/// ([`Mailer::send`](crate::server::mail::Mailer::send)).
const LEASE: Duration = Duration::from_secs(45);
/// The pause after the first failed attempt. It doubles with each further failure, up to `LONGEST_PAUSE`.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// The pause before deleting a sent mail from the outbox is tried again.
const DELETE_RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Sends mails until the node stops, and finishes those that are being sent.
pub async fn run(app: App) {
    let mut store_failed = false;
    while !app.stopping.is_cancelled() {
        match send_due(&app).await {
            // A full batch: there may be more.
            Ok(BATCH) => continue,
            Ok(_) => store_failed = false,
            Err(error) => {
                if !store_failed {
                    tracing::warn!(%error, cause = ?std::error::Error::source(&error), "mails not looked for");
                }
                store_failed = true;
            }
        }
        tokio::select! {
            () = app.stopping.cancelled() => {}
            () = app.mail_waits.notified() => {}
            () = sleep(LOOK) => {}
        }
    }
}

/// Sends the mails that are due, up to [`BATCH`]. Returns their number.
async fn send_due(app: &App) -> Result<usize, StoreError> {
    let lease_ends = Instant::now() + LEASE;
    let now = clock::now();
    let mails = app.store.lease_mails(now, now + clock::millis(LEASE), BATCH).await?;
    join_all(mails.iter().map(|mail| send(app, mail, lease_ends))).await;
    Ok(mails.len())
}

/// Sends one mail. Then deletes it from the outbox, or postpones it after a temporary failure.
async fn send(app: &App, record: &MailRecord, lease_ends: Instant) {
    let (id, letter, attempts) = (record.id.0, &record.letter, record.attempts);
    let ends_at = record.created_at + clock::millis(letter.life());
    if clock::now() >= ends_at {
        tracing::warn!(%id, ?letter, attempts, "mail given up: it is of no use any more");
        metrics::count_mail(MailOutcome::GivenUp);
        return finish(app, record, lease_ends).await;
    }
    let mail = match app.letterhead.write(record, &app.keys) {
        Ok(mail) => mail,
        Err(error) => {
            tracing::warn!(%id, ?letter, error = format!("{error:#}"), "mail given up: it cannot be written");
            metrics::count_mail(MailOutcome::GivenUp);
            return finish(app, record, lease_ends).await;
        }
    };
    match app.mailer.send(&mail).await {
        Ok(()) => {
            tracing::debug!(%id, ?letter, attempts, "mail sent");
            metrics::count_mail(MailOutcome::Sent);
            finish(app, record, lease_ends).await;
        }
        Err(Undelivered::Refused(reason)) => {
            tracing::warn!(%id, ?letter, attempts, reason, "mail given up: it was refused");
            metrics::count_mail(MailOutcome::GivenUp);
            finish(app, record, lease_ends).await;
        }
        Err(Undelivered::NotNow(reason)) => {
            tracing::warn!(%id, ?letter, attempts, reason, "mail postponed");
            metrics::count_mail(MailOutcome::Postponed);
            if Instant::now() >= lease_ends {
                // The lease has expired, for example because this machine slept. Another node may be sending the mail
                // now.
                return;
            }
            let due_at = clock::now() + pause(attempts, random::below(u32::MAX));
            if let Err(error) = app.store.postpone_mail(record.id, due_at).await {
                // The lease will expire, and then the mail is tried again.
                tracing::warn!(%id, %error, "mail stays leased");
            }
        }
    }
}

/// Deletes a mail from the outbox. Retries until the lease ends, since a mail that stays is sent again.
async fn finish(app: &App, record: &MailRecord, lease_ends: Instant) {
    while let Err(error) = app.store.finish_mail(record.id).await {
        if Instant::now() >= lease_ends {
            return tracing::warn!(id = %record.id.0, %error, "mail stays in the outbox");
        }
        sleep(DELETE_RETRY_PAUSE).await;
    }
}

/// The pause after this many attempts: it doubles each time, and a random part of up to half is taken off, so that
/// mails that failed together are not all retried together. `chance` is the random number.
fn pause(attempts: u32, chance: u32) -> Millis {
    let doublings = attempts.saturating_sub(1).min(16);
    let whole = clock::millis((PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE));
    whole / 2 + whole / 2 * Millis::from(chance) / Millis::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_seconds_to_an_hour_and_differ() {
        let longest: Vec<_> = (1..=12).map(|attempts| pause(attempts, u32::MAX)).collect();
        assert_eq!(longest[..4], [5_000, 10_000, 20_000, 40_000]);
        assert_eq!(longest[11], 3_600_000);
        assert_eq!(pause(1, 0), 2_500);
        assert_eq!(pause(u32::MAX, 0), 1_800_000);
        assert!((2_500..5_000).contains(&pause(1, u32::MAX / 3)));
    }
}
