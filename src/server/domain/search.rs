//! Searching: which messages a visitor finds in their rooms.
//!
//! The index of the store returns candidates, newest first. Each is read again from the archive and compared with what
//! was typed, so a message is found by its text as it is now, and only by members who may see it. Only what a room
//! keeps is searched. How messages get into the index is in `indexing.rs`.

use std::cmp::Reverse;

use tokio::time::{Duration, Instant};

use super::{
    errors::store_failed,
    rooms::{current_room, membership},
};
use crate::{
    protocol::{Event, MemberId, Problem, RoomType, SearchHit, SearchPage, SearchQuery, Seq, TextRange, limits},
    server::{
        app::{Actor, App, Visitor},
        store::{MemberRecord, RoomRecord},
        text::{self, SearchTerm},
    },
};

/// After this time a search answers with what it has found.
const PATIENCE: Duration = Duration::from_millis(200);
/// Candidates that are read at once.
const CANDIDATES: usize = 64;
/// Stores use signed integers. No log is that long.
const END: Seq = i64::MAX.cast_unsigned();

/// A room, and the visitor's record in it.
type Place = (RoomRecord, MemberRecord);

/// What is searched for.
struct Wanted {
    query: text::SearchQuery,
    terms: Vec<SearchTerm>,
    from: Option<MemberId>,
    limit: usize,
    deadline: Instant,
}

impl Wanted {
    fn marks(&self, event: &Event) -> Option<Vec<TextRange>> {
        let message = event.message()?;
        if self.from.is_some_and(|from| message.author.id != from) {
            return None;
        }
        self.query.find(message.body.as_str())
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

/// Searches a room of the visitor, or the rooms with the newest messages.
pub async fn search(app: &App, visitor: &Visitor, query: SearchQuery) -> Result<SearchPage, Problem> {
    let actor = visitor.actor()?;
    let limit = query.limit.unwrap_or(limits::SEARCH_PAGE);
    if !(1..=limits::SEARCH_PAGE).contains(&limit) {
        return Err(Problem::invalid("limit", format!("A page has 1 to {} messages.", limits::SEARCH_PAGE)));
    }
    let read = text::SearchQuery::read(&query.q)?;
    let mut wanted =
        Wanted { terms: read.terms(), query: read, from: query.from, limit, deadline: Instant::now() + PATIENCE };
    let Some(code) = query.code else {
        let single = [("from", query.from.is_some()), ("before", query.before.is_some())];
        if let Some((field, _)) = single.into_iter().find(|(_, given)| *given) {
            return Err(Problem::invalid(field, "Name the room as well."));
        }
        app.limits.search_messages(actor.id()).await?;
        let places = places(app, visitor, actor).await?;
        wanted.deadline = Instant::now() + PATIENCE;
        return in_rooms(app, &places, &wanted).await;
    };
    let place = membership(app, actor.id(), code.parse()?).await?;
    app.engine.renew_lease(&place.1);
    app.limits.search_messages(actor.id()).await?;
    in_room(app, &place, &wanted, query.before.unwrap_or(END)).await
}

/// The visitor's rooms with the newest messages in their archives, newest first.
async fn places(app: &App, visitor: &Visitor, actor: &Actor) -> Result<Vec<Place>, Problem> {
    let Actor::Account { record, .. } = actor else {
        return Ok(current_room(app, visitor).await?.into_iter().collect());
    };
    let places = app.store.rooms_of_account(record.id).await.map_err(store_failed)?;
    let rooms: Vec<_> = places.iter().map(|(room, _)| room.id).collect();
    let overviews = app.store.overviews(&rooms).await.map_err(store_failed)?;
    let newest = |(room, _): &Place| {
        let (_, overview) = overviews.iter().find(|(id, _)| *id == room.id)?;
        overview.message.as_ref().map(|message| message.at)
    };
    let mut places: Vec<_> = places.into_iter().filter_map(|place| Some((newest(&place)?, place))).collect();
    places.sort_by_key(|(at, _)| Reverse(*at));
    Ok(places.into_iter().take(limits::SEARCH_ROOMS).map(|(_, place)| place).collect())
}

async fn in_rooms(app: &App, places: &[Place], wanted: &Wanted) -> Result<SearchPage, Problem> {
    let mut all = SearchPage { hits: Vec::new(), more: false, scanned_to: None };
    for place in places {
        if wanted.is_late() {
            all.more = true;
            break;
        }
        let page = in_room(app, place, wanted, END).await?;
        all.hits.extend(page.hits);
        all.more |= page.more;
    }
    all.hits.sort_by_key(|hit| Reverse(hit.event.at));
    all.more |= all.hits.len() > wanted.limit;
    all.hits.truncate(wanted.limit);
    Ok(all)
}

async fn in_room(app: &App, (room, member): &Place, wanted: &Wanted, before: Seq) -> Result<SearchPage, Problem> {
    let mut page = SearchPage { hits: Vec::new(), more: false, scanned_to: None };
    let first = match (room.room_type, member.stays_since()) {
        (RoomType::Group, _) => 0,
        (RoomType::P2p, 0) => return Ok(page),
        (RoomType::P2p, since) => since,
    };
    let mut end = before.min(END);
    loop {
        let found = app.store.candidates(room.id, &wanted.terms, first..end, CANDIDATES).await.map_err(store_failed)?;
        let mut events = app.store.events_at(room.id, &found.seqs).await.map_err(store_failed)?;
        events.sort_by_key(|event| Reverse(event.seq));
        for event in events {
            let Some(marks) = wanted.marks(&event) else { continue };
            if page.hits.len() == wanted.limit {
                page.scanned_to = page.hits.last().map(|hit| hit.event.seq);
                page.more = true;
                return Ok(page);
            }
            page.hits.push(SearchHit { code: room.code, event, marks });
        }
        end = found.from;
        if end <= first {
            return Ok(page);
        }
        if wanted.is_late() {
            page.scanned_to = Some(end);
            page.more = true;
            return Ok(page);
        }
    }
}
