//! The REST calls of a live page, for what does not go over its socket: history, joining, notices, the room itself, and
//! drafts where no socket can be opened. Other clients use the same endpoints.

use crate::{
    protocol::{
        Ack, ClientId, Draft, DraftKind, EditMessage, HistoryPage, JoinRoom, MemberId, Notify, NotifyOfRoom, Problem,
        Quotes, ReactToMessage, RoomCode, SearchPage, SendMessage, Seq, Snapshot, Touched,
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

/// Fetches the beginnings of messages, for replies to them.
pub async fn quotes(code: RoomCode, seqs: &[Seq]) -> Result<Quotes, Problem> {
    let seqs = seqs.iter().map(Seq::to_string).collect::<Vec<_>>().join(",");
    let address = format!("/api/messages?code={code}&seqs={seqs}");
    browser::get(&address).await.ok_or_else(Problem::unreachable)?.read()
}

/// Searches the messages that the room keeps. With `before`, only earlier ones.
pub async fn search(code: RoomCode, typed: &str, before: Option<Seq>) -> Result<SearchPage, Problem> {
    let before = before.map(|seq| format!("&before={seq}")).unwrap_or_default();
    let address = format!("/api/search?code={code}&q={}{before}", browser::encoded(typed));
    browser::get(&address).await.ok_or_else(Problem::unreachable)?.read()
}

/// Joins the room.
pub async fn join(code: RoomCode, nickname: String) -> Result<(), Problem> {
    let wanted = JoinRoom { code: code.to_string(), nickname: Some(nickname) };
    let wanted = serde_json::to_string(&wanted).expect("a request is plain data");
    let answer = browser::send("POST", "/api/rooms/join", &wanted).await.ok_or_else(Problem::unreachable)?;
    if answer.is_ok { Ok(()) } else { Err(answer.problem()) }
}

/// Posts a message as this member, or changes one. The server refuses it if the browser belongs to another person by
/// now.
pub async fn post(code: RoomCode, member: MemberId, draft: Draft) -> Result<Ack, Problem> {
    let (code, body, reply_to) = (code.to_string(), draft.body.into(), draft.kind.reply_to());
    let (mentions, everyone) = (draft.mentions.ids(), draft.mentions.everyone);
    let Some(target) = draft.kind.target() else {
        let message = SendMessage { code, id: draft.id, body, reply_to, mentions, everyone, member_id: Some(member) };
        let message = serde_json::to_string(&message).expect("a request is plain data");
        return browser::send("POST", "/api/messages", &message).await.ok_or_else(Problem::unreachable)?.read();
    };
    if let DraftKind::React { on, .. } = draft.kind {
        let reaction = ReactToMessage { code, id: target.id, e: body };
        let reaction = serde_json::to_string(&reaction).expect("a request is plain data");
        let method = if on { "PUT" } else { "DELETE" };
        return touch(method, &format!("/api/messages/{}/reactions", target.seq), &reaction, draft.id).await;
    }
    let (method, after) = match draft.kind {
        DraftKind::Edit { after, .. } => ("PATCH", after),
        _ => ("DELETE", None),
    };
    // A deletion has no text and no mentions. The server passes over these fields.
    let change = EditMessage { code, id: target.id, body, after, mentions, everyone };
    let change = serde_json::to_string(&change).expect("a request is plain data");
    touch(method, &format!("/api/messages/{}", target.seq), &change, draft.id).await
}

async fn touch(method: &str, address: &str, change: &str, id: ClientId) -> Result<Ack, Problem> {
    let answer = browser::send(method, address, change).await;
    let Touched { seq, at } = answer.ok_or_else(Problem::unreachable)?.read()?;
    Ok(Ack { id, seq, at })
}

/// Checks whether an account is logged in. An error means that none is, or that the server could not be reached.
pub async fn is_logged_in() -> Result<(), Problem> {
    let answer = browser::get("/api/users/me").await.ok_or_else(Problem::unreachable)?;
    if answer.is_ok { Ok(()) } else { Err(answer.problem()) }
}

/// Sets which messages of a room cause a notice.
pub async fn set_notify(code: RoomCode, notify: Notify) -> Result<(), Problem> {
    let wanted = NotifyOfRoom { code: code.to_string(), notify: Some(notify) };
    let wanted = serde_json::to_string(&wanted).expect("a request is plain data");
    let answer = browser::send("PUT", "/api/rooms/notify", &wanted).await.ok_or_else(Problem::unreachable)?;
    if answer.is_ok { Ok(()) } else { Err(answer.problem()) }
}
