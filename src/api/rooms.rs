//! Server functions of the pages about rooms.

use leptos::prelude::*;

use crate::protocol::{MemberId, Problem, RoomCode, RoomType};

/// Makes a room and goes to it. If `leave` is given, leaves that room first.
#[server(prefix = "/api/ui", endpoint = "create_room")]
pub async fn create_room(
    room_type: RoomType,
    #[server(default)] name: String,
    #[server(default)] preserve: bool,
    #[server(default)] nickname: String,
    #[server(default)] leave: Option<RoomCode>,
    #[server(default)] id: String,
) -> Result<RoomCode, Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    let wanted = crate::protocol::CreateRoom {
        id: id.parse().ok().map(crate::protocol::ClientId::new),
        room_type,
        name: context::filled(name.clone()),
        preserve,
        nickname: context::filled(nickname.clone()),
    };
    let entered = domain::rooms::create(&app, &visitor, wanted, leave).await.map_err(|problem| {
        let room_type = if room_type == RoomType::P2p { "p2p" } else { "group" };
        let typed = [("room_type", room_type), ("name", &name), ("nickname", &nickname)];
        let preserve: &[_] = if preserve { &[("preserve", "true")] } else { &[] };
        context::refuse_form::<CreateRoom>(problem, &[&typed, preserve].concat())
    })?;
    Ok(context::redirect_to_room(&app, &entered))
}

/// Joins a room by its code as typed and goes to it. If `leave` is given, leaves that room first.
#[server(prefix = "/api/ui", endpoint = "join_room")]
pub async fn join_room(
    code: String,
    #[server(default)] nickname: String,
    #[server(default)] leave: Option<RoomCode>,
) -> Result<RoomCode, Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    let wanted = crate::protocol::JoinRoom { code: code.clone(), nickname: context::filled(nickname.clone()) };
    let entered = domain::rooms::join(&app, &visitor, wanted, leave)
        .await
        .map_err(|problem| context::refuse_form::<JoinRoom>(problem, &[("code", &code), ("nickname", &nickname)]))?;
    Ok(context::redirect_to_room(&app, &entered))
}

/// Leaves a room and goes to the dashboard or start page. If `heir` is a member id, the owner gives the room to that
/// member first.
#[server(prefix = "/api/ui", endpoint = "leave_room")]
pub async fn leave_room(code: RoomCode, #[server(default)] heir: String) -> Result<(), Problem> {
    use crate::{
        protocol::addresses,
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    domain::rooms::leave_to(&app, &visitor, code, &heir).await.map_err(context::refuse)?;
    context::redirect(if visitor.account().is_ok() { addresses::DASHBOARD } else { addresses::HOME });
    Ok(())
}

/// Removes a member. Only for the owner.
#[server(prefix = "/api/ui", endpoint = "kick_member")]
pub async fn kick_member(code: RoomCode, member_id: MemberId) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    domain::rooms::kick(&app, &visitor, code, member_id).await.map_err(context::refuse)
}

/// Gives the room to another member. Only for the owner.
#[server(prefix = "/api/ui", endpoint = "give_room")]
pub async fn give_room(code: RoomCode, member_id: MemberId) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    domain::rooms::give(&app, &visitor, code, member_id).await.map_err(context::refuse)
}

/// Frees the place that is kept for an absent person in a room for two.
#[server(prefix = "/api/ui", endpoint = "free_place")]
pub async fn free_place(code: RoomCode) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    domain::rooms::free(&app, &visitor, code).await.map_err(context::refuse)
}

/// Renames a room, or removes its name. Only for the owner.
#[server(prefix = "/api/ui", endpoint = "rename_room")]
pub async fn rename_room(code: RoomCode, name: String) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    domain::rooms::rename(&app, &visitor, code, context::filled(name)).await.map_err(context::refuse)
}

/// Changes whether people with the code see the room before they join. Only for the owner.
#[server(prefix = "/api/ui", endpoint = "allow_peek")]
pub async fn allow_peek(code: RoomCode, #[server(default)] peek: bool) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    domain::rooms::allow_peek(&app, &visitor, code, peek).await.map_err(context::refuse)
}

/// Turns on or off whether the room keeps its messages. Only for the owner.
#[server(prefix = "/api/ui", endpoint = "preserve_room")]
pub async fn preserve_room(code: RoomCode, #[server(default)] preserve: bool) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    domain::rooms::preserve(&app, &visitor, code, preserve).await.map_err(context::refuse)
}
