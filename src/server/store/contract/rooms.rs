//! Tests of [`Rooms`](super::super::Rooms) for both drivers.

use super::*;

pub async fn of_rooms_made_with_one_code_at_once_one_is_there(store: &dyn Store) {
    let code = code();
    let rooms: Vec<_> = (0..5).map(|_| new_room(RoomType::Group, Retention::Ephemeral)).collect();
    let rooms: Vec<_> = rooms.into_iter().map(|(room, owner)| (RoomRecord { code, ..room }, owner)).collect();
    let made = join_all(rooms.iter().map(|(room, owner)| store.create_room(room, owner, None))).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert_eq!(made.iter().filter(|made| conflict(made) == Some(Conflict::CodeTaken)).count(), 4);
    let there = store.room_by_code(code).await.unwrap();
    for (room, owner) in &rooms {
        let owner = store.member(room.id, owner.member).await;
        assert_eq!(owner.is_ok(), room.id == there.id, "a room and its owner, both or neither");
    }
}

pub async fn a_room_whose_owner_is_elsewhere_is_not_made(store: &dyn Store) {
    let (first, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let (second, someone) = new_room(RoomType::Group, Retention::Ephemeral);
    let made = store.create_room(&second, &MemberRecord { actor: owner.actor, ..someone }, None).await;
    assert_eq!(conflict(&made), Some(Conflict::Elsewhere(first.code)));
    assert!(is_missing(&store.room(second.id).await));
    assert!(is_missing(&store.room_by_code(second.code).await));
    assert_eq!(store.room(first.id).await.unwrap(), first);
    assert_eq!(store.member(first.id, owner.member).await.unwrap(), owner);
}

pub async fn abandoned_rooms_go_whole_and_others_stay(store: &dyn Store) {
    let abandon = async |room_type, retention| {
        let (room, owner) = make_room(store, room_type, retention).await;
        append(store, &room, &[said(1, 1, &owner.person(), client_id(), "from a preserved time")]).await;
        leave(store, &owner).await;
        (room, owner)
    };
    let (abandoned, owner) = abandon(RoomType::P2p, Retention::Ephemeral).await;
    let (also, _) = abandon(RoomType::Group, Retention::Ephemeral).await;
    let (preserved, _) = abandon(RoomType::Group, Retention::Preserved).await;
    let (occupied, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;

    assert!(store.delete_abandoned_rooms(now() - 60_000, 10).await.unwrap().is_empty(), "touched since");
    let mut deleted = store.delete_abandoned_rooms(now() + 60_000, 1).await.unwrap();
    assert_eq!(deleted.len(), 1, "no more than the limit");
    deleted.extend(store.delete_abandoned_rooms(now() + 60_000, 10).await.unwrap());
    deleted.sort();
    let mut expected = vec![abandoned.id, also.id];
    expected.sort();
    assert_eq!(deleted, expected);

    assert!(is_missing(&store.room(abandoned.id).await));
    assert!(is_missing(&store.member(abandoned.id, owner.member).await));
    assert!(store.events_before(abandoned.id, None, 10).await.unwrap().is_empty());
    assert_eq!(store.room(occupied.id).await.unwrap(), occupied);
    assert!(store.room(preserved.id).await.is_ok());
    let (reused, owner) = new_room(RoomType::Group, Retention::Ephemeral);
    store.create_room(&RoomRecord { code: abandoned.code, ..reused }, &owner, None).await.unwrap();
}

pub async fn a_join_beside_a_deletion_keeps_its_room_or_finds_none(store: &dyn Store) {
    for _ in 0..5 {
        let mut joinings = Vec::new();
        for _ in 0..10 {
            let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
            let gone = leave(store, &owner).await;
            // The join has the same millisecond as the last touch, so that `touched_at` does not change.
            joinings.push(Joining { at: gone.changed_at, ..joining(&room, guest()) });
        }
        // One call deletes room after room while persons join, a little later in each room.
        let joins = join_all(joinings.iter().zip(0..).map(async |(joining, delay)| {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            store.join_room(joining).await
        }));
        let (joins, deleted) = join(joins, store.delete_abandoned_rooms(now() + 60_000, 10)).await;
        let deleted = deleted.unwrap();
        for (joining, joined) in joinings.iter().zip(joins) {
            let room = store.room(joining.room).await.is_ok();
            let member = store.member(joining.room, joining.member).await.is_ok();
            let expected = match joined {
                Ok(_) => (true, true, false),
                Err(StoreError::NotFound) => (false, false, true),
                Err(error) => panic!("{error:?}"),
            };
            assert_eq!((room, member, deleted.contains(&joining.room)), expected);
        }
    }
}

pub async fn overviews_tell_of_many_rooms_at_once(store: &dyn Store) {
    let (pair, ada) = make_room(store, RoomType::P2p, Retention::Preserved).await;
    let bob = enter(store, &joining(&pair, guest())).await;
    let (group, eve) = make_room(store, RoomType::Group, Retention::Preserved).await;
    for _ in 0..3 {
        enter(store, &joining(&group, guest())).await;
    }
    let gone = enter(store, &joining(&group, guest())).await;
    leave(store, &gone).await;
    let (quiet, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;

    let first = said(1, 1, &ada.person(), client_id(), "First");
    let last = said(2, 2, &bob.person(), client_id(), "Last");
    let renamed = event(3, EventKind::Renamed { name: None, by: ada.person() });
    append(store, &pair, &[first, last.clone(), renamed.clone()]).await;
    let kept = EventKind::RetentionChanged { retention: Retention::Preserved, by: eve.person(), n: 40 };
    append(store, &group, &[event(90, kept.clone())]).await;

    let mut people = vec![ada.person(), bob.person()];
    people.sort_by_key(|person| person.id);
    let of_pair = Overview {
        head: Head { seq: 3, n: 2 },
        at: renamed.at,
        message: Some(last),
        members: 2,
        pair: people,
        ..Overview::default()
    };
    let unknown = RoomId(Uuid::new_v4());
    let all = store.overviews(&[pair.id, unknown, group.id, quiet.id]).await.unwrap();
    let of = |id: RoomId| all.iter().find(|(room, _)| *room == id).map(|(_, overview)| overview.clone());
    assert_eq!((all.len(), of(unknown)), (3, None));
    assert_eq!(of(pair.id), Some(of_pair.clone()));
    let of_group = of(group.id).unwrap();
    assert_eq!((of_group.head, of_group.members, of_group.pair), (Head { seq: 90, n: 40 }, 4, Vec::new()));
    assert_eq!(of_group.message, None, "what was said before was not kept");
    assert_eq!(of(quiet.id), Some(Overview { members: 1, ..Overview::default() }));
    assert_eq!(store.overviews(&[]).await.unwrap(), []);

    // A touch is at the end of the archive, and no news.
    let Some(last) = &of_pair.message else { panic!("there is one") };
    let target = Target { seq: last.seq, id: last.message().unwrap().id };
    let edit = EventKind::Edited {
        target,
        author: bob.person(),
        body: MessageBody::stored("Changed"),
        mentions: Vec::new(),
        everyone: false,
    };
    append(store, &pair, &[Event { at: renamed.at + 1, ..event(4, edit) }]).await;
    let now = store.overviews(&[pair.id]).await.unwrap().remove(0).1;
    assert_eq!((now.head.seq, now.at), (4, renamed.at));
    let changed = now.message;

    // A message and a change of retention may have the same ordinal.
    let again = EventKind::RetentionChanged { retention: Retention::Ephemeral, by: ada.person(), n: 2 };
    append(store, &pair, &[event(5, again)]).await;
    let now = store.overviews(&[pair.id]).await.unwrap().remove(0).1;
    assert_eq!((now.head, now.message), (Head { seq: 5, n: 2 }, changed));
}

const DAY: Millis = 24 * HOUR;

async fn made_at(
    store: &dyn Store,
    room_type: RoomType,
    retention: Retention,
    at: Millis,
) -> (RoomRecord, MemberRecord) {
    let (room, owner) = new_room(room_type, retention);
    let room = RoomRecord { created_at: at, touched_at: at, visited_at: at, ..room };
    store.create_room(&room, &owner, None).await.unwrap();
    (room, owner)
}

async fn unvisited(store: &dyn Store, before: Millis) -> Vec<RoomId> {
    store.unvisited_rooms(before, 100).await.unwrap()
}

pub async fn rooms_that_nobody_visits_end_and_what_an_account_keeps_stays(store: &dyn Store) {
    let now = now();
    let before = now - 90 * DAY;
    let old = |retention| made_at(store, RoomType::Group, retention, before - 10);
    let (of_guests, guest) = old(Retention::Preserved).await;
    leave(store, &guest).await;
    let (still_in, _) = old(Retention::Preserved).await;
    let ada = make_account(store).await;
    let (of_ada, owner) = old(Retention::Preserved).await;
    leave(store, &owner).await;
    enter(store, &joining_as(&of_ada, ada.id)).await;
    let (left_by_ada, owner) = old(Retention::Preserved).await;
    leave(store, &owner).await;
    let gone = enter(store, &joining_as(&left_by_ada, ada.id)).await;
    leave(store, &gone).await;
    let (quiet, _) = old(Retention::Ephemeral).await;
    enter(store, &joining_as(&quiet, ada.id)).await;
    let (young, _) = made_at(store, RoomType::Group, Retention::Preserved, before).await;

    let mut expected = vec![of_guests.id, still_in.id, left_by_ada.id, quiet.id];
    let mut found = unvisited(store, before).await;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(store.unvisited_rooms(before, 2).await.unwrap().len(), 2, "no more than the limit");
    assert_eq!(store.existing_rooms(&[young.id, RoomId(Uuid::new_v4()), quiet.id]).await.unwrap().len(), 2);
    for room in &expected {
        assert!(store.end_room(*room, Some(before), 10).await.unwrap());
        assert!(is_missing(&store.room(*room).await) && store.members(*room).await.unwrap().is_empty());
    }
    for room in [&of_ada, &young] {
        assert!(is_missing(&store.end_room(room.id, Some(before), 10).await));
        assert!(store.room(room.id).await.is_ok());
    }
    assert!(unvisited(store, before).await.is_empty());
    assert!(is_missing(&store.end_room(of_guests.id, None, 10).await), "it is gone already");
}

pub async fn a_visit_lengthens_a_rooms_life_and_comes_first(store: &dyn Store) {
    let before = now() - 90 * DAY;
    let (first, owner) = made_at(store, RoomType::Group, Retention::Preserved, before - 20).await;
    let (second, _) = made_at(store, RoomType::Group, Retention::Preserved, before - 10).await;
    append(store, &first, &[said(1, 1, &owner.person(), client_id(), "Hello")]).await;
    assert_eq!(unvisited(store, before).await, [first.id, second.id], "the longest unvisited first");
    store.visit_room(first.id, now()).await.unwrap();
    store.visit_room(first.id, before - 30).await.unwrap();
    store.visit_room(RoomId(Uuid::new_v4()), now()).await.unwrap();
    assert!(store.room(first.id).await.unwrap().visited_at >= before);
    assert_eq!(unvisited(store, before).await, [second.id]);
    assert!(is_missing(&store.end_room(first.id, Some(before), 10).await), "somebody came meanwhile");
    assert_eq!(store.events_after(first.id, 0, 10).await.unwrap().len(), 1);
    let record = store.room(first.id).await.unwrap();
    let guest = guest();
    enter(store, &joining(&first, guest)).await;
    let (found, _) = store.membership(first.code, ActorId::Guest(guest)).await.unwrap();
    assert_eq!(found.visited_at, record.visited_at, "also beside somebody's record");
}

pub async fn a_room_ends_step_by_step_and_whole(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (other, _) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let events: Vec<_> = (1..=25).map(|n| said(n, n, &owner.person(), client_id(), "Grüße")).collect();
    append(store, &room, &events).await;
    append(store, &other, &[said(1, 1, &owner.person(), client_id(), "Hello")]).await;
    assert_eq!(store.archive_size(room.id).await.unwrap(), (25, 25 * 7));
    let mut steps = 0;
    while !store.end_room(room.id, None, 10).await.unwrap() {
        steps += 1;
        assert_eq!(store.archive_size(room.id).await.unwrap().0, 25 - 10 * steps, "some at a time");
    }
    assert!(steps == 2 && is_missing(&store.room(room.id).await));
    assert_eq!(store.archive_size(room.id).await.unwrap(), (0, 0));
    assert!(is_missing(&store.member(room.id, owner.member).await));
    assert_eq!(store.archive_size(other.id).await.unwrap(), (1, 5));
    // The code of the deleted room is free again.
    let (again, owner) = new_room(RoomType::Group, Retention::Ephemeral);
    store.create_room(&RoomRecord { code: room.code, ..again }, &owner, None).await.unwrap();
}

pub async fn rooms_and_accounts_are_listed_in_pages(store: &dyn Store) {
    let mut rooms = Vec::new();
    let mut accounts = Vec::new();
    for _ in 0..5 {
        rooms.push(make_room(store, RoomType::Group, Retention::Ephemeral).await.0);
        accounts.push(make_account(store).await);
    }
    rooms.sort_by_key(|room| room.id);
    accounts.sort_by_key(|account| account.id);
    let (mut listed, mut known) = (Vec::new(), Vec::new());
    loop {
        let page = store.rooms_after(listed.last().map(|room: &RoomRecord| room.id), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    loop {
        let page = store.accounts_after(known.last().map(|account: &AccountRecord| account.id), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        known.extend(page);
    }
    assert_eq!((listed, known), (rooms, accounts));
}
