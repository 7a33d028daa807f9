//! Appends of messages, shared by many rooms.
//!
//! Every room appends batches of its own. If many rooms are busy, one command for each batch would be most of MongoDB's
//! work. So the batches that wait at the same time are sent as one ordered insert, batch behind batch. MongoDB stores a
//! prefix of the insert, and thereby a prefix of each batch, as if the batch had been sent alone.
//!
//! A unique index that refuses a document stops the insert in the middle of one batch. The batches before it are
//! stored, and that batch gets the error. Nothing of the batches behind it is stored, so they are sent again. Not here:
//! events that change records, which run in a transaction (`events.rs`).

use std::sync::Arc;

use mongodb::{Collection, error::Error};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{
    super::{Result, StoreError},
    PATIENCE,
    documents::EventDocument,
    duplicate, indexes,
};

/// Maximum of batches in one insert.
const TOGETHER: usize = 256;
/// Maximum of inserts under way. The fewer there are, the more batches share one.
const TRAVELS: usize = 2;

/// The queue of batches of messages for the archive.
pub(super) struct Appends(mpsc::Sender<Waiting>);

struct Waiting {
    /// The events of one room, in order.
    documents: Vec<EventDocument>,
    done: oneshot::Sender<Result<Inserted>>,
}

/// The unique index that refused an event.
#[derive(Clone, Copy)]
pub(super) enum Guard {
    Seq,
    ClientId,
}

/// `Ok` if the whole batch is stored. Otherwise the document of the batch that a unique index refused; those before it
/// are stored.
pub(super) type Inserted = std::result::Result<(), (usize, Guard)>;

impl Appends {
    /// Creates the queue, and starts the task that sends its batches. The task ends when the queue is dropped.
    pub fn start(events: Collection<EventDocument>) -> Self {
        let (appends, waiting) = mpsc::channel(TOGETHER);
        tokio::spawn(send_off(events, waiting));
        Self(appends)
    }

    /// Inserts the documents of one room, in order.
    pub async fn insert(&self, documents: Vec<EventDocument>) -> Result<Inserted> {
        let (done, answer) = oneshot::channel();
        let lost = || anyhow::anyhow!("an append was not finished");
        self.0.send(Waiting { documents, done }).await.map_err(|_| lost())?;
        answer.await.map_err(|_| lost())?
    }
}

/// Returns which event of an insert a unique index refused, and which index. `None` if the insert failed for another
/// reason.
pub(super) fn guard(error: &Error) -> Option<(usize, Guard)> {
    match duplicate(error)? {
        (index, indexes::EVENTS_SEQ) => Some((index, Guard::Seq)),
        (index, indexes::EVENTS_CLIENT_ID) => Some((index, Guard::ClientId)),
        _ => None,
    }
}

async fn send_off(events: Collection<EventDocument>, mut waiting: mpsc::Receiver<Waiting>) {
    let travels = Arc::new(Semaphore::new(TRAVELS));
    let mut group = Vec::new();
    // Batches that come while the maximum of inserts is under way share the next insert.
    while let Ok(travel) = Arc::clone(&travels).acquire_owned().await {
        if waiting.recv_many(&mut group, TOGETHER).await == 0 {
            return;
        }
        let (events, group) = (events.clone(), std::mem::take(&mut group));
        tokio::spawn(async move {
            // A caller that waits longer than this has already returned an error.
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
            // Which documents of the group are stored is unknown.
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
        // If the channel is closed, the caller has already returned an error.
        let _ = self.done.send(inserted);
    }
}
