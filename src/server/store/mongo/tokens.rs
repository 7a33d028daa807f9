//! Tokens in MongoDB: implements [`Tokens`], where each method is described. A used token has a purpose that begins
//! with `used_`, and no slot.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{self, Binary, Document, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        AccountId, ActorId, CODE_AGAIN, CodeCheck, MailRecord, Purpose, Result, StoreError, TokenHash, TokenRecord,
        Tokens,
    },
    Attempt, Failure, Mongo, PATIENCE, PAUSE,
    documents::{ActorKind, actor, actor_fields, token_binary, token_hash},
    duplicate, indexes, rest, transaction, within,
};
use crate::{
    protocol::{Email, Millis},
    server::clock,
};

#[derive(Serialize, Deserialize)]
pub(super) struct TokenDocument {
    purpose: String,
    holder_kind: ActorKind,
    holder: bson::Uuid,
    /// The number of the token among the valid ones of the same holder and purpose. `None` in used tokens, and in
    /// tokens of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<i32>,
    hash: Binary,
    email: Email,
    tries: u8,
    /// A BSON date, which the TTL index needs.
    ends_at: bson::DateTime,
}

#[async_trait]
impl Tokens for Mongo {
    async fn put_token(&self, token: &TokenRecord, mail: Option<&MailRecord>, now: Millis) -> Result<bool> {
        within(PATIENCE, async {
            loop {
                match transaction!(self, |session| self.try_put_token(session, token, mail, now)) {
                    Ok(is_kept) => return Ok(is_kept),
                    // A concurrent call took the slot. The retry finds that token and takes another slot, or replaces
                    // it.
                    Err(Failure::Driver(error)) if matches!(duplicate(&error), Some((_, indexes::TOKENS_SLOT))) => {
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

    async fn used_token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord> {
        within(PATIENCE, async {
            let token = self.tokens.find_one(used(by_hash(purpose, hash, now), purpose)).await?;
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
            // A code with too many wrong tries is refused even if it is not deleted yet.
            let mut right = by_hash(purpose, hash, now);
            right.extend(by_holder(purpose, holder));
            right.insert("tries", doc! { "$lt": i32::from(tries) });
            let mut wrong = right.clone();
            wrong.insert("hash", doc! { "$ne": token_binary(hash) });
            let known_until = bson::DateTime::from_millis(now + clock::millis(CODE_AGAIN));
            let take = vec![
                doc! { "$set": { "purpose": purpose.as_used(), "ends_at": { "$min": ["$ends_at", known_until] } } },
                doc! { "$unset": "slot" },
            ];
            let was_used = used(right.clone(), purpose);
            if self.tokens.find_one_and_update(right, take).await?.is_some() {
                return Ok(CodeCheck::Right);
            }
            if self.tokens.find_one(was_used).await?.is_some() {
                return Ok(CodeCheck::Again);
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
        now: Millis,
    ) -> Attempt<bool> {
        let is_kept = self.keep_token(session, token, now).await?;
        if let Some(mail) = mail.filter(|_| is_kept) {
            self.keep_mail(session, mail).await?;
        }
        Ok(is_kept)
    }

    /// Stores a token, in a free slot or in place of the holder's oldest token. Returns whether it was stored.
    pub(super) async fn keep_token(
        &self,
        session: &mut ClientSession,
        token: &TokenRecord,
        now: Millis,
    ) -> Attempt<bool> {
        let of_holder = by_holder(token.purpose, token.holder);
        let oldest_first = self.tokens.find(of_holder.clone()).sort(doc! { "ends_at": 1, "slot": 1 });
        let mut found = oldest_first.session(&mut *session).await?;
        let kept: Vec<TokenDocument> = found.stream(&mut *session).try_collect().await?;
        let slots = 0..i32::from(token.purpose.at_once());
        let free = slots.clone().find(|slot| kept.iter().all(|kept| kept.slot.unwrap_or(0) != *slot));
        let gives_way = |kept: &&TokenDocument| token.purpose.gives_way() || kept.ends_at.timestamp_millis() <= now;
        let document = |slot| TokenDocument { slot: Some(slot), ..TokenDocument::from(token.clone()) };
        match (free, kept.first().filter(gives_way)) {
            (Some(slot), _) => {
                self.tokens.insert_one(document(slot)).session(session).await?;
            }
            (None, Some(oldest)) => {
                let mut older = of_holder;
                older.insert("hash", oldest.hash.clone());
                self.tokens.replace_one(older, document(oldest.slot.unwrap_or(0))).session(session).await?;
            }
            (None, None) => return Ok(false),
        }
        Ok(true)
    }

    /// Uses up all links for a new password of an account. If `one` is given, it must be among them and not have
    /// expired, or the answer is `NotFound`.
    pub(super) async fn use_resets(
        &self,
        session: &mut ClientSession,
        account: AccountId,
        one: Option<(TokenHash, Millis)>,
    ) -> Attempt<()> {
        let of_account = by_holder(Purpose::Reset, ActorId::Account(account));
        if let Some((hash, now)) = one {
            let mut followed = by_hash(Purpose::Reset, hash, now);
            followed.extend(of_account.clone());
            if self.tokens.find_one(followed).session(&mut *session).await?.is_none() {
                return Err(StoreError::NotFound.into());
            }
        }
        let take = doc! { "$set": { "purpose": Purpose::Reset.as_used() }, "$unset": { "slot": "" } };
        self.tokens.update_many(of_account, take).session(session).await?;
        Ok(())
    }
}

/// Changes a filter for valid tokens of a purpose to one for used tokens.
fn used(mut filter: Document, purpose: Purpose) -> Document {
    filter.insert("purpose", purpose.as_used());
    filter
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
            slot: None,
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
