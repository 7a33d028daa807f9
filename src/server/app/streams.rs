//! Streams: the open streams of Server-Sent Events of this node, and what their clients post to them.
//!
//! A client posts to the address that its stream begins with. The request may reach any node. The node that has the
//! stream queues the frames for it, and any other node passes them on over the bus. A client counts its posts. One that
//! comes again changes nothing, and a gap ends the stream: the client opens another one and sends again what has no
//! answer, so its frames keep their order.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Buf, BufMut, Bytes};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::server::{
    bus::{self, Bus},
    random,
    store::{AccountId, ActorId, GuestId},
};

/// Posts that wait for a stream's reader. Beyond that, a request waits, and a post of another node ends the stream.
const QUEUE: usize = 2;

/// The streams of a node. Cloning is cheap.
#[derive(Clone)]
pub struct Streams {
    bus: Arc<dyn Bus>,
    held: Arc<Mutex<HashMap<u128, Held>>>,
}

struct Held {
    actor: ActorId,
    /// The number of the next post.
    next: u64,
    posts: mpsc::Sender<Bytes>,
}

/// A stream that takes posts until this is dropped.
pub struct OpenStream {
    streams: Streams,
    address: StreamAddress,
}

/// Where a client posts: the node that has its stream, and a secret, which is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamAddress {
    node: Uuid,
    secret: u128,
}

/// A post of a client to its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Who has posted it.
    pub actor: ActorId,
    /// The posts of the stream before this one.
    pub n: u64,
    /// The frames, as bytes on the wire.
    pub frames: Bytes,
}

impl StreamAddress {
    /// Reads an address from its text. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (node, secret) = text.split_once('.')?;
        let address = Self { node: Uuid::try_parse(node).ok()?, secret: u128::from_str_radix(secret, 16).ok()? };
        // Each address has exactly one text.
        Some(address).filter(|address| address.to_string() == text)
    }
}

impl fmt::Display for StreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:032x}", self.node.simple(), self.secret)
    }
}

impl Streams {
    /// No streams yet, of the node on this bus.
    pub fn new(bus: Arc<dyn Bus>) -> Self {
        Self { bus, held: Arc::default() }
    }

    /// Adds a stream of a person. Returns it and the frames that will be posted to it.
    pub fn open(&self, actor: ActorId) -> (OpenStream, mpsc::Receiver<Bytes>) {
        let (posts, queue) = mpsc::channel(QUEUE);
        let address = StreamAddress { node: self.bus.node(), secret: random::secret() };
        self.held().insert(address.secret, Held { actor, next: 0, posts });
        (OpenStream { streams: self.clone(), address }, queue)
    }

    /// Passes a post to the stream of this address, on whichever node that is. Waits while the stream has enough to
    /// read. Returns whether the stream is there and is the poster's. Of a stream on another node, it is only known
    /// that the node is there.
    pub async fn post(&self, address: StreamAddress, post: Post) -> bus::Result<bool> {
        if address.node != self.bus.node() {
            return self.bus.post(address.node, encode(address.secret, &post)).await;
        }
        let posts =
            self.held().get(&address.secret).filter(|held| held.actor == post.actor).map(|held| held.posts.clone());
        let Some(posts) = posts else { return Ok(false) };
        let place = posts.reserve().await.ok();
        Ok(place.is_some_and(|place| self.take(address.secret, post, |frames| place.send(frames))))
    }

    /// Takes a post that came over the bus. It cannot wait: a stream without a place for it ends.
    pub fn deliver(&self, message: Bytes) {
        let Some((secret, post)) = decode(message) else { return };
        let posts = self.held().get(&secret).map(|held| held.posts.clone());
        let Some(posts) = posts else { return };
        match posts.try_reserve() {
            Ok(place) => _ = self.take(secret, post, |frames| place.send(frames)),
            Err(_) => _ = self.held().remove(&secret),
        }
    }

    /// Hands the frames of a post on, if it is the next one of its stream.
    fn take(&self, secret: u128, post: Post, hand_on: impl FnOnce(Bytes)) -> bool {
        let mut streams = self.held();
        let Some(held) = streams.get_mut(&secret).filter(|held| held.actor == post.actor) else { return false };
        if post.n > held.next {
            streams.remove(&secret);
            return false;
        }
        if post.n == held.next {
            held.next += 1;
            hand_on(post.frames);
        }
        true
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u128, Held>> {
        // Each change leaves the map consistent, so a panic of another holder does no harm.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenStream {
    /// Where the client posts.
    pub fn address(&self) -> StreamAddress {
        self.address
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.streams.held().remove(&self.address.secret);
    }
}

/// Bytes of a message on the bus before its frames: the secret, the number, and the kind and the id of the actor.
const HEAD: usize = 16 + 8 + 1 + 16;

fn encode(secret: u128, post: &Post) -> Bytes {
    let (kind, actor) = match post.actor {
        ActorId::Guest(guest) => (0, guest.0),
        ActorId::Account(account) => (1, account.0),
    };
    let mut message = Vec::with_capacity(HEAD + post.frames.len());
    message.put_u128(secret);
    message.put_u64(post.n);
    message.put_u8(kind);
    message.put_u128(actor.as_u128());
    message.extend_from_slice(&post.frames);
    message.into()
}

fn decode(mut message: Bytes) -> Option<(u128, Post)> {
    if message.len() < HEAD {
        return None;
    }
    let (secret, n, kind, actor) = (message.get_u128(), message.get_u64(), message.get_u8(), message.get_u128());
    let actor = Uuid::from_u128(actor);
    let actor = if kind == 0 { ActorId::Guest(GuestId(actor)) } else { ActorId::Account(AccountId(actor)) };
    Some((secret, Post { actor, n, frames: message }))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::server::bus::LocalBus;

    fn actor(id: u128) -> ActorId {
        ActorId::Guest(GuestId(Uuid::from_u128(id)))
    }

    fn post(by: u128, n: u64) -> Post {
        Post { actor: actor(by), n, frames: n.to_be_bytes().to_vec().into() }
    }

    fn streams() -> Streams {
        Streams::new(Arc::new(LocalBus::new().0))
    }

    #[test]
    fn an_address_and_a_post_are_read_as_they_were_written() {
        let address = StreamAddress { node: Uuid::from_u128(7), secret: 9 };
        assert_eq!(StreamAddress::parse(&address.to_string()), Some(address));
        for text in ["", ".", "7", "7.9", "x.9", &format!("{address}0"), &format!("{}.", Uuid::nil())] {
            assert_eq!(StreamAddress::parse(text), None, "{text}");
        }
        for actor in [actor(1), ActorId::Account(AccountId(Uuid::from_u128(1)))] {
            let post = Post { actor, ..post(1, 3) };
            assert_eq!(decode(encode(5, &post)), Some((5, post)));
        }
        assert_eq!(decode(Bytes::from_static(&[0; HEAD - 1])), None);
    }

    #[tokio::test]
    async fn posts_are_taken_in_order_once_and_of_the_streams_person() {
        let streams = streams();
        let (open, mut queue) = streams.open(actor(1));
        let address = open.address();
        assert!(!streams.post(address, post(2, 0)).await.unwrap(), "of somebody else");
        assert!(!streams.post(StreamAddress { secret: address.secret ^ 1, ..address }, post(1, 0)).await.unwrap());
        assert!(!streams.post(StreamAddress { node: Uuid::nil(), ..address }, post(1, 0)).await.unwrap());
        for n in [0, 0, 1] {
            assert!(streams.post(address, post(1, n)).await.unwrap());
        }
        for n in [0, 1] {
            assert_eq!(queue.recv().await, Some(post(1, n).frames));
        }
        streams.deliver(encode(address.secret, &post(2, 2)));
        streams.deliver(encode(address.secret, &post(1, 2)));
        assert_eq!(queue.recv().await, Some(post(1, 2).frames), "over the bus");
        drop(open);
        assert_eq!(queue.recv().await, None);
        assert!(!streams.post(address, post(1, 3)).await.unwrap(), "it is gone");
    }

    #[tokio::test]
    async fn a_gap_ends_the_stream() {
        let streams = streams();
        let (open, mut queue) = streams.open(actor(1));
        assert!(streams.post(open.address(), post(1, 0)).await.unwrap());
        assert!(!streams.post(open.address(), post(1, 2)).await.unwrap());
        assert_eq!(queue.recv().await, Some(post(1, 0).frames));
        assert_eq!(queue.recv().await, None);
    }

    #[tokio::test]
    async fn a_request_waits_for_its_place_and_what_comes_over_the_bus_does_not() {
        let streams = streams();
        let (open, mut queue) = streams.open(actor(1));
        let address = open.address();
        for n in 0..QUEUE as u64 {
            assert!(streams.post(address, post(1, n)).await.unwrap());
        }
        let mut waiting = Box::pin(streams.post(address, post(1, QUEUE as u64)));
        assert!(waiting.as_mut().now_or_never().is_none());
        queue.recv().await.unwrap();
        assert!(waiting.await.unwrap());
        streams.deliver(encode(address.secret, &post(1, QUEUE as u64 + 1)));
        for _ in 0..QUEUE {
            assert!(queue.recv().await.is_some());
        }
        assert_eq!(queue.recv().await, None, "the stream has ended");
    }
}
