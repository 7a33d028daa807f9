//! Tokens in MongoDB.

use async_trait::async_trait;
use mongodb::{
    ClientSession,
    bson::{self, Binary, Document, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{ActorId, CodeCheck, MailRecord, Purpose, Result, StoreError, TokenHash, TokenRecord, Tokens},
    Attempt, Failure, Mongo, PATIENCE, PAUSE, duplicate,
    guests::{token_binary, token_hash},
    indexes,
    members::{ActorKind, actor, actor_fields},
    rest, transaction, within,
};
use crate::protocol::{Email, Millis};

#[derive(Serialize, Deserialize)]
pub(super) struct TokenDocument {
    purpose: String,
    holder_kind: ActorKind,
    holder: bson::Uuid,
    hash: Binary,
    email: Email,
    tries: u8,
    /// A date, which the TTL index needs.
    ends_at: bson::DateTime,
}

#[async_trait]
impl Tokens for Mongo {
    async fn put_token(&self, token: &TokenRecord, mail: Option<&MailRecord>) -> Result<()> {
        within(PATIENCE, async {
            loop {
                match transaction!(self, |session| self.try_put_token(session, token, mail)) {
                    Ok(()) => return Ok(()),
                    // Another one was kept at this very moment; this one takes its place.
                    Err(Failure::Driver(error)) if matches!(duplicate(&error), Some((_, indexes::TOKENS_HOLDER))) => {
                        rest(&mut PAUSE.clone()).await;
                    }
                    Err(failure) => return Err(failure.into()),
                }
            }
        })
        .await
    }

    async fn token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord> {
        within(PATIENCE, async {
            let token = self.tokens.find_one(by_hash(purpose, hash, now)).await?;
            token.ok_or(StoreError::NotFound)?.record(purpose)
        })
        .await
    }

    async fn take_token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord> {
        within(PATIENCE, async {
            let token = self.tokens.find_one_and_delete(by_hash(purpose, hash, now)).await?;
            token.ok_or(StoreError::NotFound)?.record(purpose)
        })
        .await
    }

    async fn try_code(
        &self,
        purpose: Purpose,
        holder: ActorId,
        hash: TokenHash,
        tries: u8,
        now: Millis,
    ) -> Result<CodeCheck> {
        within(PATIENCE, async {
            // A code that was tried too often is as good as gone before it is deleted.
            let mut right = by_hash(purpose, hash, now);
            right.extend(by_holder(purpose, holder));
            right.insert("tries", doc! { "$lt": i32::from(tries) });
            let mut wrong = right.clone();
            wrong.insert("hash", doc! { "$ne": token_binary(hash) });
            if self.tokens.find_one_and_delete(right).await?.is_some() {
                return Ok(CodeCheck::Right);
            }
            let counted = self.tokens.find_one_and_update(wrong, doc! { "$inc": { "tries": 1 } });
            let Some(token) = counted.return_document(ReturnDocument::After).await? else {
                return Ok(CodeCheck::None);
            };
            let left = tries.saturating_sub(token.tries);
            if left == 0 {
                let mut used_up = by_holder(purpose, holder);
                used_up.insert("hash", token.hash);
                self.tokens.delete_one(used_up).await?;
            }
            Ok(CodeCheck::Wrong(left))
        })
        .await
    }

    async fn forget_tokens(&self, now: Millis) -> Result<u64> {
        within(PATIENCE, async {
            let ended = doc! { "ends_at": { "$lt": bson::DateTime::from_millis(now) } };
            Ok(self.tokens.delete_many(ended).await?.deleted_count)
        })
        .await
    }
}

impl Mongo {
    async fn try_put_token(
        &self,
        session: &mut ClientSession,
        token: &TokenRecord,
        mail: Option<&MailRecord>,
    ) -> Attempt<()> {
        self.keep_token(session, token).await?;
        if let Some(mail) = mail {
            self.keep_mail(session, mail).await?;
        }
        Ok(())
    }

    /// Keeps a token in place of an older one.
    pub(super) async fn keep_token(&self, session: &mut ClientSession, token: &TokenRecord) -> Attempt<()> {
        let older = by_holder(token.purpose, token.holder);
        let document = TokenDocument::from(token.clone());
        self.tokens.replace_one(older, document).upsert(true).session(session).await?;
        Ok(())
    }
}

fn by_hash(purpose: Purpose, hash: TokenHash, now: Millis) -> Document {
    let alive = doc! { "$gt": bson::DateTime::from_millis(now) };
    doc! { "hash": token_binary(hash), "purpose": purpose.as_str(), "ends_at": alive }
}

fn by_holder(purpose: Purpose, holder: ActorId) -> Document {
    let (kind, holder) = actor_fields(holder);
    doc! { "holder": holder, "purpose": purpose.as_str(), "holder_kind": kind }
}

impl From<TokenRecord> for TokenDocument {
    fn from(token: TokenRecord) -> Self {
        let (holder_kind, holder) = actor_fields(token.holder);
        Self {
            purpose: token.purpose.as_str().to_owned(),
            holder_kind,
            holder,
            hash: token_binary(token.hash),
            email: token.email,
            tries: token.tries,
            ends_at: bson::DateTime::from_millis(token.ends_at),
        }
    }
}

impl TokenDocument {
    fn record(self, purpose: Purpose) -> Result<TokenRecord> {
        Ok(TokenRecord {
            purpose,
            holder: actor(self.holder_kind, self.holder),
            hash: token_hash(self.hash)?,
            email: self.email,
            tries: self.tries,
            ends_at: self.ends_at.timestamp_millis(),
        })
    }
}
