//! Gives a session its time and its socket, and does what it says.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{Code, ServerFrame},
    ui::browser::{self, Moment, Socket, SocketEvent},
};

use super::{
    super::session::{Act, Session},
    LiveRoom,
    picture::put,
    server,
};

fn is_outside(code: Code) -> bool {
    matches!(code, Code::RoomUnavailable | Code::NotAMember | Code::NoSession | Code::Removed)
}

impl LiveRoom {
    pub(super) fn moment(self, moment: Moment) {
        match moment {
            Moment::Online => self.drive(Session::came_online),
            Moment::Offline => self.drive(Session::went_offline),
            Moment::Shown => {
                put(self.missed, 0);
                self.drive(Session::woke);
            }
            Moment::Hidden => {
                let idle = self.desk.try_update_value(|desk| desk.session.replica().outbox.is_empty());
                if idle == Some(true) {
                    self.freshness.reload_if_stale();
                }
            }
        }
    }

    /// Lets the session decide something, does what it says, and looks again when it wants to.
    pub(super) fn drive(self, step: impl FnOnce(&mut Session, u64) -> Vec<Act>) {
        let now = browser::now();
        let Some(acts) = self.desk.try_update_value(|desk| step(&mut desk.session, now)) else { return };
        for act in acts {
            self.perform(act);
        }
        self.plan(now);
        self.draw_soon();
    }

    pub(super) fn perform(self, act: Act) {
        match act {
            Act::Open => {
                let socket = Socket::open("/ws", move |event| self.heard(&event));
                let opened = socket.is_some();
                self.desk.try_update_value(|desk| desk.socket = socket);
                if !opened {
                    self.drive(Session::closed);
                }
            }
            Act::Close => _ = self.desk.try_update_value(|desk| desk.socket = None),
            Act::Send(frame) => {
                let text = serde_json::to_string(&frame).expect("frames are plain data");
                self.desk.try_update_value(|desk| {
                    if let Some(socket) = &desk.socket {
                        socket.send(&text);
                    }
                });
            }
            Act::AskDoor => spawn_local(async move {
                match server::room(self.code).await {
                    Ok(snapshot) => self.drive(|session, now| session.door_said(Some(snapshot), now)),
                    Err(problem) if is_outside(problem.code) => self.drive(|session, now| session.door_said(None, now)),
                    // The server cannot be asked either: the next try will tell.
                    Err(_) => {}
                }
            }),
            Act::Rejoin => {
                let nickname = self.you.with_untracked(|you| you.nickname.to_string());
                spawn_local(async move {
                    let outcome = server::join(self.code, nickname).await;
                    self.drive(|session, now| session.rejoined(outcome, now));
                });
            }
        }
    }

    pub(super) fn heard(self, event: &SocketEvent) {
        match event {
            SocketEvent::Opened => self.drive(Session::opened),
            SocketEvent::Closed => self.drive(Session::closed),
            // A frame that this version does not know belongs to a later one.
            SocketEvent::Text(text) => {
                if let Ok(frame) = serde_json::from_str::<ServerFrame>(text) {
                    self.drive(|session, now| session.received(frame, now));
                }
            }
        }
    }

    pub(super) fn plan(self, now: u64) {
        self.desk.try_update_value(|desk| {
            let due = desk.session.due();
            if desk.timer.as_ref().map(|(at, _)| *at) != due {
                let timer = |at: u64| (at, browser::after(at.saturating_sub(now), move || self.wake()));
                desk.timer = due.map(timer);
            }
        });
    }

    pub(super) fn wake(self) {
        self.desk.try_update_value(|desk| desk.timer = None);
        self.drive(Session::tick);
    }
}
