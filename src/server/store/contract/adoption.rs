//! Tests of [`adopt_guest`](super::super::Accounts::adopt_guest) for both drivers.

use super::*;

pub async fn a_guests_membership_and_ownership_become_the_accounts(store: &dyn Store) {
    let ada = make_account(store).await;
    let (room, guest, owner) = make_room_of_guest(store).await;
    store.project(room.id, room.epoch, &[event(7, EventKind::Joined { member: owner.person() })]).await.unwrap();
    let before = store.member(room.id, owner.member).await.unwrap();
    assert_eq!(before.since, 7);
    let token = token(Purpose::KeepRoom, ActorId::Guest(guest.id));
    store.put_token(&token, Some(&mail(None)), now()).await.unwrap();

    let adopted = store.adopt_guest(guest.id, ada.id, now()).await.unwrap();
    let expected = MemberRecord { actor: ActorId::Account(ada.id), ..before };
    assert_eq!(adopted, Adopted::Member(expected.clone()));
    assert_eq!(store.rooms_of_account(ada.id).await.unwrap(), [(room.clone(), expected.clone())]);
    assert_eq!(store.membership(room.code, ActorId::Account(ada.id)).await.unwrap(), (room.clone(), expected));
    assert_eq!(store.room(room.id).await.unwrap().owner, owner.member);
    assert!(is_missing(&store.room_of_guest(guest.id).await));
    assert!(is_missing(&store.membership(room.code, ActorId::Guest(guest.id)).await));
    assert!(is_missing(&store.guest_by_token(guest.token, 0).await));
    assert!(is_missing(&store.token(token.purpose, token.hash, now()).await));
    assert!(store.active_guests(None, 10).await.unwrap().is_empty());
}

pub async fn records_that_a_guest_left_behind_become_the_accounts(store: &dyn Store) {
    let ada = make_account(store).await;
    let (left, guest, member) = make_room_of_guest(store).await;
    let gone = leave(store, &member).await;
    let (kicked, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let removed = enter(store, &joining(&kicked, guest.id)).await;
    store.leave_room(kicked.id, removed.member, &Owed::Removed(owner.person()), now()).await.unwrap();

    assert_eq!(store.adopt_guest(guest.id, ada.id, now()).await.unwrap(), Adopted::Nothing);
    let actor = ActorId::Account(ada.id);
    assert_eq!(store.member(left.id, member.member).await.unwrap(), MemberRecord { actor, ..gone });
    assert_eq!(enter(store, &joining_as(&left, ada.id)).await.member, member.member);
    assert_eq!(conflict(&store.join_room(&joining_as(&kicked, ada.id)).await), Some(Conflict::Removed));
}

/// Creates a guest's room that an account is in, too.
async fn room_of_both(store: &dyn Store) -> (RoomRecord, GuestRecord, MemberRecord, AccountRecord, MemberRecord) {
    let ada = make_account(store).await;
    let (room, guest, member) = make_room_of_guest(store).await;
    let own = enter(store, &joining_as(&room, ada.id)).await;
    (room, guest, member, ada, own)
}

pub async fn a_guest_leaves_a_room_that_the_account_is_in(store: &dyn Store) {
    let (room, guest, member, ada, own) = room_of_both(store).await;
    let read = |record: &MemberRecord, seq, n| ReadCursor { member: record.member, seq, n, shown: seq };
    store.mark_read(room.id, &[read(&member, 7, 4), read(&own, 5, 3)]).await.unwrap();
    let at = now() + 60_000;
    let adopted = store.adopt_guest(guest.id, ada.id, at).await.unwrap();
    let (presence, owed) = (Presence::Gone, Some(Owed::Became(own.person())));
    let left =
        MemberRecord { presence, owed, slot: None, changed_at: at, read: 7, read_n: 4, shown: 7, ..member.clone() };
    assert_eq!(adopted, Adopted::Left(left.clone()));
    assert_eq!(store.member(room.id, left.member).await.unwrap(), left);
    let joined = MemberRecord { also: vec![member.member], read: 7, read_n: 4, shown: 7, ..own.clone() };
    assert_eq!(store.member(room.id, own.member).await.unwrap(), joined);
    assert_eq!(store.room(room.id).await.unwrap().touched_at, at);
    enter(store, &joining(&room, super::guest())).await;

    // Appending the events `Left` and `Owner` clears what the guest's record owes, and changes the room's owner.
    assert_eq!(store.room(room.id).await.unwrap().owner, member.member);
    let left = event(1, EventKind::Left { member: member.person() });
    let inherited = EventKind::Owner { member: own.person(), by: None, why: OwnerChange::Inherited };
    assert!(append_settling(store, &room, &[left, event(2, inherited)]).await);
    assert_eq!(store.member(room.id, member.member).await.unwrap().owed, None);
    assert_eq!(store.room(room.id).await.unwrap().owner, own.member);

    // `anonymize_events` and `delete_account` also apply to the guest's member id. Leaving and coming back keeps
    // `also`.
    let said =
        [said(3, 1, &member.person(), client_id(), "As a guest"), said(4, 2, &own.person(), client_id(), "As Ada")];
    append(store, &room, &said).await;
    leave(store, &own).await;
    assert_eq!(enter(store, &joining_as(&room, ada.id)).await.also, [member.member]);
    let (nobody, erased) = (name("Deleted account"), MessageBody::try_from("Erased.").unwrap());
    assert_eq!(store.anonymize_events(ada.id, &nobody, Some(&erased)).await.unwrap(), [room.id]);
    for event in store.events_after(room.id, 2, 10).await.unwrap() {
        let message = event.message().unwrap();
        assert_eq!((&message.author.name, &message.body), (&nobody, &erased));
    }
    leave(store, &own).await;
    store.delete_account(ada.id, &nobody).await.unwrap();
    assert_eq!(store.member(room.id, member.member).await.unwrap().name, nobody);
}

pub async fn an_account_that_had_left_goes_on_in_its_guests_place(store: &dyn Store) {
    let (room, guest, member, ada, own) = room_of_both(store).await;
    let gone = leave(store, &own).await;
    let adopted = store.adopt_guest(guest.id, ada.id, now()).await.unwrap();
    let expected = MemberRecord { actor: ActorId::Account(ada.id), also: vec![own.member], ..member.clone() };
    assert_eq!(adopted, Adopted::Member(expected.clone()));
    let (found, kept) = store.membership(room.code, ActorId::Account(ada.id)).await.unwrap();
    assert_eq!((found.owner, kept), (room.owner, expected), "the place, the owner and what was read are as they were");
    let before = store.member(room.id, own.member).await.unwrap();
    assert_eq!(before, MemberRecord { actor: ActorId::Guest(guest.id), ..gone });
    assert_eq!(store.places_of_account(ada.id).await.unwrap().len(), 1);
}

pub async fn an_account_that_was_removed_comes_back_only_by_a_guest_who_owns_the_room(store: &dyn Store) {
    let (room, guest, owner, ada, own) = room_of_both(store).await;
    let by_owner = Owed::Removed(owner.person());
    store.leave_room(room.id, own.member, &by_owner, now()).await.unwrap();
    let Adopted::Member(back) = store.adopt_guest(guest.id, ada.id, now()).await.unwrap() else {
        panic!("it is Ada's")
    };
    assert_eq!((back.member, back.presence), (owner.member, Presence::Active), "who removed themselves");

    let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let (ada, guest) = (make_account(store).await, new_guest());
    let own = enter(store, &joining_as(&room, ada.id)).await;
    store.leave_room(room.id, own.member, &Owed::Removed(owner.person()), now()).await.unwrap();
    let newcomer = Joining { newcomer: Some(guest.clone()), ..joining(&room, guest.id) };
    let member = enter(store, &newcomer).await;
    let Adopted::Left(left) = store.adopt_guest(guest.id, ada.id, now()).await.unwrap() else {
        panic!("it is nobody's")
    };
    assert_eq!((left.member, left.presence, left.owed), (member.member, Presence::Gone, Some(Owed::Left)));
    let (_, kept) = store.membership(room.code, ActorId::Account(ada.id)).await.unwrap();
    assert_eq!((kept.presence, kept.also), (Presence::Removed, vec![member.member]));
    assert_eq!(conflict(&store.join_room(&joining_as(&room, ada.id)).await), Some(Conflict::Removed));
}

pub async fn whoever_was_removed_as_either_stays_removed(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let (ada, guest) = (make_account(store).await, new_guest());
    let own = enter(store, &joining_as(&room, ada.id)).await;
    leave(store, &own).await;
    let newcomer = Joining { newcomer: Some(guest.clone()), ..joining(&room, guest.id) };
    let member = enter(store, &newcomer).await;
    store.leave_room(room.id, member.member, &Owed::Removed(owner.person()), now()).await.unwrap();
    assert_eq!(store.adopt_guest(guest.id, ada.id, now()).await.unwrap(), Adopted::Nothing);
    assert_eq!(conflict(&store.join_room(&joining_as(&room, ada.id)).await), Some(Conflict::Removed));
}

pub async fn what_a_guest_owned_in_an_empty_room_the_account_owns(store: &dyn Store) {
    let (room, guest, owner, ada, own) = room_of_both(store).await;
    leave(store, &own).await;
    leave(store, &owner).await;
    assert_eq!(store.adopt_guest(guest.id, ada.id, now()).await.unwrap(), Adopted::Nothing);
    assert_eq!(enter(store, &joining_as(&room, ada.id)).await.member, room.owner);

    // The reverse: a room that the account owns stays the account's.
    let ada = make_account(store).await;
    let (room, owner) = new_room(RoomType::Group, Retention::Ephemeral);
    let owner = MemberRecord { actor: ActorId::Account(ada.id), ..owner };
    store.create_room(&room, &owner, None).await.unwrap();
    let guest = new_guest();
    let newcomer = Joining { newcomer: Some(guest.clone()), ..joining(&room, guest.id) };
    let member = enter(store, &newcomer).await;
    for record in [&owner, &member] {
        leave(store, record).await;
    }
    store.adopt_guest(guest.id, ada.id, now()).await.unwrap();
    let back = enter(store, &joining_as(&room, ada.id)).await;
    assert_eq!((back.member, back.also), (room.owner, vec![member.member]));
}

pub async fn of_two_who_adopt_one_guest_at_once_one_does(store: &dyn Store) {
    for _ in 0..10 {
        let (one, two) = (make_account(store).await, make_account(store).await);
        let (room, guest, _) = make_room_of_guest(store).await;
        let adoptions =
            join(store.adopt_guest(guest.id, one.id, now()), store.adopt_guest(guest.id, two.id, now())).await;
        let (winner, member) = match adoptions {
            (Ok(Adopted::Member(member)), Ok(Adopted::Nothing)) => (one, member),
            (Ok(Adopted::Nothing), Ok(Adopted::Member(member))) => (two, member),
            other => panic!("{other:?}"),
        };
        assert_eq!(store.rooms_of_account(winner.id).await.unwrap(), [(room, member)]);
    }
}

pub async fn an_unknown_guest_or_account_changes_nothing(store: &dyn Store) {
    let ada = make_account(store).await;
    let (room, member) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let forgotten = guest_of(&member);
    assert_eq!(store.adopt_guest(forgotten, ada.id, now()).await.unwrap(), Adopted::Nothing);
    assert_eq!(store.member(room.id, member.member).await.unwrap(), member);

    let (room, guest, member) = make_room_of_guest(store).await;
    assert!(is_missing(&store.adopt_guest(guest.id, AccountId(Uuid::new_v4()), now()).await));
    assert_eq!(store.room_of_guest(guest.id).await.unwrap(), (room, member));
    assert_eq!(store.guest_by_token(guest.token, 0).await.unwrap(), guest);
}
