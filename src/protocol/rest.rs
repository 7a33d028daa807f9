//! REST bodies about rooms and messages: requests, snapshots, members and pages of history.
//!
//! Fields of a request hold the text exactly as the client sent it, unchecked. The use cases of the server check it, so
//! that a refusal can name the field and the reason. A [`Snapshot`] also travels over the socket. Bodies about accounts
//! are in `accounts`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ClientId, Epoch, Event, MemberId, Millis, Nickname, Notify, Person, Retention, RoomCode, RoomName, RoomType, Seq,
    Target,
    typed::{TypedEmoji, TypedMessage, TypedNicknameOrNone, TypedRoomName},
};

/// Body of `POST /api/rooms/create`: makes a room and joins it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreateRoom {
    /// How many members the room can have.
    #[serde(rename = "type")]
    pub room_type: RoomType,
    /// The room's name. Optional: a room can have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedRoomName>)]
    pub name: Option<String>,
    /// Whether the room keeps its messages. False if left out.
    #[serde(default)]
    pub preserve: bool,
    /// The creator's nickname in the room. If left out, the server makes up a friendly pair such as "Quiet Otter".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedNicknameOrNone>)]
    pub nickname: Option<String>,
    /// A random UUID that the client makes for this request. The same id with the same other fields makes only one room
    /// within ten minutes, so that sending the request again is safe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ClientId>,
}

/// Body of `POST /api/rooms/join`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinRoom {
    /// The room code as typed. Case, spaces, hyphens and look-alike characters do not matter.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The nickname in the room. If left out, the server makes up a friendly pair such as "Quiet Otter".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedNicknameOrNone>)]
    pub nickname: Option<String>,
}

/// Body of `POST /api/rooms/peek`: asks what a room shows before one joins.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PeekRoom {
    /// The room code as typed, as for joining.
    #[schema(value_type = RoomCode)]
    pub code: String,
}

/// The answer to `POST /api/rooms/peek`: the asker can join the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Peek {
    /// What the room shows before one joins. Null if its owner has turned that off.
    pub room: Option<PeekedRoom>,
}

/// What a room shows to people who have its code and have not joined. It contains nothing of any member or message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeekedRoom {
    /// How many members the room can have.
    #[serde(rename = "type")]
    pub room_type: RoomType,
    /// The room's name, or null if it has none.
    pub name: Option<RoomName>,
    /// Whether the room keeps its messages.
    #[serde(rename = "preserve")]
    #[schema(value_type = bool)]
    pub retention: Retention,
    /// The number of members.
    pub members: u32,
}

/// Body of `POST /api/rooms/leave`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LeaveRoom {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
}

/// Body of `POST /api/rooms/kick`, for the room's owner.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KickMember {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The member to remove. The person cannot join this room again.
    pub member_id: MemberId,
}

/// Body of `POST /api/rooms/owner`: gives the room to another member.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GiveRoom {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The member who becomes the owner.
    pub member_id: MemberId,
}

/// Body of `PUT /api/rooms/name`, for the room's owner.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RenameRoom {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The new name. Null, empty or left out, the room has no name any more.
    #[serde(default)]
    #[schema(value_type = Option<TypedRoomName>)]
    pub name: Option<String>,
}

/// Body of `PUT /api/rooms/preserve`, for the room's owner.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreserveRoom {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// Whether the room keeps its messages from this request on. Earlier messages are not affected.
    pub preserve: bool,
}

/// Body of `PUT /api/rooms/peek`, for the room's owner.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AllowPeek {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// Whether people with the code see the room's name, its number of members, and whether it keeps messages, before
    /// they join.
    pub peek: bool,
}

/// Body of `PUT /api/rooms/mute`: turns the notifications of a room off, or leaves them to the preferences.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MuteRoom {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// Whether the room is muted for the asker: no notifications about it.
    #[schema(example = true)]
    pub muted: bool,
}

/// Body of `PUT /api/rooms/notify`. No other member sees this setting.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NotifyOfRoom {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// Which messages of the room cause a notification for the asker. Null or left out means those that the asker's
    /// preferences name.
    #[serde(default)]
    pub notify: Option<Notify>,
}

/// Body of `POST /api/rooms/free`: in a room for two, frees the place that is kept for an absent person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FreePlace {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
}

/// Query of `POST /api/rooms/away`, which a page sends while it is being closed. The code is in the URL, because a page
/// that is being closed can send nothing more than that.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AwayQuery {
    /// The code of the room.
    #[param(value_type = RoomCode)]
    pub code: String,
}

/// Body of `POST /api/messages`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SendMessage {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The client's id of the message. Sending the same id and text again returns the first answer and makes no second
    /// message.
    pub id: ClientId,
    /// The text of the message.
    #[schema(value_type = TypedMessage)]
    pub body: String,
    /// The message that this one replies to. If the room has no such message, this one is sent as a plain message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Target>,
    /// The ids of the members whom the message mentions, up to 20. Ids of others are dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20, example = json!([6_127_094_168_908_314_u64]))]
    pub mentions: Vec<MemberId>,
    /// Whether the message mentions everyone in the room. In a room of more than 15 members only its owner may do that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    /// The member id that the message is meant to come from. If the asker is another member, the message is refused
    /// with `not_a_member`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_id: Option<MemberId>,
}

/// The answer to a message that is stored in the room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ack {
    /// The client's id of the message.
    pub id: ClientId,
    /// The position of the message in the log.
    pub seq: Seq,
    /// When the server accepted the message, in milliseconds since 1970 UTC.
    pub at: Millis,
}

/// Body of `PATCH /api/messages/{seq}`: changes the text of an own message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EditMessage {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The id of the message.
    pub id: ClientId,
    /// The new text.
    #[schema(value_type = TypedMessage)]
    pub body: String,
    /// The seq of the last edit that the client has seen, 0 for none. If the text was changed since, the edit is
    /// refused with `edited_meanwhile`. If left out, the edit is made in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, example = 0)]
    pub after: Option<Seq>,
    /// The ids of the members whom the new text mentions, up to 20. Ids of others are dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20, example = json!([6_127_094_168_908_314_u64]))]
    pub mentions: Vec<MemberId>,
    /// Whether the new text mentions everyone in the room. In a room of more than 15 members only its owner may do
    /// that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
}

/// Body of `DELETE /api/messages/{seq}`, for the author of the message and the room's owner.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeleteMessage {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The id of the message.
    pub id: ClientId,
}

/// Body of `PUT` and `DELETE /api/messages/{seq}/reactions`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReactToMessage {
    /// The code of the room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The id of the message.
    pub id: ClientId,
    /// One emoji of the list of recommended emoji (RGI). A skin tone is left out.
    #[schema(value_type = TypedEmoji)]
    pub e: String,
}

/// The answer to a change of a message that is stored in the room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Touched {
    /// The position of the change in the log.
    pub seq: Seq,
    /// When the server accepted the change, in milliseconds since 1970 UTC.
    pub at: Millis,
}

/// The rights of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The owner of the room. May remove members, rename the room, change whether it keeps messages, and give it away.
    Owner,
    /// Any other member. Also read from a role of a later version.
    #[serde(other)]
    Member,
}

/// A room's own data, as its members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomView {
    /// The room code that people type to join.
    pub code: RoomCode,
    /// How many members the room can have.
    #[serde(rename = "type")]
    pub room_type: RoomType,
    /// The room's name, or null if it has none.
    pub name: Option<RoomName>,
    /// Whether the room keeps its messages.
    #[serde(rename = "preserve")]
    #[schema(value_type = bool)]
    pub retention: Retention,
    /// Whether people with the code see the room before they join.
    #[serde(default = "yes")]
    pub peek: bool,
    /// The member id of the owner: the creator, until the room passes to somebody else. Possibly a member who has left.
    pub owner: MemberId,
    /// When the room was made, in milliseconds since 1970 UTC.
    pub created_at: Millis,
    /// After this many days without a visit the room is deleted. A room that keeps its messages and has a member with
    /// an account is never deleted for that. 0 or left out means no such deletion.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept_days: u32,
    /// For how many minutes after it was sent the text of a message can be changed. 0 means never, -1 always.
    #[serde(default)]
    pub edit_minutes: i32,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde passes")]
fn is_zero(days: &u32) -> bool {
    *days == 0
}

/// The asker's own data in this room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct You {
    /// The asker's member id in this room.
    pub member_id: MemberId,
    /// The asker's nickname, as the asker typed it. Lists and events may show it with a number, such as "Bob (2)".
    pub nickname: Nickname,
    /// The rights of the asker.
    pub role: Role,
    /// The seq of the last event that the asker has read, on any device.
    #[serde(default)]
    pub read: Seq,
    /// The number of messages that the asker has not read.
    #[serde(default)]
    pub unread: u64,
    /// Whether the asker has muted this room: `notify` is `none`.
    #[serde(default)]
    pub muted: bool,
    /// Which messages of this room cause a notification for the asker. Left out if the asker's preferences say that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// Other member ids that were the asker's in this room, from times as a guest before logging in. Messages by these
    /// ids are the asker's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<MemberId>,
}

impl You {
    /// All member ids that are or were the asker's in this room.
    pub fn ids(&self) -> impl Iterator<Item = MemberId> {
        [self.member_id].into_iter().chain(self.also.iter().copied())
    }
}

/// A member of a room, as the other members see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberView {
    /// The member's id within this room.
    pub id: MemberId,
    /// The member's name in this room.
    pub name: Nickname,
    /// The seq of the `joined` event that began the member's present stay. In a room that keeps no messages, nothing
    /// from before it was sent to the member. 0 if unknown.
    #[serde(default)]
    pub since: Seq,
}

/// The read position of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadMark {
    /// The member's id.
    pub member: MemberId,
    /// The seq of the last event that the member has read.
    pub seq: Seq,
}

/// The read position of a member who has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DepartedReader {
    /// The member, as they were listed in the room.
    pub member: MemberView,
    /// The seq of the last event that the member had read.
    pub seq: Seq,
}

/// Everything that a client needs to show a room and follow it: the state at `head`, and the last events up to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// The room's own data.
    pub room: RoomView,
    /// The asker's own data in the room.
    pub you: You,
    /// The epoch of the log. All seqs of the snapshot belong to it.
    pub epoch: Epoch,
    /// The seq of the last event in the log.
    pub head: Seq,
    /// The number of the last message in the log.
    pub last_n: u64,
    /// The members of the room, in no particular order.
    pub members: Vec<MemberView>,
    /// The members who have a connection at the moment.
    pub connected: Vec<MemberId>,
    /// The read positions of other members, in a room of at most 64 members
    /// ([`READ_MARK_MEMBERS`](super::limits::READ_MARK_MEMBERS)). Only members who show theirs are listed, and only if
    /// the asker shows theirs too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ReadMark>,
    /// The read positions of members who showed theirs and left while the asker was in the room. The latest to leave
    /// comes last. At most 64, as far as the server remembers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departed: Vec<DepartedReader>,
    /// The last events that the asker may see, oldest first, ending at `head`. Messages are as they are now. Seqs have
    /// holes for times when the asker was absent, and before `from`.
    pub events: Vec<Event>,
    /// From this seq on, `events` has the touches as well (`edited`, `deleted`). Before it, it has only the events that
    /// the timeline shows. Left out if that is the seq of the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Seq>,
    /// The messages that others in `events` reply to and that are not in `events` themselves, with the beginning of
    /// their text. Those that the asker may not see, or that are too far back, are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotes: Vec<Event>,
    /// Whether history has events older than these.
    pub has_more: bool,
    /// A guest has left the room after this many seconds without a connection. Left out for an account, which stays a
    /// member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves_after: Option<u64>,
    /// The absent person for whom a place in a room for two is kept. Only the answer to `GET /api/rooms/{code}` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Person>,
}

/// Query of `GET /api/chats/history`.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// The code of the room.
    #[param(value_type = RoomCode)]
    pub code: String,
    /// Returns only events with a smaller seq than this. If left out, returns the newest events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// The most events to return, 1 to 50. 50 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 50)]
    pub limit: Option<usize>,
}

/// Query of `GET /api/chats/export`.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// The code of the room.
    #[param(value_type = RoomCode)]
    pub code: String,
}

/// One page of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPage {
    /// The events that the timeline shows, newest first. Messages are as they are now.
    pub events: Vec<Event>,
    /// Whether history has older events.
    pub has_more: bool,
    /// The messages that others in `events` reply to and that are not in `events` themselves, with the beginning of
    /// their text. Those that the asker may not see are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotes: Vec<Event>,
}

/// Query of `GET /api/messages`: the beginnings of some messages, for replies to them.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QuotesQuery {
    /// The code of the room.
    #[param(value_type = RoomCode)]
    pub code: String,
    /// The seqs of the messages, separated by commas: 20 at most.
    #[serde(default)]
    #[param(example = "5,8")]
    pub seqs: String,
}

/// The answer to `GET /api/messages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quotes {
    /// The messages as they are now, with the beginning of their text: one line of at most 140 characters. Those that
    /// the asker may not see are left out.
    pub quotes: Vec<Event>,
}
