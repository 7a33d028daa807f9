//! The REST calls of a live page, for what does not go over its socket: history, joining, muting, the room itself, and
//! messages where no socket can be opened. Other clients use the same endpoints.

use crate::{
    protocol::{
        Ack, ClientId, HistoryPage, JoinRoom, MemberId, MessageBody, MuteRoom, Problem, RoomCode, SendMessage, Seq,
        Snapshot,
    },
    ui::browser,
};

/// Fetches a snapshot of the room. Refused unless the caller is a member.
pub async fn room(code: RoomCode) -> Result<Snapshot, Problem> {
    browser::get(&format!("/api/rooms/{code}")).await.ok_or_else(Problem::unreachable)?.read()
}

/// Fetches the newest events before `before`.
pub async fn history(code: RoomCode, before: Seq) -> Result<HistoryPage, Problem> {
    let address = format!("/api/chats/history?code={code}&before={before}");
    browser::get(&address).await.ok_or_else(Problem::unreachable)?.read()
}

/// Joins the room.
pub async fn join(code: RoomCode, nickname: String) -> Result<(), Problem> {
    let wanted = JoinRoom { code: code.to_string(), nickname: Some(nickname) };
    let wanted = serde_json::to_string(&wanted).expect("a request is plain data");
    let answer = browser::send("POST", "/api/rooms/join", &wanted).await.ok_or_else(Problem::unreachable)?;
    if answer.is_ok { Ok(()) } else { Err(answer.problem()) }
}

/// Posts a message as this member. The server refuses it if the browser belongs to another person by now.
pub async fn say(code: RoomCode, member: MemberId, id: ClientId, body: MessageBody) -> Result<Ack, Problem> {
    let message =
        SendMessage { code: code.to_string(), id, body: body.into(), reply_to: None, member_id: Some(member) };
    let message = serde_json::to_string(&message).expect("a request is plain data");
    browser::send("POST", "/api/messages", &message).await.ok_or_else(Problem::unreachable)?.read()
}

/// Checks whether an account is logged in. An error means that none is, or that the server could not be reached.
pub async fn is_logged_in() -> Result<(), Problem> {
    let answer = browser::get("/api/users/me").await.ok_or_else(Problem::unreachable)?;
    if answer.is_ok { Ok(()) } else { Err(answer.problem()) }
}

/// Turns the notices of a room off or on.
pub async fn mute(code: RoomCode, muted: bool) -> Result<(), Problem> {
    let wanted = MuteRoom { code: code.to_string(), muted };
    let wanted = serde_json::to_string(&wanted).expect("a request is plain data");
    let answer = browser::send("PUT", "/api/rooms/mute", &wanted).await.ok_or_else(Problem::unreachable)?;
    if answer.is_ok { Ok(()) } else { Err(answer.problem()) }
}
