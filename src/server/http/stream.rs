//! The stream `/stream`: what a socket does, for clients that cannot open one. Frames come as Server-Sent Events, and
//! go by `POST`.
//!
//! A stream is a connection over a socket pair, and the task of `ws` serves one end of it. The body of the response
//! reads the other end, and what is posted is written there. So rooms, limits and the goodbye are those of a socket.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::StatusCode,
};
use futures_util::stream;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{io::AsyncWriteExt, net::UnixStream, time::sleep};

use super::{
    event_stream::EventStream,
    extract::{Json, Path, Query},
    origin::SameOrigin,
    problem::Refusal,
    shell::BuildVersion,
    ws,
};
use crate::{
    protocol::{Code, Problem},
    server::{
        app::{App, OpenStream, Post, StreamAddress, Visitor, Way},
        random,
        socket::{Events, Wire, of_client},
    },
};

/// How long a stream lasts, at most this and `SPREAD` more. One answer may take ten minutes (`socket/guarded.rs`), and
/// the page tries to open a socket before the next stream.
const LIFE: Duration = Duration::from_secs(500);
/// Range of the random part of that time, in milliseconds.
const SPREAD_MS: u32 = 60_000;
/// Frames in one post.
const FRAMES: usize = 256;

/// `GET /stream`: opens a stream. Needs a session, and an `Origin` of this site or none, like a socket.
pub async fn open(
    State(app): State<App>,
    _: SameOrigin,
    visitor: Visitor,
    Extension(build): Extension<BuildVersion>,
) -> Result<EventStream, Refusal> {
    let (actor, client) = (visitor.actor()?.clone(), visitor.client);
    let counted = app.open_sockets.admit(client).ok_or_else(ws::too_many_sockets)?;
    let (near, far) = UnixStream::pair().map_err(|error| {
        tracing::warn!(%error, "a stream was not opened");
        Problem::new(Code::Overloaded, "The server has too much to do. Try again shortly.")
    })?;
    let (reading, mut writing) = far.into_split();
    let (open, mut posts) = app.streams.open(actor.id());
    let address = open.address();
    tokio::spawn(async move {
        let connection = app.pulse.open(Wire::Pair(near));
        let _taken = (counted, app.open_sockets.hold(actor.id(), &connection, Way::Stream));
        let life = LIFE + Duration::from_millis(random::below(SPREAD_MS).into());
        let serving = ws::serve(app, actor, client, build, connection, Vec::new(), sleep(life));
        // Ends with the response, which holds the stream open. The other end then reads the end, too.
        let writing = async move {
            while let Some(frames) = posts.recv().await {
                if writing.write_all(&frames).await.is_err() {
                    break;
                }
            }
        };
        tokio::join!(serving, writing);
    });
    let first = Bytes::from(format!("event:address\ndata:/stream/{address}\n\n"));
    Ok(EventStream(body(first, Events::of(reading), open)))
}

/// The events, which hold the stream open as long as somebody reads them.
fn body(first: Bytes, events: Events, open: OpenStream) -> Body {
    let all = stream::unfold((Some(first), events, open), async |(first, mut events, open)| {
        let part = match first {
            Some(first) => first,
            None => events.next().await?,
        };
        Some((Ok::<_, Infallible>(part), (None, events, open)))
    });
    Body::from_stream(all)
}

/// The query of a post.
#[derive(Deserialize)]
pub struct Posted {
    /// The posts to the stream before this one.
    n: u64,
}

/// `POST /stream/{address}?n=`: takes an array of frames from the client of a stream. An empty one answers a ping.
pub async fn post(
    State(app): State<App>,
    _: SameOrigin,
    visitor: Visitor,
    Path(address): Path<String>,
    Query(Posted { n }): Query<Posted>,
    Json(frames): Json<Vec<Box<RawValue>>>,
) -> Result<StatusCode, Refusal> {
    let actor = visitor.actor()?.id();
    app.limits.post_as(actor).await?;
    if frames.len() > FRAMES {
        return Err(Problem::new(Code::TooLarge, format!("A post can have {FRAMES} frames at most.")).into());
    }
    let post = Post { actor, n, frames: of_client(frames.iter().map(|frame| frame.get())) };
    let taken = match StreamAddress::parse(&address) {
        Some(address) => app.streams.post(address, post).await.map_err(|_| {
            Problem::new(Code::BusUnavailable, "The server that has this stream cannot be reached. Open another one.")
        })?,
        None => false,
    };
    if taken { Ok(StatusCode::NO_CONTENT) } else { Err(gone().into()) }
}

/// The same for a stream that is over, that never was, and of somebody else.
fn gone() -> Problem {
    Problem::new(Code::NotFound, "There is no such stream. Open another one.")
}
