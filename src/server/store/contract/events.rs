//! Tests of [`Events`](super::super::Events) for both drivers.

use super::*;

pub async fn events_are_read_back_as_they_were_written(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (ada, eve) = (owner.person(), Person { id: MemberId::from_bits(u64::MAX), name: name("Eve 👩‍👩‍👧‍👦") });
    let written = [
        event(1, EventKind::Joined { member: ada.clone() }),
        event(2, EventKind::Joined { member: eve.clone() }),
        said(3, 1, &eve, client_id(), "two\nlines, “quotes”, \\ and \t $dollar.dot \u{1F980}"),
        event(4, EventKind::Renamed { name: Some(room_name("$et.theory")), by: ada.clone() }),
        event(5, EventKind::Removed { member: eve, by: ada.clone() }),
        event(6, EventKind::Renamed { name: None, by: ada.clone() }),
        event(7, EventKind::RetentionChanged { retention: Retention::Ephemeral, by: ada.clone(), n: 0 }),
        event(8, EventKind::Left { member: ada }),
    ];
    let EventKind::Message(message) = said(9, 2, &owner.person(), client_id(), "a reply").kind else { unreachable!() };
    let reply = Message { reply_to: Some(target(&written[2])), ..message.clone() };
    let mentions = Message { n: 3, id: client_id(), mentions: vec![owner.person()], ..message.clone() };
    let of_everyone = Message { n: 4, id: client_id(), everyone: true, ..message };
    let more = [reply, mentions, of_everyone].into_iter().zip(9..);
    let more = more.map(|(message, seq)| event(seq, EventKind::Message(message)));
    let written: Vec<Event> = written.into_iter().chain(more).collect();
    append(store, &room, &written).await;
    assert_eq!(store.events_after(room.id, 0, 100).await.unwrap(), written);
}

pub async fn every_kind_is_kept_with_its_effects(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let bob = enter(store, &joining(&room, guest())).await;
    let events = every_kind(&bob.person(), &owner.person());
    append(store, &room, &events).await;
    assert_eq!(store.events_after(room.id, 0, 100).await.unwrap(), in_the_end(&events));
    let RoomRecord { name, peek, owner: owned_by, retention, gone, .. } = store.room(room.id).await.unwrap();
    assert_eq!((name, peek, owned_by), (Some(room_name("Ada")), false, bob.member));
    assert_eq!((retention, gone.after(0)), (Retention::Preserved, 1));
    let said = store.messages_by(room.id, bob.member, 0, 100).await.unwrap();
    assert_eq!(said.iter().map(Event::text).collect::<Vec<_>>(), ["Of Ada, changed"], "as it is taken out");
    assert_eq!(store.head(room.id).await.unwrap(), Head { seq: 13, n: 2 });
}

pub async fn texts_of_an_older_rule_are_read_back(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let nobody = Person { id: member_id(), name: Nickname::stored("\u{FFA0}") };
    let message = Message::new(1, client_id(), nobody.clone(), MessageBody::stored("\u{200B}"));
    let unseen = Some(RoomName::stored("\u{34F}\u{202E}"));
    let written = [
        event(1, EventKind::Joined { member: nobody }),
        event(2, EventKind::Message(message)),
        event(3, EventKind::Renamed { name: unseen.clone(), by: owner.person() }),
    ];
    append(store, &room, &written).await;
    assert_eq!(store.events_after(room.id, 0, 100).await.unwrap(), written);
    assert_eq!(store.room(room.id).await.unwrap().name, unseen);

    let named = Joining { name: Some(Nickname::stored("Ada\u{34F}")), ..joining(&room, guest()) };
    let record = enter(store, &named).await;
    assert_eq!(
        store
            .members(room.id)
            .await
            .unwrap()
            .into_iter()
            .find(|member| member.member == record.member)
            .unwrap()
            .name
            .as_str(),
        "Ada\u{34F}"
    );
}

pub async fn a_kind_of_a_later_version_is_kept_as_it_is(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let later = r#"{"danced":{"by":{"id":7,"name":"Ada"},"to":["\u2028",1.5,null,{}],"with":{}}}"#;
    let kinds = [EventKind::Joined { member: owner.person() }, serde_json::from_str(later).unwrap()];
    let events: Vec<_> = kinds.into_iter().zip(1..).map(|(kind, seq)| event(seq, kind)).collect();
    append(store, &room, &events).await;
    for read in
        [store.events_after(room.id, 0, 9).await.unwrap(), store.events_before(room.id, Some(3), 9).await.unwrap()]
    {
        let danced = read.iter().find(|event| event.seq == 2).unwrap();
        assert_eq!(serde_json::to_string(&danced.kind).unwrap().replace('\u{2028}', "\\u2028"), later);
        assert_eq!(read.len(), 2);
    }
    assert_eq!(store.head(room.id).await.unwrap(), Head { seq: 2, n: 0 });
}

pub async fn an_append_behind_another_stores_nothing(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let first: Vec<_> = (1..=3).map(|seq| said(seq, seq, &owner.person(), client_id(), "first")).collect();
    append(store, &room, &first).await;
    let taken = Appended { stored: 0, stopped: Some(Stopped::SeqTaken), settled: true };
    let messages: Vec<_> = (3..=5).map(|seq| said(seq, seq, &owner.person(), client_id(), "late")).collect();
    assert_eq!(store.append(room.id, room.epoch, &messages).await.unwrap(), taken);
    let mut mixed = messages;
    mixed[1] = event(4, EventKind::Renamed { name: Some(room_name("Late")), by: owner.person() });
    assert_eq!(store.append(room.id, room.epoch, &mixed).await.unwrap(), taken);
    assert_eq!(store.events_after(room.id, 0, 100).await.unwrap(), first);
    assert_eq!(store.room(room.id).await.unwrap().name, room.name);
}

pub async fn an_append_stops_at_a_used_id_and_keeps_what_came_before(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (ada, id) = (owner.person(), client_id());
    let original = said(1, 1, &ada, id, "hello");
    append(store, &room, std::slice::from_ref(&original)).await;

    let again = [said(2, 2, &ada, client_id(), "a"), said(3, 3, &ada, id, "hello"), said(4, 4, &ada, client_id(), "b")];
    let same = Earlier { index: 1, seq: 1, at: original.at, same_body: true };
    let stopped = store.append(room.id, room.epoch, &again).await.unwrap();
    assert_eq!(stopped, Appended { stored: 1, stopped: Some(Stopped::IdTaken(same)), settled: true });
    assert_eq!(store.head(room.id).await.unwrap(), Head { seq: 2, n: 2 });

    // The same with events that change records, and with another body.
    let renamed = event(3, EventKind::Renamed { name: Some(room_name("New")), by: ada.clone() });
    let left = event(5, EventKind::Left { member: ada.clone() });
    let stopped = store.append(room.id, room.epoch, &[renamed, said(4, 3, &ada, id, "other"), left]).await.unwrap();
    let other = Earlier { same_body: false, ..same };
    assert_eq!(stopped, Appended { stored: 1, stopped: Some(Stopped::IdTaken(other)), settled: true });
    assert_eq!(store.head(room.id).await.unwrap(), Head { seq: 3, n: 2 });
    assert_eq!(store.room(room.id).await.unwrap().name, Some(room_name("New")));

    // One id twice in one batch.
    let id = client_id();
    let joined = event(4, EventKind::Joined { member: ada.clone() });
    let twice = [joined, said(5, 3, &ada, id, "x"), said(6, 4, &ada, id, "x")];
    let stopped = store.append(room.id, room.epoch, &twice).await.unwrap();
    let first = Earlier { index: 2, seq: 5, at: twice[1].at, same_body: true };
    assert_eq!(stopped, Appended { stored: 2, stopped: Some(Stopped::IdTaken(first)), settled: true });

    // Another author may use the same id, and so may the same author in another room.
    let eve = Person { id: member_id(), name: name("Eve") };
    append(store, &room, &[said(6, 4, &eve, id, "x")]).await;
    let (elsewhere, _) = make_room(store, RoomType::Group, Retention::Preserved).await;
    append(store, &elsewhere, &[said(1, 1, &ada, id, "x")]).await;
}

pub async fn a_used_id_is_found_without_an_append(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (ada, eve) = (owner.person(), Person { id: member_id(), name: name("Eve") });
    let ids = [client_id(), client_id(), client_id()];
    let first = [said(1, 1, &ada, ids[0], "hello"), said(2, 2, &ada, ids[1], "there"), said(3, 3, &eve, ids[2], "hi")];
    append(store, &room, &first).await;
    let renamed = event(4, EventKind::Renamed { name: None, by: ada.clone() });
    let fresh = said(5, 4, &ada, client_id(), "new");
    let earlier = async |events: &[Event]| store.earlier(room.id, events).await.unwrap();
    assert_eq!(earlier(&[]).await, None);
    assert_eq!(earlier(std::slice::from_ref(&renamed)).await, None);
    assert_eq!(earlier(&[renamed.clone(), fresh.clone()]).await, None);
    // Ids are unique for each author, so the id of another author's message is no match.
    assert_eq!(earlier(&[said(4, 4, &eve, ids[0], "hello"), said(5, 5, &ada, ids[2], "hi")]).await, None);
    let again = [renamed, fresh, said(6, 5, &ada, ids[1], "there"), said(7, 6, &ada, ids[0], "hello")];
    assert_eq!(earlier(&again).await, Some(Earlier { index: 2, seq: 2, at: first[1].at, same_body: true }));
    let other = Earlier { index: 0, seq: 3, at: first[2].at, same_body: false };
    assert_eq!(earlier(&[said(4, 4, &eve, ids[2], "other")]).await, Some(other));
    let (elsewhere, _) = make_room(store, RoomType::Group, Retention::Preserved).await;
    assert_eq!(store.earlier(elsewhere.id, &again).await.unwrap(), None);
    assert_eq!(store.head(room.id).await.unwrap(), Head { seq: 3, n: 3 });
}

pub async fn racing_appenders_leave_no_gap_and_no_double(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let person = owner.person();
    // Each appender stores 30 events in batches of one to three, some with effects on records. It computes seqs from
    // the last head that it has read.
    let appender = async |number: usize| {
        let (mut head, mut sent) = (Head::default(), Vec::new());
        while sent.len() < 30 {
            let batch: Vec<_> = (1..=1 + sent.len() as u64 % 3)
                .map(|k| match (number, k) {
                    (0, 2) => event(head.seq + k, EventKind::Renamed { name: None, by: person.clone() }),
                    _ => said(head.seq + k, head.n + k, &person, client_id(), "race"),
                })
                .collect();
            let appended = store.append(room.id, room.epoch, &batch).await.unwrap();
            sent.extend_from_slice(&batch[..appended.stored]);
            assert_eq!(appended.stopped, (appended.stored < batch.len()).then_some(Stopped::SeqTaken));
            let before = head.seq + appended.stored as u64;
            head = store.head(room.id).await.unwrap();
            assert!(head.seq > before || appended.stopped.is_none(), "what took the seq can be read");
        }
        sent
    };
    let sent = join_all((0..3).map(appender)).await;
    let mut sent: Vec<_> = sent.into_iter().flatten().collect();
    sent.sort_by_key(|event| event.seq);
    assert!(sent.iter().map(|event| event.seq).eq(1..=sent.len() as u64), "a gap or a double");
    assert_eq!(store.events_after(room.id, 0, 1_000).await.unwrap(), sent);
}

pub async fn of_many_appends_at_once_each_is_stopped_by_itself(store: &dyn Store) {
    let rooms = join_all((0..30).map(|_| make_room(store, RoomType::Group, Retention::Preserved))).await;
    let first: Vec<_> = rooms.iter().map(|(_, owner)| said(1, 1, &owner.person(), client_id(), "first")).collect();
    for ((room, _), first) in rooms.iter().zip(&first) {
        append(store, room, std::slice::from_ref(first)).await;
    }
    let attempts = rooms.iter().zip(&first).enumerate().map(|(i, ((_, owner), first))| {
        let from = if i % 3 == 1 { 1 } else { 2 };
        let mut batch: Vec<_> =
            (from..from + 3).map(|seq| said(seq, seq, &owner.person(), client_id(), "then")).collect();
        if i % 3 == 2 {
            batch[1].kind = first.kind.clone();
        }
        let stopped = match i % 3 {
            1 => Some(Stopped::SeqTaken),
            2 => Some(Stopped::IdTaken(Earlier { index: 1, seq: 1, at: first.at, same_body: true })),
            _ => None,
        };
        (batch, Appended { stored: [3, 0, 1][i % 3], stopped, settled: true })
    });
    let attempts: Vec<_> = attempts.collect();
    let appended =
        join_all(rooms.iter().zip(&attempts).map(|((room, _), (batch, _))| store.append(room.id, room.epoch, batch)));
    for (((room, _), (batch, expected)), (appended, first)) in
        rooms.iter().zip(&attempts).zip(appended.await.into_iter().zip(&first))
    {
        assert_eq!(appended.unwrap(), *expected);
        let kept = [std::slice::from_ref(first), &batch[..expected.stored]].concat();
        assert_eq!(store.events_after(room.id, 0, 100).await.unwrap(), kept);
    }
}

pub async fn effects_of_events_reach_the_records(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let (ada, epoch) = (owner.person(), Epoch::from_bits(77));
    let events = [
        event(1, EventKind::RetentionChanged { retention: Retention::Preserved, by: ada.clone(), n: 0 }),
        said(2, 1, &ada, client_id(), "kept"),
        event(3, EventKind::Renamed { name: Some(room_name("Kept")), by: ada.clone() }),
    ];
    let appended = store.append(room.id, epoch, &events).await.unwrap();
    assert_eq!(appended, Appended { stored: 3, stopped: None, settled: true });
    let changed = RoomRecord { retention: Retention::Preserved, epoch, name: Some(room_name("Kept")), ..room };
    assert_eq!(store.room(changed.id).await.unwrap(), changed);
    assert_eq!(store.room_by_code(changed.code).await.unwrap(), changed);
    append(store, &changed, &[event(4, EventKind::Renamed { name: None, by: ada })]).await;
    assert_eq!(store.room(changed.id).await.unwrap().name, None);
    let peek_changed = |peek| EventKind::PeekChanged { peek, by: owner.person() };
    append(store, &changed, &[event(5, peek_changed(false))]).await;
    assert!(!store.room(changed.id).await.unwrap().peek);
    append(store, &changed, &[event(6, peek_changed(true))]).await;
    assert!(store.room(changed.id).await.unwrap().peek);
    let heir = enter(store, &joining(&changed, guest())).await;
    let inherited = EventKind::Owner { member: heir.person(), by: None, why: OwnerChange::Inherited };
    append(store, &changed, &[event(7, inherited)]).await;
    assert_eq!(store.room(changed.id).await.unwrap().owner, heir.member);
}

pub async fn projecting_has_the_effects_and_stores_nothing(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let (ada, heir) = (owner.person(), enter(store, &joining(&room, guest())).await);
    let events = [
        event(5, EventKind::Joined { member: ada.clone() }),
        said(6, 1, &ada, client_id(), "not kept"),
        event(7, EventKind::Renamed { name: Some(room_name("Named")), by: ada.clone() }),
        event(8, EventKind::Owner { member: heir.person(), by: Some(ada), why: OwnerChange::Given }),
        event(9, EventKind::PeekChanged { peek: false, by: owner.person() }),
        event(10, serde_json::from_str(r#"{"danced":{"with":[1]}}"#).unwrap()),
    ];
    assert!(store.project(room.id, room.epoch, &events).await.unwrap(), "they owed it");
    assert!(store.project(room.id, room.epoch, &events[1..2]).await.unwrap(), "nobody owes a message");
    assert!(!store.project(room.id, room.epoch, &events).await.unwrap(), "they owe it no more");
    let RoomRecord { name, owner: owned_by, peek, .. } = store.room(room.id).await.unwrap();
    assert_eq!((name, owned_by, peek), (Some(room_name("Named")), heir.member, false));
    let member = store.member(room.id, owner.member).await.unwrap();
    assert_eq!((member.since, member.owed), (5, None));
    assert!(store.events_before(room.id, None, 10).await.unwrap().is_empty());
    assert_eq!(store.head(room.id).await.unwrap(), Head::default());
}

pub async fn a_touch_changes_its_message_and_leaves_no_earlier_text(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (ada, bob) = (owner.person(), Person { id: member_id(), name: name("Bob") });
    let said = [said(1, 1, &bob, client_id(), "One"), said(2, 2, &bob, client_id(), "Two")];
    append(store, &room, &said).await;
    let touches = [edited(3, &said[0], "Uno"), edited(4, &said[0], "Eins"), deleted(5, &said[1], &ada)];
    append(store, &room, &touches[..1]).await;
    append(store, &room, &touches[1..]).await;

    let mut expected = [&said[..], &touches[..]].concat();
    for touch in &touches {
        expected[..2].iter_mut().for_each(|message| _ = message.fold(touch));
    }
    expected[2].void();
    assert_eq!(store.events_after(room.id, 0, 9).await.unwrap(), expected);
    assert_eq!(store.messages_by(room.id, bob.id, 0, 9).await.unwrap(), expected[..2]);
    let mut some = store.events_at(room.id, &[2, 4, 90]).await.unwrap();
    some.sort_by_key(|event| event.seq);
    assert_eq!(some, [expected[1].clone(), expected[3].clone()]);
    assert!(store.events_at(room.id, &[]).await.unwrap().is_empty());
    let messages: Vec<&Message> = expected.iter().filter_map(Event::message).collect();
    assert_eq!((messages[0].body.as_str(), messages[0].edited.unwrap().times), ("Eins", 2));
    assert_eq!((messages[1].body.as_str(), &messages[1].deleted), ("", &Some(ada.clone())));
    assert_eq!(store.head(room.id).await.unwrap(), Head { seq: 5, n: 2 }, "touches are no messages");
    let gone = store.room(room.id).await.unwrap().gone;
    assert_eq!((gone.after(1), gone.after(2), gone.contains(2)), (1, 0, true));
    let overviews = store.overviews(&[room.id]).await.unwrap();
    let Overview { message, gone, .. } = &overviews[0].1;
    assert_eq!(message.as_ref(), Some(&expected[1]), "lists show the last message as it is");
    assert_eq!(*gone, store.room(room.id).await.unwrap().gone);

    append(store, &room, &[deleted(6, &said[0], &bob)]).await;
    let read = store.events_after(room.id, 0, 9).await.unwrap();
    assert!(read.iter().all(|event| event.text().is_empty()), "{read:?}");
    assert_eq!(store.room(room.id).await.unwrap().gone.after(0), 2);
}

pub async fn a_touch_of_what_is_not_there_or_deleted_changes_nothing(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let ada = owner.person();
    let first = said(1, 1, &ada, client_id(), "One");
    append(store, &room, std::slice::from_ref(&first)).await;
    let other = said(1, 1, &ada, client_id(), "Another message with this seq");
    let far = said(40, 1, &ada, client_id(), "Not there");
    append(store, &room, &[edited(2, &other, "Changed"), deleted(3, &far, &ada)]).await;
    assert_eq!(store.events_before(room.id, Some(2), 1).await.unwrap(), std::slice::from_ref(&first));

    // An edit that was judged before the deletion was read.
    append(store, &room, &[deleted(4, &first, &ada)]).await;
    append(store, &room, &[edited(5, &first, "Too late")]).await;
    let read = store.events_after(room.id, 0, 9).await.unwrap();
    assert_eq!((read[0].text(), read[4].text()), ("", ""), "its text is not kept");

    // The touches of an ephemeral time change what is archived, and are not stored.
    let second = said(6, 2, &ada, client_id(), "Two");
    append(store, &room, std::slice::from_ref(&second)).await;
    assert!(store.project(room.id, room.epoch, &[deleted(90, &second, &ada)]).await.unwrap());
    let last = store.events_before(room.id, None, 1).await.unwrap();
    assert_eq!((last[0].seq, last[0].text(), last[0].message().unwrap().rev), (6, "", 90));
}

pub async fn reactions_are_in_each_message_that_they_are_about(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let ada = owner.person();
    let said = [said(1, 1, &ada, client_id(), "One"), said(2, 2, &ada, client_id(), "Two")];
    append(store, &room, &said).await;
    let crowd: Vec<MemberId> = (0..60).map(|_| member_id()).collect();
    let (thumbs, heart) = (reacted(3, &said[0], "👍", &crowd), reacted(3, &said[1], "❤️", &[ada.id]));
    let (EventKind::Reacted { mut changes }, EventKind::Reacted { changes: others }) = (thumbs.kind, heart.kind) else {
        unreachable!()
    };
    changes.extend(others);
    let off = ReactionChange { on: false, who: vec![crowd[0], crowd[59]], ..changes[0].clone() };
    let later = |event: Event| Event { at: event.at + 1_000, ..event };
    let touches = [
        later(event(3, EventKind::Reacted { changes })),
        later(edited(4, &said[0], "Uno")),
        later(event(5, EventKind::Reacted { changes: vec![off] })),
    ];
    for touch in &touches {
        append(store, &room, std::slice::from_ref(touch)).await;
    }
    let expected = in_the_end(&[&said[..], &touches[..]].concat());
    assert_eq!(store.events_after(room.id, 0, 9).await.unwrap(), expected, "the edit keeps its text");
    let reactions = |of: &Event| of.message().unwrap().reactions.clone();
    assert_eq!(store.overviews(&[room.id]).await.unwrap()[0].1.at, said[1].at, "no reaction moves a room in a list");
    let [thumbs] = &reactions(&expected[0])[..] else { panic!("one emoji") };
    assert_eq!((thumbs.n, thumbs.who.len(), thumbs.more.len()), (58, 49, 9), "everybody is known");
    assert_eq!(reactions(&expected[1])[0].who, [ada.id]);

    append(store, &room, &[deleted(6, &said[0], &ada)]).await;
    assert!(reactions(&store.events_at(room.id, &[1]).await.unwrap()[0]).is_empty());
}

pub async fn a_message_that_was_changed_is_recognised_by_its_id(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let ada = owner.person();
    let first = said(1, 1, &ada, client_id(), "One");
    append(store, &room, std::slice::from_ref(&first)).await;
    let again = |seq| said(seq, 2, &ada, first.message().unwrap().id, "One");
    let same = Earlier { index: 0, seq: 1, at: first.at, same_body: true };
    for touch in [edited(2, &first, "Uno"), deleted(3, &first, &ada)] {
        let next = touch.seq + 1;
        append(store, &room, &[touch]).await;
        let stopped = store.append(room.id, room.epoch, &[again(next)]).await.unwrap();
        assert_eq!(stopped, Appended { stored: 0, stopped: Some(Stopped::IdTaken(same)), settled: true });
        assert_eq!(store.earlier(room.id, &[again(next)]).await.unwrap(), Some(same));
    }
}

pub async fn history_pages_both_ways(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let all: Vec<_> = (1..=20).map(|seq| said(seq, seq, &owner.person(), client_id(), "page")).collect();
    append(store, &room, &all).await;
    let seqs = |events: Vec<Event>| events.iter().map(|event| event.seq).collect::<Vec<_>>();
    assert_eq!(seqs(store.events_after(room.id, 0, 3).await.unwrap()), [1, 2, 3]);
    assert_eq!(seqs(store.events_after(room.id, 18, 3).await.unwrap()), [19, 20]);
    assert!(store.events_after(room.id, 20, 3).await.unwrap().is_empty());
    assert_eq!(seqs(store.events_before(room.id, None, 3).await.unwrap()), [20, 19, 18]);
    assert_eq!(seqs(store.events_before(room.id, Some(18), 2).await.unwrap()), [17, 16]);
    assert_eq!(seqs(store.events_before(room.id, Some(3), 9).await.unwrap()), [2, 1]);
    assert!(store.events_before(room.id, Some(1), 9).await.unwrap().is_empty());
}

pub async fn heads_tell_where_each_archive_ends(store: &dyn Store) {
    let (long, ada) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (short, eve) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (empty, _) = make_room(store, RoomType::Group, Retention::Preserved).await;
    append(store, &long, &[said(1, 1, &ada.person(), client_id(), "1"), said(2, 2, &ada.person(), client_id(), "2")])
        .await;
    append(store, &long, &[event(3, EventKind::Left { member: ada.person() })]).await;
    append(store, &short, &[event(1, EventKind::Joined { member: eve.person() })]).await;
    let mut heads = store.heads(&[long.id, empty.id, short.id]).await.unwrap();
    heads.sort_by_key(|(_, head)| head.seq);
    assert_eq!(heads, [(short.id, Head { seq: 1, n: 0 }), (long.id, Head { seq: 3, n: 2 })]);
    assert_eq!(store.head(long.id).await.unwrap(), Head { seq: 3, n: 2 });
    assert!(store.heads(&[]).await.unwrap().is_empty());
}

pub async fn what_one_member_said_is_read_without_the_rest(store: &dyn Store) {
    let (room, ada) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (other, _) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let bob = enter(store, &joining(&room, guest())).await;
    let by = |seq: Seq, person: &MemberRecord| said(seq, seq, &person.person(), client_id(), "Hello");
    let renamed = event(3, EventKind::Renamed { name: None, by: ada.person() });
    let events = [by(1, &ada), by(2, &bob), renamed, by(4, &ada), by(5, &bob), by(6, &ada)];
    append(store, &room, &events).await;
    append(store, &other, &[by(1, &ada)]).await;

    let said =
        async |room: &RoomRecord, after, through| store.messages_by(room.id, ada.member, after, through).await.unwrap();
    assert_eq!(said(&room, 0, 100).await, [events[0].clone(), events[3].clone(), events[5].clone()]);
    assert_eq!(said(&room, 1, 5).await, [events[3].clone()]);
    assert!(said(&room, 6, 100).await.is_empty() && said(&room, 4, 4).await.is_empty());
    assert_eq!(store.messages_by(room.id, bob.member, 0, 2).await.unwrap(), [events[1].clone()]);
}
