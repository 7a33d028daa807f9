//! Stories of guests, and of the store as a whole.

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

/// Keeps a guest, who makes a room for it.
async fn begin(store: &dyn Store, guest: &GuestRecord) {
    let (room, owner) = new_room(RoomType::Group, Retention::Ephemeral);
    let owner = MemberRecord { actor: ActorId::Guest(guest.id), ..owner };
    store.create_room(&room, &owner, Some(guest)).await.unwrap();
}

pub async fn the_store_answers_a_ping(store: &dyn Store) {
    store.ping().await.unwrap();
}
