//! Samples for the unit tests of lists: a room, its members, and what the bus and the store have of it.

use uuid::Uuid;

use crate::{
    protocol::{
        ClientId, Epoch, Event, EventKind, MemberId, Message, MessageBody, Nickname, Person, Retention, RoomCode,
        RoomType, Seq,
    },
    server::{
        bus::{Digest, Here, LastMentions, LastMessage},
        store::{AccountId, ActorId, Gone, Head, MemberRecord, Overview, RoomId, RoomRecord},
    },
};

pub const ME: u64 = 1;
pub const ADA: u64 = 2;

pub fn person(id: u64) -> Person {
    let name = if id == ME { "Bob" } else { "Ada" };
    Person { id: MemberId::from_bits(id), name: Nickname::try_from(name).unwrap() }
}

pub fn room(retention: Retention) -> RoomRecord {
    RoomRecord {
        id: RoomId(Uuid::nil()),
        code: RoomCode::from_bits(7),
        room_type: RoomType::P2p,
        name: None,
        retention,
        peek: true,
        epoch: Epoch::from_bits(1),
        owner: person(ADA).id,
        created_at: 10,
        touched_at: 20,
        visited_at: 20,
        gone: Gone::default(),
    }
}

/// A member who joined at seq 5 and has read up to seq 6, which is message 3.
pub fn me() -> MemberRecord {
    MemberRecord {
        slot: Some(0),
        since: 5,
        owed: None,
        read: 6,
        read_n: 3,
        shown: 6,
        ..MemberRecord::new(RoomId(Uuid::nil()), person(ME), ActorId::Account(AccountId(Uuid::nil())), 20)
    }
}

pub fn digest(retention: Retention, seq: Seq, n: u64) -> Digest {
    Digest {
        epoch: Epoch::from_bits(1),
        head: seq,
        n,
        retention,
        name: None,
        members: 2,
        at: 30,
        message: Some(LastMessage { seq, n, author: person(ADA), text: "Hello".into(), deleted: false }),
        newcomer: Some((5, person(ME))),
        mentions: LastMentions::default(),
        pair: vec![person(ME), person(ADA)],
        here: Some(Here { at: 1_000, members: vec![person(ADA).id] }),
        gone: Gone::default(),
    }
}

pub fn archived(seq: Seq, n: u64, body: &str) -> Overview {
    let body = MessageBody::try_from(body).unwrap();
    let message = Message::new(n, ClientId::new(Uuid::nil()), person(ADA), body);
    Overview {
        head: Head { seq, n },
        at: 40,
        message: Some(Event { seq, at: 40, kind: EventKind::Message(message) }),
        members: 2,
        pair: vec![person(ME), person(ADA)],
        gone: Gone::default(),
    }
}
