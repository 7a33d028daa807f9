//! Tests of what a live room makes of hints that arrive while an operation on its log is under way.

use std::{future::ready, sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    super::{
        log::{Caught, Cursor},
        timing::Timing,
    },
    log_state::Next,
    operation::Finished,
    *,
};
use crate::{
    protocol::{Epoch, MemberId, Nickname, Person, RoomType, Seq},
    server::{
        bus::LocalBus,
        random,
        store::{ActorId, Gone, GuestId, MemberRecord, sqlite::Sqlite},
    },
};

const HEAD: Seq = 1;

/// A room with one member, as it was read from its log.
fn opened(retention: Retention) -> Opened {
    let (id, epoch) = (RoomId(Uuid::nil()), Epoch::from_bits(1));
    let person = Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() };
    let member = MemberRecord::new(id, person, ActorId::Guest(GuestId(Uuid::nil())), 0);
    let record = RoomRecord {
        id,
        code: random::room_code(),
        room_type: RoomType::Group,
        name: None,
        peek: true,
        retention,
        epoch,
        owner: member.member,
        created_at: 0,
        touched_at: 0,
        visited_at: 0,
        gone: Gone::default(),
    };
    let member = MemberRecord { since: HEAD, owed: None, ..member };
    Opened {
        record,
        cursor: Cursor { epoch, head: HEAD, n: 0, retention },
        recent: Vec::new(),
        kept_from: HEAD,
        has_archive: false,
        has_tail: false,
        members: vec![member],
    }
}

/// A live room that handles nothing by itself.
fn live(retention: Retention) -> Live {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Sqlite::open(&folder.path().join("test.sqlite")).unwrap());
    let hour = Duration::from_hours(1);
    let timing = Timing { guest_grace: hour, guest_closed: hour, room_kept_days: 90, edit_minutes: 15 };
    let (engine, _) = Engine::new(store, Arc::new(LocalBus::new().0), timing, |_, _, _| Box::pin(ready(())));
    let opened = opened(retention);
    Live::new(engine.clone(), engine.log(opened.record.id), mpsc::channel(1).1, opened)
}

/// What the room does next, if this hint arrives during an operation that ends with this result.
async fn next_after(retention: Retention, hint: Request, result: Finished) -> Next {
    let mut live = live(retention);
    live.log_state.begin_read(Box::pin(ready(result)));
    live.handle(hint);
    let finished = live.log_state.finished().await;
    live.finish(finished);
    live.log_state.next(Instant::now(), false)
}

fn packet(news: News) -> Request {
    Request::Packet(Packet { node: Uuid::nil(), news }.encode(), Stopwatch::default())
}

#[tokio::test]
async fn what_a_hint_says_during_a_read_of_the_log_is_not_taken_for_read() {
    use Retention::{Ephemeral, Preserved};
    let caught_up = || Finished::CaughtUp(Ok(Caught::Up(Vec::new())));
    let opens = |retention| Finished::Opened(Ok(Box::new(opened(retention))));
    let events = |epoch| packet(News::Events { epoch: Epoch::from_bits(epoch), events: Vec::new() });
    let head = |epoch, seq| Request::TailHead(Epoch::from_bits(epoch), seq);
    let rows = [
        ("the archive ends later", Preserved, Request::ArchiveHead(HEAD + 1), caught_up(), Next::CatchUp),
        ("the same, while it is opened", Preserved, Request::ArchiveHead(HEAD + 1), opens(Preserved), Next::CatchUp),
        ("the archive ends here", Preserved, Request::ArchiveHead(HEAD), caught_up(), Next::Wait),
        ("the tail ends later", Ephemeral, head(1, HEAD + 1), caught_up(), Next::CatchUp),
        ("the tail is another one", Ephemeral, head(2, HEAD), opens(Ephemeral), Next::CatchUp),
        ("the tail ends here", Ephemeral, head(1, HEAD), opens(Ephemeral), Next::Wait),
        ("events of another epoch", Ephemeral, events(2), caught_up(), Next::CatchUp),
        ("stored events were changed", Preserved, packet(News::Reread), caught_up(), Next::Open),
        ("the same, while it is opened", Preserved, packet(News::Reread), opens(Preserved), Next::Open),
        ("the same, by this node", Preserved, Request::Reread, opens(Preserved), Next::Open),
    ];
    for (what, retention, hint, result, expected) in rows {
        assert_eq!(next_after(retention, hint, result).await, expected, "{what}");
    }
}
