//! Takeout: a download of everything that is stored about an account. It is written in pieces while it is read from the
//! store, so that its size needs no memory on the server.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::{downloads, errors::store_failed, profiles, sessions};
use crate::{
    protocol::{Code, Event, MemberId, Millis, Notify, Person, Problem, RoomCode, RoomName, RoomType, Seq},
    server::{
        app::{App, Visitor},
        store::{MemberRecord, Presence, RoomRecord},
    },
};

/// Seqs of a room that are searched at once. This bounds how many of the account's messages are in memory together.
const STRETCH: Seq = 500;

#[expect(clippy::struct_excessive_bools, reason = "a row of a table, for people to read")]
#[derive(Serialize)]
struct RoomOfMine<'a> {
    code: RoomCode,
    #[serde(rename = "type")]
    room_type: RoomType,
    name: Option<&'a RoomName>,
    preserve: bool,
    called: &'a str,
    member_id: MemberId,
    /// Other member ids of the same person in this room, for example as a guest before the account.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    also: &'a [MemberId],
    is_member: bool,
    is_owner: bool,
    read: Seq,
    muted: bool,
    /// Which messages of the room cause a notification, if not those of the preferences.
    #[serde(skip_serializing_if = "Option::is_none")]
    notify: Option<Notify>,
}

#[derive(Serialize)]
struct MessageOfMine<'a> {
    room: RoomCode,
    seq: Seq,
    at: Millis,
    body: &'a str,
    /// The members whom the message mentions.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    mentions: &'a [Person],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    everyone: bool,
}

/// The download as pieces of one JSON object. If the store fails half way, the download ends there, which leaves
/// invalid JSON and so cannot be taken for complete.
pub async fn of(app: &App, visitor: &Visitor) -> Result<mpsc::Receiver<Bytes>, Problem> {
    let (account, _) = visitor.account()?;
    if visitor.browser.is_cross_site {
        let detail = "This request came from another website. Download your data in the preferences.";
        return Err(Problem::new(Code::ForeignOrigin, detail));
    }
    app.limits.take_out(visitor.client).await?;
    let profile = profiles::profile(account);
    let sessions = sessions::list(app, visitor).await?;
    let rooms = app.store.places_of_account(account.id).await.map_err(store_failed)?;
    let of_mine: Vec<RoomOfMine<'_>> = rooms.iter().map(|(room, member)| room_of_mine(room, member)).collect();
    let head = opening(&json!({ "profile": profile, "sessions": sessions, "rooms": of_mine }));
    Ok(downloads::begin(app, |pieces| write(app.clone(), pieces, head, rooms)))
}

fn room_of_mine<'a>(room: &'a RoomRecord, member: &'a MemberRecord) -> RoomOfMine<'a> {
    let is_member = member.presence == Presence::Active;
    RoomOfMine {
        code: room.code,
        room_type: room.room_type,
        // The current name of a room is only for its members.
        name: room.name.as_ref().filter(|_| is_member),
        preserve: room.retention.into(),
        called: member.name.as_str(),
        member_id: member.member,
        also: &member.also,
        is_member,
        is_owner: member.is(room.owner),
        read: member.read,
        muted: member.notify == Some(Notify::None),
        notify: member.notify,
    }
}

/// A JSON object with a last field `messages`, whose list and the object are not closed yet.
fn opening(object: &serde_json::Value) -> String {
    let mut text = object.to_string();
    text.truncate(text.len() - "}".len());
    text + ",\"messages\":["
}

/// Writes all pieces. `None` if the client has gone or the store failed.
async fn write(
    app: App,
    pieces: mpsc::Sender<Bytes>,
    head: String,
    rooms: Vec<(RoomRecord, MemberRecord)>,
) -> Option<()> {
    pieces.send(head.into()).await.ok()?;
    let mut is_first = true;
    for (room, member) in rooms {
        let end = app.store.head(room.id).await.map_err(store_failed).ok()?.seq;
        let mut after = 0;
        while after < end {
            // While there is nothing to send, no send fails, so a client that has gone must be detected here.
            if pieces.is_closed() {
                return None;
            }
            let through = after + STRETCH;
            let mut events = Vec::new();
            for id in member.ids() {
                let said = app.store.messages_by(room.id, id, after, through).await;
                events.extend(said.map_err(store_failed).ok()?);
            }
            events.sort_unstable_by_key(|event| event.seq);
            after = through;
            let mut piece = String::new();
            for message in events.iter().filter_map(|event| message_of_mine(event, &room, &member)) {
                if !std::mem::take(&mut is_first) {
                    piece.push(',');
                }
                piece.push_str(&serde_json::to_string(&message).ok()?);
            }
            if !piece.is_empty() {
                pieces.send(piece.into()).await.ok()?;
            }
        }
    }
    pieces.send(Bytes::from_static(b"]}")).await.ok()
}

fn message_of_mine<'a>(event: &'a Event, room: &RoomRecord, member: &MemberRecord) -> Option<MessageOfMine<'a>> {
    let message = event.message().filter(|message| member.is(message.author.id) && message.deleted.is_none())?;
    Some(MessageOfMine {
        room: room.code,
        seq: event.seq,
        at: event.at,
        body: message.body.as_str(),
        mentions: &message.mentions,
        everyone: message.everyone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_last_field_is_the_download_is_json() {
        for last in [json!({}), json!({ "a": { "b": {} } }), json!([{}]), json!("}}"), json!(1)] {
            let object = json!({ "profile": 1, "rooms": last });
            let whole: serde_json::Value = serde_json::from_str(&(opening(&object) + "]}")).unwrap();
            let mut expected = object.clone();
            expected["messages"] = json!([]);
            assert_eq!(whole, expected);
        }
    }
}
