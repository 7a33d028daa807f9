//! Sessions in MongoDB: implements [`Sessions`], where each method is described. In this file `transaction` is
//! MongoDB's client session, and `session` a session of an account.

use std::collections::HashSet;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{self, Binary, doc},
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        AccountId, AccountRecord, ActorId, Ending, Result, Rotation, SessionId, SessionRecord, Sessions, StoreError,
        TokenHash,
    },
    Attempt, Mongo, PATIENCE, binary,
    documents::{AccountDocument, token_binary, token_hash},
    transaction, uuid, within,
};
use crate::protocol::Millis;

#[derive(Serialize, Deserialize)]
pub(super) struct SessionDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    account: bson::Uuid,
    refresh: Binary,
    previous: Option<Previous>,
    #[serde(default)]
    arrived: bool,
    device: String,
    created_at: Millis,
    used_at: Millis,
    /// A BSON date, which the TTL index needs.
    ends_at: bson::DateTime,
}

/// The previous refresh token, and when it was replaced.
#[derive(Serialize, Deserialize)]
struct Previous {
    refresh: Binary,
    since: Millis,
}

/// The id of a session.
#[derive(Deserialize)]
struct Id {
    #[serde(rename = "_id")]
    id: bson::Uuid,
}

/// A session, and its account.
#[derive(Deserialize)]
struct Owned {
    session: SessionDocument,
    account: AccountDocument,
}

#[async_trait]
impl Sessions for Mongo {
    async fn begin_session(&self, session: &SessionRecord) -> Result<()> {
        within(PATIENCE, async { Ok(transaction!(self, |transaction| self.try_begin_session(transaction, session))?) })
            .await
    }

    async fn session(&self, id: SessionId, now: Millis) -> Result<(SessionRecord, AccountRecord)> {
        within(PATIENCE, async {
            let found = self.sessions.aggregate([
                doc! { "$match": { "_id": binary(id.0), "ends_at": { "$gt": bson::DateTime::from_millis(now) } } },
                doc! { "$lookup": { "from": "accounts", "localField": "account", "foreignField": "_id", "as": "found" } },
                doc! { "$unwind": "$found" },
                doc! { "$replaceWith": { "session": "$$ROOT", "account": "$found" } },
            ]);
            let found = found.with_type::<Owned>().await?.try_next().await?.ok_or(StoreError::NotFound)?;
            Ok((found.session.try_into()?, found.account.into()))
        })
        .await
    }

    async fn rotate_session(&self, id: SessionId, rotation: &Rotation) -> Result<()> {
        let Rotation { from, to, at, since, ends_at } = *rotation;
        within(PATIENCE, async {
            let lost = doc! {
                "previous.refresh": token_binary(from),
                "previous.since": { "$lte": since },
                "arrived": { "$ne": true },
            };
            let good = doc! {
                "_id": binary(id.0),
                "$or": [{ "refresh": token_binary(from) }, lost],
                "ends_at": { "$gt": bson::DateTime::from_millis(at) },
            };
            let rotate = doc! {
                "$set": {
                    "refresh": token_binary(to),
                    "previous": { "refresh": token_binary(from), "since": at },
                    "arrived": false,
                    "ends_at": bson::DateTime::from_millis(ends_at),
                },
                "$max": { "used_at": at },
            };
            let rotated = self.sessions.update_one(good, rotate).await?;
            if rotated.matched_count == 0 { Err(StoreError::NotFound) } else { Ok(()) }
        })
        .await
    }

    async fn note_refresh_received(&self, id: SessionId, refresh: TokenHash) -> Result<()> {
        within(PATIENCE, async {
            let good = doc! { "_id": binary(id.0), "refresh": token_binary(refresh) };
            self.sessions.update_one(good, doc! { "$set": { "arrived": true } }).await?;
            Ok(())
        })
        .await
    }

    async fn touch_session(&self, id: SessionId, at: Millis) -> Result<()> {
        within(PATIENCE, async {
            self.sessions.update_one(doc! { "_id": binary(id.0) }, doc! { "$max": { "used_at": at } }).await?;
            Ok(())
        })
        .await
    }

    async fn sessions(&self, account: AccountId, now: Millis) -> Result<Vec<SessionRecord>> {
        within(PATIENCE, async {
            let living = doc! { "account": binary(account.0), "ends_at": { "$gt": bson::DateTime::from_millis(now) } };
            let found = self.sessions.find(living).sort(doc! { "used_at": -1, "_id": -1 }).await?;
            found.map_err(StoreError::from).and_then(async |session| session.try_into()).try_collect().await
        })
        .await
    }

    async fn end_sessions(&self, account: AccountId, which: Ending) -> Result<Vec<SessionId>> {
        within(PATIENCE, async { Ok(transaction!(self, |session| self.try_end_sessions(session, account, which))?) })
            .await
    }

    async fn ended_sessions(&self, sessions: &[SessionId], now: Millis) -> Result<Vec<SessionId>> {
        within(PATIENCE, async {
            let ids: Vec<_> = sessions.iter().map(|id| binary(id.0)).collect();
            let living = doc! { "_id": { "$in": ids }, "ends_at": { "$gt": bson::DateTime::from_millis(now) } };
            // Almost always all sessions are alive, and a count is enough to know it.
            if self.sessions.count_documents(living.clone()).await? == sessions.len() as u64 {
                return Ok(Vec::new());
            }
            let ids = self.sessions.clone_with_type::<Id>();
            let found = ids.find(living).projection(doc! { "_id": 1 }).await?;
            let living: HashSet<SessionId> = found.map_ok(|session| SessionId(uuid(session.id))).try_collect().await?;
            Ok(sessions.iter().filter(|session| !living.contains(session)).copied().collect())
        })
        .await
    }

    async fn forget_sessions(&self, now: Millis) -> Result<u64> {
        within(PATIENCE, async {
            let ended = doc! { "ends_at": { "$lt": bson::DateTime::from_millis(now) } };
            Ok(self.sessions.delete_many(ended).await?.deleted_count)
        })
        .await
    }
}

impl Mongo {
    async fn try_begin_session(&self, transaction: &mut ClientSession, session: &SessionRecord) -> Attempt<()> {
        self.hold_actor(transaction, ActorId::Account(session.account)).await?;
        self.sessions.insert_one(SessionDocument::from(session.clone())).session(transaction).await?;
        Ok(())
    }

    /// Ends sessions of an account. Returns which ones.
    pub(super) async fn try_end_sessions(
        &self,
        transaction: &mut ClientSession,
        account: AccountId,
        which: Ending,
    ) -> Attempt<Vec<SessionId>> {
        let mut ending = doc! { "account": binary(account.0) };
        match which {
            Ending::One(id) => _ = ending.insert("_id", binary(id.0)),
            Ending::Others(id) => _ = ending.insert("_id", doc! { "$ne": binary(id.0) }),
            Ending::All => {}
        }
        let ids = self.sessions.clone_with_type::<Id>();
        let mut found = ids.find(ending).projection(doc! { "_id": 1 }).session(&mut *transaction).await?;
        let ids: Vec<_> = found.stream(&mut *transaction).map_ok(|found| found.id).try_collect().await?;
        self.sessions.delete_many(doc! { "_id": { "$in": &ids } }).session(transaction).await?;
        Ok(ids.into_iter().map(|id| SessionId(uuid(id))).collect())
    }
}

impl From<SessionRecord> for SessionDocument {
    fn from(session: SessionRecord) -> Self {
        Self {
            id: binary(session.id.0),
            account: binary(session.account.0),
            refresh: token_binary(session.refresh),
            previous: session.previous.map(|(token, since)| Previous { refresh: token_binary(token), since }),
            arrived: session.arrived,
            device: session.device,
            created_at: session.created_at,
            used_at: session.used_at,
            ends_at: bson::DateTime::from_millis(session.ends_at),
        }
    }
}

impl TryFrom<SessionDocument> for SessionRecord {
    type Error = StoreError;

    fn try_from(document: SessionDocument) -> Result<Self> {
        let previous = |previous: Previous| Ok::<_, StoreError>((token_hash(previous.refresh)?, previous.since));
        Ok(Self {
            id: SessionId(uuid(document.id)),
            account: AccountId(uuid(document.account)),
            refresh: token_hash(document.refresh)?,
            previous: document.previous.map(previous).transpose()?,
            arrived: document.arrived,
            device: document.device,
            created_at: document.created_at,
            used_at: document.used_at,
            ends_at: document.ends_at.timestamp_millis(),
        })
    }
}
