//! Tests of [`Members`](super::super::Members) for both drivers.

use super::*;

pub async fn ten_who_join_a_p2p_room_at_once_leave_two_in_it(store: &dyn Store) {
    for _ in 0..5 {
        let (room, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
        let joinings: Vec<_> = (0..10).map(|_| joining(&room, guest())).collect();
        let joins = join_all(joinings.iter().map(|joining| store.join_room(joining))).await;
        assert_eq!(joins.iter().filter(|join| matches!(join, Ok(Membership::Entered(_)))).count(), 1);
        assert_eq!(joins.iter().filter(|join| conflict(join) == Some(Conflict::Full)).count(), 9);
        let mut slots: Vec<_> = store.members(room.id).await.unwrap().iter().map(|member| member.slot).collect();
        slots.sort();
        assert_eq!(slots, [Some(0), Some(1)]);
    }
}

pub async fn a_hundred_who_join_a_group_at_once_are_all_in(store: &dyn Store) {
    let (room, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let joinings: Vec<_> = (0..100).map(|_| joining(&room, guest())).collect();
    let joins = join_all(joinings.iter().map(|joining| store.join_room(joining))).await;
    assert!(joins.iter().all(|join| matches!(join, Ok(Membership::Entered(_)))));
    assert_eq!(store.members(room.id).await.unwrap().len(), 101);
}

pub async fn a_guest_who_joins_two_rooms_at_once_is_in_one(store: &dyn Store) {
    for _ in 0..10 {
        let (one, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
        let (two, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
        let guest = guest();
        let (into_one, into_two) = (joining(&one, guest), joining(&two, guest));
        let joins = join(store.join_room(&into_one), store.join_room(&into_two)).await;
        let (won, lost) = match joins {
            (Ok(_), Err(StoreError::Conflict(lost))) => (one, lost),
            (Err(StoreError::Conflict(lost)), Ok(_)) => (two, lost),
            other => panic!("{other:?}"),
        };
        assert_eq!(lost, Conflict::Elsewhere(won.code));
        let (room, member) = store.room_of_guest(guest).await.unwrap();
        assert_eq!((room.id, member.room), (won.id, won.id));
    }
}

pub async fn ten_joins_of_one_person_at_once_make_one_member(store: &dyn Store) {
    let (room, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
    let guest = guest();
    let joinings: Vec<_> = (0..10).map(|_| joining(&room, guest)).collect();
    let joins = join_all(joinings.iter().map(|joining| store.join_room(joining))).await;
    let records: Vec<_> = joins
        .into_iter()
        .map(|join| match join.unwrap() {
            Membership::Entered(record) => (true, record),
            Membership::Already(record) => (false, record),
        })
        .collect();
    assert_eq!(records.iter().filter(|(entered, _)| *entered).count(), 1);
    assert!(records.iter().all(|(_, record)| *record == records[0].1));
}

pub async fn who_comes_back_is_the_same_member(store: &dyn Store) {
    let (room, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
    let guest = guest();
    let first = enter(store, &Joining { name: Some(name("Ada")), ..joining(&room, guest) }).await;
    assert_eq!(
        (first.presence, first.slot, first.since, &first.owed),
        (Presence::Active, Some(1), 0, &Some(Owed::Joined))
    );
    store.project(room.id, room.epoch, &[event(7, EventKind::Joined { member: first.person() })]).await.unwrap();

    let later = now() + 60_000;
    let gone = store.leave_room(room.id, first.member, &Owed::Left, later).await.unwrap();
    assert_eq!((gone.presence, gone.slot, gone.since, &gone.owed), (Presence::Gone, None, 7, &Some(Owed::Left)));
    assert_eq!(gone.changed_at, later);
    assert_eq!(store.room(room.id).await.unwrap().touched_at, later);
    assert_eq!(store.membership(room.code, ActorId::Guest(guest)).await.unwrap().1, gone);
    assert!(is_missing(&store.room_of_guest(guest).await));

    let back = enter(store, &joining(&room, guest)).await;
    assert_eq!((back.member, &back.name), (first.member, &first.name), "the id and the name from before");
    assert_eq!((back.slot, back.since, &back.owed), (Some(1), 0, &Some(Owed::Joined)));
    assert_eq!(store.member(room.id, first.member).await.unwrap(), back);

    leave(store, &back).await;
    let renamed = enter(store, &Joining { name: Some(name("Grace")), ..joining(&room, guest) }).await;
    assert_eq!((renamed.member, renamed.name), (first.member, name("Grace")));
}

pub async fn a_place_and_a_stay_outlive_an_absence(store: &dyn Store) {
    let (room, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
    let guest = guest();
    let here = enter(store, &joining(&room, guest)).await;
    let joined = |seq| event(seq, EventKind::Joined { member: here.person() });
    store.project(room.id, room.epoch, &[joined(7)]).await.unwrap();
    let stay = |record: &MemberRecord| (record.slot, record.since, record.stay, record.stays_since());

    let gone = store.leave_absent(room.id, here.member, now()).await.unwrap();
    assert_eq!((stay(&gone), gone.is_expected()), ((Some(1), 7, 7, 7), true));
    assert_eq!(conflict(&store.join_room(&joining(&room, super::guest())).await), Some(Conflict::Full));
    assert!(is_missing(&store.leave_absent(room.id, here.member, now()).await), "once");
    let back = enter(store, &joining(&room, guest)).await;
    assert_eq!((back.member, stay(&back)), (here.member, (Some(1), 0, 7, 7)));
    store.project(room.id, room.epoch, &[joined(20)]).await.unwrap();
    store.leave_absent(room.id, here.member, now()).await.unwrap();
    let back = enter(store, &joining(&room, guest)).await;
    assert_eq!(stay(&back), (Some(1), 0, 7, 7), "the stay began with the first of them");

    let gone = leave(store, &back).await;
    assert_eq!((stay(&gone), gone.is_expected()), ((None, 0, 0, 0), false), "leaving ends it");
    enter(store, &joining(&room, super::guest())).await;
}

pub async fn a_place_is_kept_until_it_is_given_up_or_its_guest_forgotten(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::P2p, Retention::Preserved).await;
    assert!(is_missing(&store.free_place(room.id, owner.member).await), "they are there");
    for forget in [false, true] {
        let second = GuestRecord { id: guest(), token: hash(), nickname: None, seen_at: now() };
        let coming = Joining { newcomer: Some(second.clone()), ..joining(&room, second.id) };
        let member = enter(store, &coming).await;
        let holders = store.holders_of_places(room.id).await.unwrap();
        let mut ids = [owner.member, member.member];
        ids.sort();
        let mut held: Vec<_> = holders.iter().map(|holder| holder.member).collect();
        held.sort();
        assert_eq!(held, ids);
        let gone = store.leave_absent(room.id, member.member, now()).await.unwrap();
        assert_eq!(store.holders_of_places(room.id).await.unwrap().len(), 2, "absent, but the place is kept");
        assert_eq!(store.forget_guests(0).await.unwrap(), 0);
        assert_eq!(conflict(&store.join_room(&joining(&room, guest())).await), Some(Conflict::Full));
        if forget {
            store.forget_guest(second.id).await.unwrap();
        } else {
            let free = store.free_place(room.id, member.member).await.unwrap();
            assert_eq!(free, MemberRecord { slot: None, stay: 0, ..gone });
        }
        assert!(is_missing(&store.free_place(room.id, member.member).await), "it is free");
        assert_eq!(store.holders_of_places(room.id).await.unwrap(), std::slice::from_ref(&owner));
    }

    // `forget_guests` frees the places of guests that it deletes for their age, and of guests that MongoDB's TTL index
    // deleted.
    let old = GuestRecord { id: guest(), token: hash(), nickname: None, seen_at: now() - 60_000 };
    let coming = Joining { newcomer: Some(old.clone()), ..joining(&room, old.id) };
    let member = enter(store, &coming).await;
    store.leave_absent(room.id, member.member, now()).await.unwrap();
    let kept = GuestRecord { id: guest(), token: hash(), nickname: None, seen_at: now() };
    let (other, owner) = new_room(RoomType::P2p, Retention::Ephemeral);
    let owner = MemberRecord { actor: ActorId::Guest(kept.id), ..owner };
    store.create_room(&other, &owner, Some(&kept)).await.unwrap();
    store.leave_absent(other.id, owner.member, now()).await.unwrap();
    assert_eq!(store.forget_guests(now() - 30_000).await.unwrap(), 1);
    assert_eq!(store.holders_of_places(room.id).await.unwrap().len(), 1);
    assert_eq!(store.holders_of_places(other.id).await.unwrap().len(), 1);
}

pub async fn who_was_removed_cannot_come_back(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
    let guest = guest();
    let member = enter(store, &joining(&room, guest)).await;
    let notice = Owed::Removed(owner.person());
    let removed = store.leave_room(room.id, member.member, &notice, now()).await.unwrap();
    assert_eq!((removed.presence, &removed.owed), (Presence::Removed, &Some(notice)));
    assert_eq!(store.member(room.id, member.member).await.unwrap(), removed);
    assert_eq!(conflict(&store.join_room(&joining(&room, guest)).await), Some(Conflict::Removed));
    enter(store, &joining(&room, super::guest())).await;
}

pub async fn only_the_owner_removes(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (bob, cyd) = (enter(store, &joining(&room, guest())).await, enter(store, &joining(&room, guest())).await);
    let removed = store.leave_room(room.id, cyd.member, &Owed::Removed(bob.person()), now()).await;
    assert_eq!(conflict(&removed), Some(Conflict::NotOwner));
    assert_eq!(store.member(room.id, cyd.member).await.unwrap(), cyd);
    let given = EventKind::Owner { member: bob.person(), by: Some(owner.person()), why: OwnerChange::Given };
    append(store, &room, &[event(1, given)]).await;
    let late = store.leave_room(room.id, cyd.member, &Owed::Removed(owner.person()), now()).await;
    assert_eq!(conflict(&late), Some(Conflict::NotOwner), "who has given the room away");
    store.leave_room(room.id, cyd.member, &Owed::Removed(bob.person()), now()).await.unwrap();
}

pub async fn joining_again_changes_nothing(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
    let guest = guest_of(&owner);
    let again = Joining { name: Some(name("Other")), at: room.touched_at + 9, ..joining(&room, guest) };
    assert_eq!(store.join_room(&again).await.unwrap(), Membership::Already(owner.clone()));
    assert_eq!(store.member(room.id, owner.member).await.unwrap(), owner);
    assert_eq!(store.room(room.id).await.unwrap(), room);
}

pub async fn a_member_id_is_taken_once(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let same = Joining { member: owner.member, ..joining(&room, guest()) };
    assert_eq!(conflict(&store.join_room(&same).await), Some(Conflict::MemberIdTaken));
    assert!(is_missing(&store.membership(room.code, same.actor).await));
}

pub async fn what_is_not_there_is_not_found(store: &dyn Store) {
    let (nowhere, nobody) = new_room(RoomType::Group, Retention::Preserved);
    assert!(is_missing(&store.room(nowhere.id).await));
    assert!(is_missing(&store.room_by_code(nowhere.code).await));
    assert!(is_missing(&store.join_room(&joining(&nowhere, guest())).await));
    assert!(is_missing(&store.room_of_guest(guest()).await));
    assert!(is_missing(&store.membership(nowhere.code, nobody.actor).await));
    assert!(store.members(nowhere.id).await.unwrap().is_empty());
    assert_eq!(store.head(nowhere.id).await.unwrap(), Head::default());
    let renamed = event(1, EventKind::Renamed { name: None, by: nobody.person() });
    assert!(is_missing(&store.append(nowhere.id, nowhere.epoch, std::slice::from_ref(&renamed)).await));
    assert!(is_missing(&store.project(nowhere.id, nowhere.epoch, &[renamed]).await));
    assert!(store.events_before(nowhere.id, None, 10).await.unwrap().is_empty());

    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    leave(store, &owner).await;
    assert!(is_missing(&store.leave_room(room.id, owner.member, &Owed::Left, now()).await), "left already");
}

pub async fn a_membership_is_found_by_code_and_person(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::P2p, Retention::Preserved).await;
    let (other, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    assert_eq!(store.membership(room.code, owner.actor).await.unwrap(), (room.clone(), owner.clone()));
    assert!(is_missing(&store.membership(other.code, owner.actor).await));

    let someone = enter(store, &joining(&room, guest())).await;
    let removed = store.leave_room(room.id, someone.member, &Owed::Removed(owner.person()), now()).await.unwrap();
    let (found, member) = store.membership(room.code, someone.actor).await.unwrap();
    assert_eq!((found.id, member), (room.id, removed), "whatever their presence");
    let guest = guest_of(&owner);
    assert_eq!(store.room_of_guest(guest).await.unwrap(), (found, owner));
}

pub async fn a_newcomer_is_kept_with_what_they_make_or_join(store: &dyn Store) {
    let newcomer = |token| GuestRecord { id: guest(), token: TokenHash([token; 32]), nickname: None, seen_at: now() };
    let is_known = async |guest: &GuestRecord| store.guest_by_token(guest.token, 0).await.ok() == Some(guest.clone());
    let (room, owner) = new_room(RoomType::P2p, Retention::Ephemeral);
    let maker = newcomer(1);
    let owner = MemberRecord { actor: ActorId::Guest(maker.id), ..owner };
    store.create_room(&room, &owner, Some(&maker)).await.unwrap();
    assert!(is_known(&maker).await);

    let second = newcomer(2);
    let coming = Joining { newcomer: Some(second.clone()), ..joining(&room, second.id) };
    assert_eq!(enter(store, &coming).await.actor, ActorId::Guest(second.id));
    assert!(is_known(&second).await);

    // If a join or a creation fails, the new guest session is not stored.
    let third = newcomer(3);
    let coming = Joining { newcomer: Some(third.clone()), ..joining(&room, third.id) };
    assert_eq!(conflict(&store.join_room(&coming).await), Some(Conflict::Full));
    assert!(!is_known(&third).await);
    let (taken, owner) = new_room(RoomType::Group, Retention::Ephemeral);
    let taken = RoomRecord { code: room.code, ..taken };
    let owner = MemberRecord { actor: ActorId::Guest(third.id), ..owner };
    assert_eq!(conflict(&store.create_room(&taken, &owner, Some(&third)).await), Some(Conflict::CodeTaken));
    assert!(!is_known(&third).await);
}

pub async fn notices_are_owed_until_the_log_has_them(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (other, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let at = owner.changed_at;
    let owing = async |before| {
        let mut rooms = store.rooms_owing_notices(before, 10).await.unwrap();
        rooms.sort();
        rooms
    };
    let mut both = vec![room.id, other.id];
    both.sort();
    assert_eq!(owing(at + 60_000).await, both);
    assert_eq!(store.rooms_owing_notices(at + 60_000, 1).await.unwrap().len(), 1);
    assert!(owing(at - 60_000).await.is_empty(), "too fresh to be overdue");

    let told_apart = Person { name: "Ada (2)".try_into().unwrap(), ..owner.person() };
    append(store, &room, &[event(1, EventKind::Joined { member: told_apart.clone() })]).await;
    let settled = store.member(room.id, owner.member).await.unwrap();
    assert_eq!(settled, MemberRecord { owed: None, since: 1, name: told_apart.name, ..owner.clone() });
    assert_eq!(owing(at + 60_000).await, [other.id]);

    let gone = leave(store, &settled).await;
    assert_eq!(owing(at + 60_000).await, both);
    assert_eq!(store.members(room.id).await.unwrap(), std::slice::from_ref(&gone), "gone, but it owes a notice");
    append(store, &room, &[event(2, EventKind::Left { member: owner.person() })]).await;
    assert!(store.members(room.id).await.unwrap().is_empty());
    assert_eq!(store.member(room.id, owner.member).await.unwrap(), MemberRecord { owed: None, ..gone });

    let guest = enter(store, &joining(&room, guest())).await;
    let notice = Owed::Removed(owner.person());
    store.leave_room(room.id, guest.member, &notice, now()).await.unwrap();
    append(store, &room, &[event(3, EventKind::Removed { member: guest.person(), by: owner.person() })]).await;
    assert_eq!(store.member(room.id, guest.member).await.unwrap().owed, None);
    assert_eq!(owing(at + 60_000).await, [other.id]);
}

pub async fn a_late_notice_settles_only_what_it_tells(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    leave(store, &owner).await;
    let guest = guest_of(&owner);
    let back = enter(store, &joining(&room, guest)).await;
    let left = [event(1, EventKind::Left { member: owner.person() })];
    assert!(!append_settling(store, &room, &left).await, "they are back");
    assert_eq!(store.member(room.id, owner.member).await.unwrap(), back, "it owes its Joined still");
    let joined = |seq| [event(seq, EventKind::Joined { member: owner.person() })];
    assert!(append_settling(store, &room, &joined(2)).await);
    assert!(!append_settling(store, &room, &joined(3)).await);
    let settled = store.member(room.id, owner.member).await.unwrap();
    assert_eq!((settled.since, settled.owed), (2, None), "told twice counts once");
}

pub async fn who_comes_in_with_their_event_owes_nothing(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let newcomer = || {
        let guest = GuestRecord { id: guest(), token: hash(), nickname: None, seen_at: now() };
        Joining { newcomer: Some(guest.clone()), ..joining(&room, guest.id) }
    };
    let is_known = async |joining: &Joining| {
        let token = joining.newcomer.as_ref().unwrap().token;
        let (guest, member) =
            (store.guest_by_token(token, 0).await.is_ok(), store.member(room.id, joining.member).await.is_ok());
        assert_eq!(guest, member, "both or neither");
        member
    };
    let joined = |seq, joining: &Joining| event(seq, EventKind::Joined { member: joining.person() });
    let append = async |events: &[Event], entering: &[Joining]| {
        store.append_entering(room.id, room.epoch, events, entering).await.unwrap()
    };

    let (ada, bob) = (newcomer(), newcomer());
    let owners = event(1, EventKind::Joined { member: owner.person() });
    let said_by_bob = said(4, 1, &bob.person(), client_id(), "here");
    let events = [owners, joined(2, &ada), joined(3, &bob), said_by_bob];
    let appended = append(&events, &[ada.clone(), bob.clone()]).await;
    assert_eq!(appended, Appended { stored: 4, stopped: None, settled: true });
    assert_eq!(store.events_after(room.id, 0, 10).await.unwrap(), events);
    for (seq, joining) in [(2, &ada), (3, &bob)] {
        assert!(is_known(joining).await);
        let record = store.member(room.id, joining.member).await.unwrap();
        assert_eq!(record, joining.clone().announced(joining.person().name, seq));
        assert_eq!((record.since, record.owed, record.presence), (seq, None, Presence::Active));
    }

    let late = newcomer();
    let stopped = append(&[joined(4, &late)], std::slice::from_ref(&late)).await;
    assert_eq!(stopped, Appended { stored: 0, stopped: Some(Stopped::SeqTaken), settled: true });
    assert!(!is_known(&late).await, "nobody comes in without their event");

    let (first, second) = (newcomer(), newcomer());
    let again = Event { seq: 6, ..events[3].clone() };
    let stopped = append(&[joined(5, &first), again, joined(7, &second)], &[first.clone(), second.clone()]).await;
    assert_eq!(stopped.stored, 1);
    assert!(matches!(stopped.stopped, Some(Stopped::IdTaken(Earlier { index: 1, seq: 4, same_body: true, .. }))));
    assert_eq!((is_known(&first).await, is_known(&second).await), (true, false));
}

pub async fn active_guests_are_paged_in_order(store: &dyn Store) {
    let mut active = Vec::new();
    for _ in 0..3 {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
        let gone = enter(store, &joining(&room, guest())).await;
        leave(store, &gone).await;
        let guest = enter(store, &joining(&room, guest())).await;
        active.extend([(room.id, owner.member), (room.id, guest.member)]);
    }
    active.sort();
    let (mut after, mut paged) = (None, Vec::new());
    loop {
        let page = store.active_guests(after, 4).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(*last);
        paged.extend(page);
    }
    assert_eq!(paged, active);
}

pub async fn an_account_is_in_many_rooms(store: &dyn Store) {
    let ada = make_account(store).await;
    assert!(store.rooms_of_account(ada.id).await.unwrap().is_empty());
    let (first, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
    let (second, _) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (own, owner) = new_room(RoomType::Group, Retention::Ephemeral);
    let owner = MemberRecord { actor: ActorId::Account(ada.id), ..owner };
    store.create_room(&own, &owner, None).await.unwrap();
    let joins = [joining_as(&first, ada.id), joining_as(&second, ada.id)];
    let joined = join(store.join_room(&joins[0]), store.join_room(&joins[1])).await;
    let (Ok(Membership::Entered(one)), Ok(Membership::Entered(two))) = joined else { panic!("{joined:?}") };
    assert_eq!(store.join_room(&joins[0]).await.unwrap(), Membership::Already(one.clone()));
    assert_eq!(store.membership(first.code, joins[0].actor).await.unwrap().1, one);

    let in_rooms = async || {
        let mut rooms = store.rooms_of_account(ada.id).await.unwrap();
        assert!(rooms.iter().all(|(room, member)| room.id == member.room));
        rooms.sort_by_key(|(room, _)| room.id);
        rooms.into_iter().map(|(_, member)| member).collect::<Vec<_>>()
    };
    let mut all = vec![one.clone(), two, owner];
    all.sort_by_key(|member| member.room);
    assert_eq!(in_rooms().await, all);
    let gone = leave(store, &one).await;
    all.retain(|member| member.room != first.id);
    assert_eq!(in_rooms().await, all);
    let places = store.places_of_account(ada.id).await.unwrap();
    let mut places: Vec<_> = places.into_iter().map(|(_, member)| member).collect();
    places.sort_by_key(|member| member.room);
    let mut also_past = [all, vec![gone.clone()]].concat();
    also_past.sort_by_key(|member| member.room);
    assert_eq!(places, also_past);
    assert_eq!(enter(store, &joins[0]).await.member, gone.member, "who comes back is the same member");
}

pub async fn a_guest_who_is_absent_leaves_and_an_account_does_not(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
    let later = now() + 60_000;
    let gone = store.leave_absent(room.id, owner.member, later).await.unwrap();
    assert_eq!((gone.presence, gone.slot, &gone.owed), (Presence::Gone, Some(0), &Some(Owed::Left)));
    assert_eq!(store.member(room.id, owner.member).await.unwrap(), gone);
    assert_eq!(store.room(room.id).await.unwrap().touched_at, later);
    assert!(is_missing(&store.leave_absent(room.id, owner.member, later).await), "left already");

    let ada = make_account(store).await;
    let member = enter(store, &joining_as(&room, ada.id)).await;
    assert!(is_missing(&store.leave_absent(room.id, member.member, later).await));
    assert_eq!(store.member(room.id, member.member).await.unwrap(), member);
    assert!(store.active_guests(None, 10).await.unwrap().is_empty(), "and it needs no lease");
}

pub async fn an_absence_beside_an_adoption_makes_no_account_leave(store: &dyn Store) {
    for _ in 0..10 {
        let ada = make_account(store).await;
        let (room, guest, member) = make_room_of_guest(store).await;
        let (left, adopted) =
            join(store.leave_absent(room.id, member.member, now()), store.adopt_guest(guest.id, ada.id, now())).await;
        let record = store.member(room.id, member.member).await.unwrap();
        assert_eq!(record.actor, ActorId::Account(ada.id));
        match (left, adopted.unwrap()) {
            (Ok(_), Adopted::Nothing) => assert_eq!(record.presence, Presence::Gone),
            (Err(StoreError::NotFound), Adopted::Member(adopted)) => {
                assert_eq!((record.presence, &record), (Presence::Active, &adopted));
            }
            other => panic!("{other:?}"),
        }
    }
}
