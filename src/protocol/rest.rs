//! Bodies of the REST API. Requests hold what was typed, unchecked; the use cases check it and say what is wrong.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ClientId, Epoch, Event, MemberId, Millis, Nickname, Person, Retention, RoomCode, RoomName, RoomType, Seq,
    typed::{TypedMessage, TypedNickname, TypedRoomName},
};

/// `POST /api/rooms/create`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreateRoom {
    /// How many it holds.
    #[serde(rename = "type")]
    pub room_type: RoomType,
    /// What it is called; may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedRoomName>)]
    pub name: Option<String>,
    /// Whether it keeps what is said; off unless asked for.
    #[serde(default)]
    pub preserve: bool,
    /// What the creator is called; a friendly pair is made up if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedNickname>)]
    pub nickname: Option<String>,
    /// An id that the client makes up (a random UUID). The same id and the same wishes within ten minutes make one room, so
    /// that sending twice does no harm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ClientId>,
}

/// `POST /api/rooms/join`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinRoom {
    /// The code as typed; case, spaces, hyphens and look-alikes are forgiven.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// What to be called; a friendly pair is made up if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TypedNickname>)]
    pub nickname: Option<String>,
}

/// `POST /api/rooms/leave`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LeaveRoom {
    /// Which room.
    #[schema(value_type = RoomCode)]
    pub code: String,
}

/// `POST /api/rooms/kick`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KickMember {
    /// Which room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// Whom to remove; they cannot come back.
    pub member_id: MemberId,
}

/// `POST /api/rooms/owner`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GiveRoom {
    /// Which room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The member who gets it.
    pub member_id: MemberId,
}

/// `PUT /api/rooms/name`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RenameRoom {
    /// Which room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The new name; empty or left out takes the name away.
    #[serde(default)]
    #[schema(value_type = Option<TypedRoomName>)]
    pub name: Option<String>,
}

/// `PUT /api/rooms/preserve`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreserveRoom {
    /// Which room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// Whether it keeps what is said from here on.
    pub preserve: bool,
}

/// `PUT /api/rooms/mute`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MuteRoom {
    /// Which room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// Whether to be told of nothing in it.
    #[schema(example = true)]
    pub muted: bool,
}

/// `POST /api/rooms/free`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FreePlace {
    /// Which room.
    #[schema(value_type = RoomCode)]
    pub code: String,
}

/// `POST /api/rooms/away`. In the address, since a page that is being closed can send no more than that.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AwayQuery {
    /// Which room.
    #[param(value_type = RoomCode)]
    pub code: String,
}

/// `POST /api/messages`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SendMessage {
    /// Which room.
    #[schema(value_type = RoomCode)]
    pub code: String,
    /// The client's id for the message: sending it again gives the same answer and no second message.
    pub id: ClientId,
    /// What is said.
    #[schema(value_type = TypedMessage)]
    pub body: String,
    /// Who says it. If this is given and the asker is another member by now, nothing is sent (`not_a_member`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_id: Option<MemberId>,
}

/// The answer to a message that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ack {
    /// The client's id for it.
    pub id: ClientId,
    /// Its place in the log.
    pub seq: Seq,
    /// When the server took it.
    pub at: Millis,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Owns the room: may remove members, rename it, change its retention and give it to somebody else.
    Owner,
    /// Everybody else.
    Member,
}

/// A room, as its members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomView {
    /// What to type to get in.
    pub code: RoomCode,
    /// How many it holds.
    #[serde(rename = "type")]
    pub room_type: RoomType,
    /// What it is called.
    pub name: Option<RoomName>,
    /// Whether it keeps its log.
    #[serde(rename = "preserve")]
    #[schema(value_type = bool)]
    pub retention: Retention,
    /// The member who owns it: its maker, until it passes to somebody else. They may have left.
    pub owner: MemberId,
    /// When it was made.
    pub created_at: Millis,
    /// How many days it stays when nobody visits it, unless it is kept and somebody in it has an account; 0 is for ever.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept_days: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde passes")]
fn is_zero(days: &u32) -> bool {
    *days == 0
}

/// Who the asker is in this room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct You {
    /// Their id within this room.
    pub member_id: MemberId,
    /// What they are called here.
    pub nickname: Nickname,
    /// What they may do.
    pub role: Role,
    /// The last seq that they have read, on whatever device.
    #[serde(default)]
    pub read: Seq,
    /// How many messages they have not read.
    #[serde(default)]
    pub unread: u64,
    /// Whether they want no notices of this room.
    #[serde(default)]
    pub muted: bool,
    /// Other member ids that were theirs here, as a guest before they had an account: what these said, they said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<MemberId>,
}

impl You {
    /// All member ids that are, or were, theirs here.
    pub fn ids(&self) -> impl Iterator<Item = MemberId> {
        [self.member_id].into_iter().chain(self.also.iter().copied())
    }
}

/// Somebody who is in a room, as its members see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberView {
    /// Who, within this room.
    pub id: MemberId,
    /// What they are called.
    pub name: Nickname,
    /// The seq of the `joined` that began their present time in the room: they were sent nothing of a room that keeps
    /// nothing from before it. 0 if that is not known.
    #[serde(default)]
    pub since: Seq,
}

/// How far a member has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadMark {
    /// Who.
    pub member: MemberId,
    /// The last seq that they have read.
    pub seq: Seq,
}

/// How far somebody had read who has left since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DepartedReader {
    /// Who, as they were in the room.
    pub member: MemberView,
    /// The last seq that they had read.
    pub seq: Seq,
}

/// Everything a member needs to show a room and follow it from here: the state at `head`, and the last events up to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// The room.
    pub room: RoomView,
    /// The asker.
    pub you: You,
    /// Which life of the log the seqs belong to.
    pub epoch: Epoch,
    /// The last seq.
    pub head: Seq,
    /// The last message's ordinal.
    pub last_n: u64,
    /// Who is in the room.
    pub members: Vec<MemberView>,
    /// Who of them has a connection now.
    pub connected: Vec<MemberId>,
    /// How far the others have read: those who show it, to an asker who shows it too, in a room of at most
    /// [`READ_MARK_MEMBERS`](super::limits::READ_MARK_MEMBERS).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ReadMark>,
    /// How far those had read who showed it and have left while the asker was in the room, the last at the end; as far as the
    /// server remembers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departed: Vec<DepartedReader>,
    /// The last events that the asker may see, oldest first, ending at `head`; without holes but for the times that the asker
    /// was absent.
    pub events: Vec<Event>,
    /// Whether history has more before them.
    pub has_more: bool,
    /// After how many seconds without a connection the asker has left, who is a guest. Left out for an account, which stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves_after: Option<u64>,
    /// Whose place in a room for two is kept, who is not in it now. Only `GET /api/rooms/{code}` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Person>,
}

/// `GET /api/chats/history`
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Which room.
    #[param(value_type = RoomCode)]
    pub code: String,
    /// Only events before this seq; left out, the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// How many events, 1 to 50; left out, 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 50)]
    pub limit: Option<usize>,
}

/// One page of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPage {
    /// The events, newest first.
    pub events: Vec<Event>,
    /// Whether older ones follow.
    pub has_more: bool,
}
