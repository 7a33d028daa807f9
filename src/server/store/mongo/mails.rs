//! Mails in MongoDB: implements [`Mails`], where each method is described.

use async_trait::async_trait;
use mongodb::{
    ClientSession,
    bson::{self, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{AccountId, GuestId, Letter, MailId, MailRecord, Mails, Result},
    Attempt, Mongo, PATIENCE, binary, uuid, within,
};
use crate::protocol::{Email, Language, Millis, Nickname};

#[derive(Serialize, Deserialize)]
pub(super) struct MailDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    // Left out if `None`, since partial indexes ask whether the field exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<bson::Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guest: Option<bson::Uuid>,
    to: Email,
    name: Nickname,
    language: Language,
    letter: Letter,
    key: String,
    created_at: Millis,
    due_at: Millis,
    attempts: u32,
}

#[async_trait]
impl Mails for Mongo {
    async fn put_mail(&self, mail: &MailRecord) -> Result<()> {
        within(PATIENCE, async {
            self.mails.insert_one(MailDocument::from(mail.clone())).await?;
            Ok(())
        })
        .await
    }

    async fn lease_mails(&self, now: Millis, until: Millis, limit: usize) -> Result<Vec<MailRecord>> {
        within(PATIENCE, async {
            let mut leased = Vec::new();
            let due = doc! { "due_at": { "$lte": now } };
            let mut urgent = due.clone();
            urgent.insert("letter.kind", doc! { "$in": ["log_in_code", "confirm_code"] });
            for which in [urgent, due] {
                while leased.len() < limit {
                    let lease = doc! { "$set": { "due_at": until }, "$inc": { "attempts": 1 } };
                    let next = self.mails.find_one_and_update(which.clone(), lease);
                    let next = next.sort(doc! { "due_at": 1, "_id": 1 }).return_document(ReturnDocument::After);
                    let Some(mail) = next.await? else { break };
                    leased.push(mail.into());
                }
            }
            Ok(leased)
        })
        .await
    }

    async fn finish_mail(&self, mail: MailId) -> Result<()> {
        within(PATIENCE, async {
            self.mails.delete_one(doc! { "_id": binary(mail.0) }).await?;
            Ok(())
        })
        .await
    }

    async fn count_mails(&self) -> Result<usize> {
        within(PATIENCE, async {
            let count = self.mails.count_documents(doc! {}).await?;
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
        })
        .await
    }

    async fn postpone_mail(&self, mail: MailId, due_at: Millis) -> Result<()> {
        within(PATIENCE, async {
            self.mails.update_one(doc! { "_id": binary(mail.0) }, doc! { "$set": { "due_at": due_at } }).await?;
            Ok(())
        })
        .await
    }
}

impl Mongo {
    /// Puts a mail into the outbox, in the transaction of the change that causes it.
    pub(super) async fn keep_mail(&self, session: &mut ClientSession, mail: &MailRecord) -> Attempt<()> {
        self.mails.insert_one(MailDocument::from(mail.clone())).session(session).await?;
        Ok(())
    }
}

impl From<MailRecord> for MailDocument {
    fn from(mail: MailRecord) -> Self {
        Self {
            id: binary(mail.id.0),
            account: mail.account.map(|account| binary(account.0)),
            guest: mail.guest.map(|guest| binary(guest.0)),
            to: mail.to,
            name: mail.name,
            language: mail.language,
            letter: mail.letter,
            key: mail.key,
            created_at: mail.created_at,
            due_at: mail.due_at,
            attempts: mail.attempts,
        }
    }
}

impl From<MailDocument> for MailRecord {
    fn from(document: MailDocument) -> Self {
        Self {
            id: MailId(uuid(document.id)),
            account: document.account.map(|account| AccountId(uuid(account))),
            guest: document.guest.map(|guest| GuestId(uuid(guest))),
            to: document.to,
            name: document.name,
            language: document.language,
            letter: document.letter,
            key: document.key,
            created_at: document.created_at,
            due_at: document.due_at,
            attempts: document.attempts,
        }
    }
}
