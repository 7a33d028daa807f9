//! The indexes of MongoDB. They are created at start, and existing ones are compared with the definitions here, since
//! unique indexes guard the invariants of the data and are not only for speed.
//!
//! On a sharded cluster `events` is sharded by `{room: 1}`, the field that its unique indexes begin with. The other
//! collections are not sharded. They are small, and the unique indexes on a code, a guest, a token and an address span
//! all rooms.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::TryStreamExt;
use mongodb::{
    Database, IndexModel,
    bson::{Document, doc},
    error::ErrorKind,
    options::IndexOptions,
};

/// How long MongoDB keeps a guest that is not seen. `forget_guests` deletes guests earlier if a shorter time is
/// configured.
const GUEST_LIFE: Duration = Duration::from_hours(24);

// Index names by which duplicate key errors are distinguished. The first name is MongoDB's own.
pub(super) const ID: &str = "_id_";
pub(super) const ROOMS_CODE: &str = "rooms_code";
pub(super) const MEMBERS_MEMBER: &str = "members_member";
pub(super) const MEMBERS_GUEST: &str = "members_guest";
pub(super) const MEMBERS_PLACE: &str = "members_place";
/// The index of the build before, which guards only the places of active members. A database may still have it.
pub(super) const MEMBERS_SLOT: &str = "members_slot";
pub(super) const EVENTS_SEQ: &str = "events_seq";
pub(super) const EVENTS_CLIENT_ID: &str = "events_client_id";
pub(super) const ACCOUNTS_EMAIL: &str = "accounts_email";
pub(super) const TOKENS_SLOT: &str = "tokens_slot";
/// An index of an older version, which allows a holder only one token of a purpose. Dropped at start.
const ONE_TOKEN: (&str, &str) = ("tokens", "tokens_holder");

fn indexes() -> [(&'static str, Vec<IndexModel>); 10] {
    [
        (
            "rooms",
            vec![
                unique(ROOMS_CODE, doc! { "code": 1 }, None),
                plain("rooms_idle", doc! { "touched_at": 1 }, Some(doc! { "preserve": false })),
                plain("rooms_visited", doc! { "visited_at": 1 }, None),
            ],
        ),
        (
            "members",
            vec![
                unique(MEMBERS_MEMBER, doc! { "room": 1, "member": 1 }, None),
                // In this order the index also finds all rooms of a person.
                unique("members_actor_room", doc! { "actor": 1, "room": 1 }, None),
                unique(MEMBERS_GUEST, doc! { "actor": 1 }, Some(doc! { "presence": "active", "actor_kind": "guest" })),
                // Only members of p2p rooms have a slot, and a guest who is gone by absence keeps it.
                unique(MEMBERS_PLACE, doc! { "room": 1, "slot": 1 }, Some(doc! { "slot": { "$exists": true } })),
                plain("members_owing", doc! { "changed_at": 1 }, Some(doc! { "owed": { "$exists": true } })),
            ],
        ),
        (
            "events",
            vec![
                unique(EVENTS_SEQ, doc! { "room": 1, "seq": 1 }, None),
                unique(
                    EVENTS_CLIENT_ID,
                    doc! { "room": 1, "author": 1, "client_id": 1 },
                    Some(doc! { "client_id": { "$exists": true } }),
                ),
                plain("events_n", doc! { "room": 1, "n": 1 }, Some(doc! { "n": { "$exists": true } })),
            ],
        ),
        (
            "guests",
            vec![
                unique("guests_token", doc! { "token": 1 }, None),
                expiring("guests_seen", doc! { "seen_at": 1 }, GUEST_LIFE),
            ],
        ),
        (
            "accounts",
            vec![
                unique(ACCOUNTS_EMAIL, doc! { "email": 1 }, Some(doc! { "email": { "$exists": true } })),
                plain(
                    "accounts_claimed",
                    doc! { "claimed": 1, "claim": 1, "_id": 1 },
                    Some(doc! { "claimed": { "$exists": true } }),
                ),
                plain(
                    "accounts_claimed_at",
                    doc! { "claimed_at": 1 },
                    Some(doc! { "claimed_at": { "$exists": true } }),
                ),
            ],
        ),
        (
            "sessions",
            vec![
                plain("sessions_account", doc! { "account": 1 }, None),
                expiring("sessions_end", doc! { "ends_at": 1 }, Duration::ZERO),
            ],
        ),
        (
            "tokens",
            vec![
                unique(
                    TOKENS_SLOT,
                    doc! { "holder": 1, "purpose": 1, "slot": 1 },
                    Some(doc! { "slot": { "$exists": true } }),
                ),
                plain("tokens_holder_all", doc! { "holder": 1, "purpose": 1 }, None),
                unique("tokens_hash", doc! { "hash": 1, "purpose": 1 }, None),
                expiring("tokens_end", doc! { "ends_at": 1 }, Duration::ZERO),
            ],
        ),
        (
            "mails",
            vec![
                plain("mails_due", doc! { "due_at": 1, "_id": 1 }, None),
                plain("mails_account", doc! { "account": 1 }, Some(doc! { "account": { "$exists": true } })),
                plain("mails_guest", doc! { "guest": 1 }, Some(doc! { "guest": { "$exists": true } })),
            ],
        ),
        ("search", vec![plain("search_terms", doc! { "_id.room": 1, "terms": 1, "_id.seq": -1 }, None)]),
        // Found by `_id` alone.
        ("indexed", Vec::new()),
    ]
}

fn unique(name: &str, keys: Document, filter: Option<Document>) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).unique(true).partial_filter_expression(filter);
    IndexModel::builder().keys(keys).options(options.build()).build()
}

fn plain(name: &str, keys: Document, filter: Option<Document>) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).partial_filter_expression(filter);
    IndexModel::builder().keys(keys).options(options.build()).build()
}

fn expiring(name: &str, keys: Document, life: Duration) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).expire_after(life);
    IndexModel::builder().keys(keys).options(options.build()).build()
}

/// Creates the missing indexes. Fails if one of these names exists with another definition.
pub(super) async fn ensure(database: &Database) -> Result<()> {
    drop_outgrown(database, ONE_TOKEN).await?;
    for (collection, wanted) in indexes() {
        let missing = missing(database, collection, wanted).await?;
        if !missing.is_empty() {
            let made = database.collection::<Document>(collection).create_indexes(missing.clone()).await;
            made.with_context(|| format!("making the indexes of {collection} in {}", database.name()))?;
            // Another node, of another version, may have created them first, so compare once more.
            self::missing(database, collection, missing).await?;
        }
    }
    Ok(())
}

/// Drops an index that contradicts the current rules.
async fn drop_outgrown(database: &Database, (collection, name): (&str, &str)) -> Result<()> {
    match database.collection::<Document>(collection).drop_index(name).await {
        Ok(()) => Ok(()),
        // NamespaceNotFound and IndexNotFound: the index does not exist.
        Err(error) if matches!(*error.kind, ErrorKind::Command(ref command) if [26, 27].contains(&command.code)) => {
            Ok(())
        }
        Err(error) => Err(error).with_context(|| format!("dropping the index {name} of {collection}")),
    }
}

async fn missing(database: &Database, collection: &str, wanted: Vec<IndexModel>) -> Result<Vec<IndexModel>> {
    let listed = match database.collection::<Document>(collection).list_indexes().await {
        Ok(indexes) => indexes.try_collect::<Vec<_>>().await,
        Err(error) => Err(error),
    };
    let found = match listed {
        Ok(found) => found,
        // NamespaceNotFound: the database is new.
        Err(error) if matches!(*error.kind, ErrorKind::Command(ref command) if command.code == 26) => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("listing the indexes of {collection}")),
    };
    let mut missing = Vec::new();
    for wanted in wanted {
        match found.iter().find(|found| name(found) == name(&wanted)) {
            None => missing.push(wanted),
            Some(found) if meaning(found) == meaning(&wanted) => {}
            Some(found) => bail!(
                "the index {} of {collection} in {} is not the one that guards this data: it is {}, and has to be {}. Drop \
                 it and start again, and it is made anew",
                name(&wanted),
                database.name(),
                meaning(found),
                meaning(&wanted),
            ),
        }
    }
    Ok(missing)
}

fn name(index: &IndexModel) -> &str {
    index.options.as_ref().and_then(|options| options.name.as_deref()).unwrap_or_default()
}

/// Returns the definition of an index, for comparing and showing. A text, since equality of documents ignores the order
/// of fields.
fn meaning(index: &IndexModel) -> String {
    let options = index.options.clone().unwrap_or_default();
    let unique = if options.unique == Some(true) { "unique " } else { "" };
    let filter = options.partial_filter_expression.map(|filter| format!(" where {filter}")).unwrap_or_default();
    let expiry = options.expire_after.map(|life| format!(" expiring after {} s", life.as_secs())).unwrap_or_default();
    format!("{unique}{}{filter}{expiry}", index.keys)
}
