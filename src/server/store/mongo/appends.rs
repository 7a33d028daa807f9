//! Appends of many rooms at once.
//!
//! Every room appends by itself, and where many are busy, a command for each is what MongoDB is busy with. So batches of
//! messages that wait at the same time travel together: one insert in one transaction, of which all is stored or nothing.
//! If anything stops it, each batch goes again alone, as if it had never been among others; that something was stored after
//! all is then met as a seq that is taken, and read.

use std::sync::Arc;

use futures_util::future::join_all;
use mongodb::{Client, Collection};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{Attempt, Failure, PATIENCE, end, events::EventDocument};

/// Batches in one transaction at most.
const TOGETHER: usize = 256;
/// Travels under way at most. The fewer, the more batches travel together.
const TRAVELS: usize = 4;

/// The way into the archive for batches of messages.
pub(super) struct Appends(mpsc::Sender<Waiting>);

struct Waiting {
    /// Of one room, in order.
    documents: Vec<EventDocument>,
    done: oneshot::Sender<Attempt<()>>,
}

impl Appends {
    /// The way, and the task that sends off what waits there; it ends when the way is dropped.
    pub fn start(client: Client, events: Collection<EventDocument>) -> Self {
        let (appends, waiting) = mpsc::channel(TOGETHER);
        tokio::spawn(send_off(client, events, waiting));
        Self(appends)
    }

    /// Inserts the documents of a room in order: all, or a prefix and then the failure says where it ends.
    pub async fn insert(&self, documents: Vec<EventDocument>) -> Attempt<()> {
        let (done, answer) = oneshot::channel();
        let lost = || Failure::Answer(anyhow::anyhow!("an append was not finished").into());
        self.0.send(Waiting { documents, done }).await.map_err(|_| lost())?;
        answer.await.map_err(|_| lost())?
    }
}

async fn send_off(client: Client, events: Collection<EventDocument>, mut waiting: mpsc::Receiver<Waiting>) {
    let travels = Arc::new(Semaphore::new(TRAVELS));
    let mut group = Vec::new();
    // What comes while all travels are under way goes together with the next.
    while let Ok(travel) = Arc::clone(&travels).acquire_owned().await {
        if waiting.recv_many(&mut group, TOGETHER).await == 0 {
            return;
        }
        let (client, events, group) = (client.clone(), events.clone(), std::mem::take(&mut group));
        tokio::spawn(async move {
            // Who waits longer has been told that it failed.
            let _ = timeout(PATIENCE, insert_group(&client, &events, group)).await;
            drop(travel);
        });
    }
}

async fn insert_group(client: &Client, events: &Collection<EventDocument>, group: Vec<Waiting>) {
    if group.len() > 1 && insert_together(client, events, &group).await.is_some() {
        for waiting in group {
            let _ = waiting.done.send(Ok(()));
        }
        return;
    }
    let alone = group.into_iter().map(async |Waiting { documents, done }| {
        let inserted = events.insert_many(documents).await;
        let _ = done.send(inserted.map(drop).map_err(Into::into));
    });
    join_all(alone).await;
}

/// Inserts all; `None` if that is not to be, or not known to be.
async fn insert_together(client: &Client, events: &Collection<EventDocument>, group: &[Waiting]) -> Option<()> {
    let mut session = client.start_session().await.ok()?;
    session.start_transaction().await.ok()?;
    let all = group.iter().flat_map(|waiting| &waiting.documents);
    let inserted = events.insert_many(all).session(&mut session).await;
    end(session, inserted.map(drop).map_err(Into::into)).await?.ok()
}
