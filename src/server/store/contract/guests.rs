//! Tests of [`Guests`](super::super::Guests) for both drivers, and of [`Store`] itself.

use super::*;

pub async fn a_guest_is_found_while_alive(store: &dyn Store) {
    let (token, seen_at) = (TokenHash([7; 32]), now() - 60_000);
    let guest = GuestRecord { id: guest(), token, nickname: None, seen_at };
    begin(store, &guest).await;
    assert_eq!(store.guest_by_token(token, seen_at).await.unwrap(), guest);
    assert!(is_missing(&store.guest_by_token(token, seen_at + 1).await));
    assert!(is_missing(&store.guest_by_token(TokenHash([8; 32]), 0).await));

    store.touch_guest(guest.id, Some(&name("Ada")), seen_at + 10).await.unwrap();
    store.touch_guest(guest.id, None, seen_at + 5).await.unwrap();
    store.touch_guest(super::guest(), None, seen_at).await.unwrap();
    let touched = GuestRecord { nickname: Some(name("Ada")), seen_at: seen_at + 10, ..guest };
    assert_eq!(store.guest_by_token(token, seen_at + 10).await.unwrap(), touched, "the name stays, time goes forward");

    assert_eq!(store.forget_guests(seen_at + 10).await.unwrap(), 0);
    assert_eq!(store.forget_guests(seen_at + 11).await.unwrap(), 1);
    assert!(is_missing(&store.guest_by_token(token, 0).await));
}

/// Stores a guest, together with a room that the guest creates.
async fn begin(store: &dyn Store, guest: &GuestRecord) {
    let (room, owner) = new_room(RoomType::Group, Retention::Ephemeral);
    let owner = MemberRecord { actor: ActorId::Guest(guest.id), ..owner };
    store.create_room(&room, &owner, Some(guest)).await.unwrap();
}

pub async fn the_store_answers_a_ping(store: &dyn Store) {
    store.ping().await.unwrap();
}

pub async fn a_guest_who_is_forgotten_leaves_neither_token_nor_mail(store: &dyn Store) {
    let [forgotten, other] = [make_room_of_guest(store).await.1, make_room_of_guest(store).await.1];
    let mails = [&forgotten, &other].map(|guest| MailRecord { guest: Some(guest.id), ..mail(None) });
    let tokens = [&forgotten, &other].map(|guest| token(Purpose::KeepRoom, ActorId::Guest(guest.id)));
    for (token, mail) in tokens.iter().zip(&mails) {
        store.put_token(token, Some(mail), now()).await.unwrap();
    }
    let leased = store.lease_mails(now(), now(), 10).await.unwrap();
    assert!(leased.iter().any(|mail| mail.guest == Some(forgotten.id)), "it is read back");
    store.forget_guest(forgotten.id).await.unwrap();
    assert!(is_missing(&store.guest_by_token(forgotten.token, 0).await));
    assert!(is_missing(&store.token(Purpose::KeepRoom, tokens[0].hash, now()).await));
    assert_eq!(outbox(store).await, [mails[1].id]);
    assert!(store.token(Purpose::KeepRoom, tokens[1].hash, now()).await.is_ok());
    store.forget_guest(forgotten.id).await.expect("again changes nothing");
}
