//! Appends of many rooms at once.
//!
//! Every room appends by itself, and where many are busy, a command for each is what MongoDB is busy with. So batches of
//! messages that wait at the same time travel together: one ordered insert, batch behind batch. Of it a prefix is stored,
//! and so of each batch, as if it had gone alone. A unique index stops one batch, and with it the insert: those before it
//! are in, and those behind it, of which nothing is, go again.

use std::sync::Arc;

use mongodb::Collection;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{
    super::{Result, StoreError},
    PATIENCE,
    events::{EventDocument, Guard, guard},
};

/// Batches in one insert at most.
const TOGETHER: usize = 256;
/// Inserts under way at most. The fewer, the more batches travel together.
const TRAVELS: usize = 2;

/// The way into the archive for batches of messages.
pub(super) struct Appends(mpsc::Sender<Waiting>);

struct Waiting {
    /// Of one room, in order.
    documents: Vec<EventDocument>,
    done: oneshot::Sender<Result<Inserted>>,
}

/// All of a batch, or which of its documents a unique index stopped: those before it are in.
pub(super) type Inserted = std::result::Result<(), (usize, Guard)>;

impl Appends {
    /// The way, and the task that sends off what waits there; it ends when the way is dropped.
    pub fn start(events: Collection<EventDocument>) -> Self {
        let (appends, waiting) = mpsc::channel(TOGETHER);
        tokio::spawn(send_off(events, waiting));
        Self(appends)
    }

    /// Inserts the documents of a room in order.
    pub async fn insert(&self, documents: Vec<EventDocument>) -> Result<Inserted> {
        let (done, answer) = oneshot::channel();
        let lost = || anyhow::anyhow!("an append was not finished");
        self.0.send(Waiting { documents, done }).await.map_err(|_| lost())?;
        answer.await.map_err(|_| lost())?
    }
}

async fn send_off(events: Collection<EventDocument>, mut waiting: mpsc::Receiver<Waiting>) {
    let travels = Arc::new(Semaphore::new(TRAVELS));
    let mut group = Vec::new();
    // What comes while all travels are under way goes together with the next.
    while let Ok(travel) = Arc::clone(&travels).acquire_owned().await {
        if waiting.recv_many(&mut group, TOGETHER).await == 0 {
            return;
        }
        let (events, group) = (events.clone(), std::mem::take(&mut group));
        tokio::spawn(async move {
            // Who waits longer has been told that it failed.
            let _ = timeout(PATIENCE, insert_group(&events, group)).await;
            drop(travel);
        });
    }
}

async fn insert_group(events: &Collection<EventDocument>, mut group: Vec<Waiting>) {
    while !group.is_empty() {
        let all = group.iter().flat_map(|waiting| &waiting.documents);
        let Err(error) = events.insert_many(all).await else {
            group.drain(..).for_each(|waiting| waiting.answer(Ok(Ok(()))));
            return;
        };
        let Some((mut index, guard)) = guard(&error) else {
            // What of it is stored nobody knows.
            group.drain(..).for_each(|waiting| waiting.answer(Err(StoreError::from(error.clone()))));
            return;
        };
        let mut group_in_order = std::mem::take(&mut group).into_iter();
        for waiting in group_in_order.by_ref() {
            let count = waiting.documents.len();
            if index < count {
                waiting.answer(Ok(Err((index, guard))));
                break;
            }
            index -= count;
            waiting.answer(Ok(Ok(())));
        }
        group = group_in_order.collect();
    }
}

impl Waiting {
    fn answer(self, inserted: Result<Inserted>) {
        // Who does not wait any more has been told that it failed.
        let _ = self.done.send(inserted);
    }
}
