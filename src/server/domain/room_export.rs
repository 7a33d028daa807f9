//! The download of a room that saves its messages: everything that a member sees in its history. It is written in
//! pieces while it is read from the store, so that its size needs no memory on the server.

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;

use super::{downloads, errors::store_failed, messages::may_see_kept, rooms::membership};
use crate::{
    protocol::{Code, Event, MemberId, Millis, Problem, Retention, RoomCode, RoomName, RoomType, Seq},
    server::{
        app::{App, Visitor},
        clock,
        store::{MemberRecord, RoomRecord},
    },
};

/// The most events that are read at once, and so in memory together.
const AT_ONCE: usize = 500;

/// What a download is about.
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    pub code: RoomCode,
    #[serde(rename = "type")]
    pub room_type: RoomType,
    pub name: Option<RoomName>,
    /// The member ids of the person who downloads.
    pub own_ids: Vec<MemberId>,
    pub exported_at: Millis,
}

/// How a download is written.
pub trait ExportFormat: Send + 'static {
    /// What comes before the events.
    fn opening(&mut self, room: &Exported) -> String;
    /// The next events, oldest first.
    fn events(&mut self, events: &[Event]) -> String;
    /// What comes after the last event.
    fn closing(&mut self) -> String;
}

/// The download as pieces. If the store fails half way, the download ends without its closing.
pub async fn of(
    app: &App,
    visitor: &Visitor,
    code: RoomCode,
    format: impl ExportFormat,
) -> Result<mpsc::Receiver<Bytes>, Problem> {
    let actor = visitor.actor()?.id();
    if visitor.browser.is_cross_site {
        let detail = "This request came from another website. Download the messages in the room.";
        return Err(Problem::new(Code::ForeignOrigin, detail));
    }
    let (room, member) = membership(app, actor, code).await?;
    if room.retention == Retention::Ephemeral {
        return Err(Problem::new(Code::NotFound, "This room doesn’t save messages, so there’s nothing to download."));
    }
    app.limits.export(visitor.client).await?;
    let end = app.store.head(room.id).await.map_err(store_failed)?.seq;
    Ok(downloads::begin(app, |pieces| write(app.clone(), pieces, room, member, end, format)))
}

/// Writes all pieces up to the event `end`. `None` if the client has gone or the store failed.
async fn write(
    app: App,
    pieces: mpsc::Sender<Bytes>,
    room: RoomRecord,
    member: MemberRecord,
    end: Seq,
    mut format: impl ExportFormat,
) -> Option<()> {
    let about = Exported {
        code: room.code,
        room_type: room.room_type,
        name: room.name.clone(),
        own_ids: member.ids().collect(),
        exported_at: clock::now(),
    };
    pieces.send(format.opening(&about).into()).await.ok()?;
    let mut after = 0;
    while after < end {
        let mut events = app.store.events_after(room.id, after, AT_ONCE).await.map_err(store_failed).ok()?;
        let Some(last) = events.last() else { break };
        after = last.seq;
        events.retain(|event| {
            event.seq <= end && !event.kind.is_touch() && may_see_kept(room.room_type, &member, event.seq)
        });
        for event in &mut events {
            event.cut_for(&about.own_ids);
        }
        let piece = format.events(&events);
        if pieces.is_closed() {
            return None;
        }
        if !piece.is_empty() {
            pieces.send(piece.into()).await.ok()?;
        }
    }
    pieces.send(format.closing().into()).await.ok()
}

/// A JSON object with the fields `room` and `events`, whose items are those of the history.
#[derive(Default)]
pub struct Json {
    has_event: bool,
}

impl ExportFormat for Json {
    fn opening(&mut self, room: &Exported) -> String {
        format!("{{\"room\":{},\"events\":[", serde_json::to_string(room).unwrap_or_default())
    }

    fn events(&mut self, events: &[Event]) -> String {
        let mut text = String::new();
        for event in events.iter().filter_map(|event| serde_json::to_string(event).ok()) {
            text.push_str(if std::mem::replace(&mut self.has_event, true) { ",\n" } else { "\n" });
            text.push_str(&event);
        }
        text
    }

    fn closing(&mut self) -> String {
        "\n]}\n".to_owned()
    }
}
