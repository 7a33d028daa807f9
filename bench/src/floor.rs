//! The floor: a server that only forwards every message to every member of its room, on one thread, with one `write`
//! each.
//!
//! It parses no JSON, assigns no seq and stores nothing. The cost of a chat server beyond the floor is the cost of its
//! features and promises.

use std::{
    collections::{HashMap, VecDeque},
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};

use crate::{
    machine::{now, raise_file_limit},
    wire,
};

/// A member with more unsent bytes than this is disconnected.
const BACKLOG_BYTES: usize = 4 * 1024 * 1024;
const LISTENER: Token = Token(usize::MAX);

struct Member {
    stream: TcpStream,
    room: Option<usize>,
    unread: Vec<u8>,
    backlog: Vec<u8>,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    gathered: Vec<u8>,
}

struct Floor {
    poll: Poll,
    members: Vec<Option<Member>>,
    free: Vec<usize>,
    rooms: Vec<Room>,
    names: HashMap<String, usize>,
    gather: u64,
    /// Rooms with gathered messages, and when to write them. The earliest comes first.
    due: VecDeque<(u64, usize)>,
    buffer: Vec<u8>,
}

/// Serves until killed. With `gather_ms`, all messages of that time go out in one write.
pub fn serve(port: u16, gather_ms: u64) -> Result<()> {
    raise_file_limit()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut listener = TcpListener::bind(address).with_context(|| format!("{address} cannot be listened at"))?;
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    writeln!(std::io::stdout(), "listening")?;
    let gather = gather_ms * 1_000_000;
    let (members, free, rooms, names) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
    let mut floor =
        Floor { poll, members, free, rooms, names, gather, due: VecDeque::new(), buffer: vec![0; 256 * 1024] };
    let mut events = Events::with_capacity(4096);
    loop {
        let wait = floor.due.front().map(|(due, _)| Duration::from_nanos(due.saturating_sub(now())));
        match floor.poll.poll(&mut events, wait) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            if event.token() == LISTENER {
                floor.accept(&listener)?;
                continue;
            }
            let index = event.token().0;
            if event.is_writable() {
                floor.write_backlog(index);
            }
            if event.is_readable() && floor.read(index).is_err() {
                floor.close(index);
            }
        }
        floor.send_gathered();
    }
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener) -> Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or_else(|| {
                self.members.push(None);
                self.members.len() - 1
            });
            self.poll.registry().register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
            self.members[index] = Some(Member { stream, room: None, unread: Vec::new(), backlog: Vec::new() });
        }
    }

    fn close(&mut self, index: usize) {
        let Some(member) = self.members[index].take() else { return };
        if let Some(room) = member.room {
            self.rooms[room].members.retain(|&other| other != index);
        }
        self.free.push(index);
    }

    fn read(&mut self, index: usize) -> Result<()> {
        loop {
            let Some(member) = &mut self.members[index] else { return Ok(()) };
            let kept = member.unread.len();
            self.buffer[..kept].copy_from_slice(&member.unread);
            let count = match member.stream.read(&mut self.buffer[kept..]) {
                Ok(0) => bail!("closed"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let end = kept + count;
            let full = end == self.buffer.len();
            let mut buffer = std::mem::take(&mut self.buffer);
            let used = self.take(index, &mut buffer[..end]);
            if let (Ok(used), Some(member)) = (&used, &mut self.members[index]) {
                member.unread.clear();
                member.unread.extend_from_slice(&buffer[*used..end]);
            }
            self.buffer = buffer;
            used?;
            if !full {
                return Ok(());
            }
        }
    }

    /// Handles all complete frames in the buffer. Returns how many bytes they had.
    fn take(&mut self, index: usize, buffer: &mut [u8]) -> Result<usize> {
        let mut used = 0;
        if self.members[index].as_ref().is_some_and(|member| member.room.is_none()) {
            used = self.shake_hands(index, buffer)?;
            if used == 0 {
                return Ok(0);
            }
        }
        while let Some(header) = wire::parse(&buffer[used..]).map_err(anyhow::Error::msg)? {
            let payload = &mut buffer[used + header.start..used + header.end];
            if let Some(mask) = header.mask {
                wire::unmask(payload, mask);
            }
            match header.opcode {
                wire::TEXT => self.broadcast(index, payload),
                wire::CLOSE => bail!("closed"),
                _ => {}
            }
            used += header.end;
        }
        Ok(used)
    }

    fn shake_hands(&mut self, index: usize, buffer: &[u8]) -> Result<usize> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(used) = request.parse(buffer)? else { return Ok(0) };
        let key = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("sec-websocket-key"));
        let accept = wire::accept(key.context("no handshake")?.value);
        let path = request.path.unwrap_or_default();
        let name = path.split(['?', '&']).find(|part| part.starts_with("room=")).unwrap_or_default();
        let room = *self.names.entry(name.to_owned()).or_insert_with(|| {
            self.rooms.push(Room::default());
            self.rooms.len() - 1
        });
        self.rooms[room].members.push(index);
        if let Some(member) = &mut self.members[index] {
            member.room = Some(room);
        }
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        self.write(index, answer.as_bytes());
        Ok(used)
    }

    fn broadcast(&mut self, from: usize, payload: &[u8]) {
        let Some(room) = self.members[from].as_ref().and_then(|member| member.room) else { return };
        if self.gather > 0 {
            if self.rooms[room].gathered.is_empty() {
                self.due.push_back((now() + self.gather, room));
            }
            wire::frame(&mut self.rooms[room].gathered, wire::TEXT, payload, false);
            return;
        }
        let mut bytes = Vec::with_capacity(payload.len() + 10);
        wire::frame(&mut bytes, wire::TEXT, payload, false);
        self.write_to_all(room, &bytes);
    }

    fn send_gathered(&mut self) {
        while let Some(&(due, room)) = self.due.front()
            && due <= now()
        {
            self.due.pop_front();
            let mut bytes = std::mem::take(&mut self.rooms[room].gathered);
            self.write_to_all(room, &bytes);
            bytes.clear();
            self.rooms[room].gathered = bytes;
        }
    }

    fn write_to_all(&mut self, room: usize, bytes: &[u8]) {
        let mut at = 0;
        while let Some(&index) = self.rooms[room].members.get(at) {
            self.write(index, bytes);
            // If `write` disconnected this member, the next one has moved to its place.
            at += usize::from(self.members[index].is_some());
        }
    }

    fn write(&mut self, index: usize, bytes: &[u8]) {
        let Some(member) = &mut self.members[index] else { return };
        let mut written = 0;
        if member.backlog.is_empty() {
            match member.stream.write(bytes) {
                Ok(count) => written = count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return self.close(index),
            }
        }
        member.backlog.extend_from_slice(&bytes[written..]);
        if member.backlog.len() > BACKLOG_BYTES {
            self.close(index);
        }
    }

    fn write_backlog(&mut self, index: usize) {
        let Some(member) = &mut self.members[index] else { return };
        while !member.backlog.is_empty() {
            match member.stream.write(&member.backlog) {
                Ok(count) => drop(member.backlog.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.close(index),
            }
        }
    }
}
