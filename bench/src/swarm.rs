//! The load: thousands of sockets on one thread, in an open loop.
//!
//! What is sent, and when, is fixed before a phase begins. A server that stalls does not slow the load down, and the
//! latency of a message counts from when it was due (no coordinated omission). Every message carries its index, so that
//! each delivery can be checked: exactly once, in order, to the right room.
//!
//! [`Swarm`] has the clients and the event loop, [`Tally`] the results of a phase. What to send and how to read answers
//! is in `dialect`.

use std::{
    io::{ErrorKind, Read, Write},
    mem,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    os::fd::{AsRawFd, OwnedFd},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token, net::TcpStream, unix::SourceFd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    dialect::{self, Dialect, Meaning, Needles},
    machine::{now, own_cpu},
    wire,
};

const TIMER: Token = Token(usize::MAX);
const SECOND: u64 = 1_000_000_000;

/// A chat room.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// The room's name or code.
    pub name: String,
    /// The epoch of the room's log, once it is known.
    pub epoch: u64,
    /// The indexes of the members' clients.
    pub members: Vec<usize>,
    /// The indexes of the members who send messages, in turns.
    pub senders: Vec<usize>,
}

/// How a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Makes the room by REST, with the client as its first member. Opens no socket.
    Create {
        /// Whether the room keeps its messages.
        preserve: bool,
    },
    /// Joins the room by REST. Opens no socket.
    Enter,
    /// Opens the socket of a member and follows the room.
    Follow,
    /// Joins by REST, reads the history in the answer, and follows the room from there, all on one connection.
    Join,
    /// Like `Follow`, but resumes after the last seq that the client has.
    Resume,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Closed,
    Connecting { rest: bool },
    Asking,
    Upgrading,
    Greeting,
    Ready,
}

/// One client.
#[derive(Debug)]
pub struct Client {
    /// The index of the server that it connects to.
    pub node: usize,
    /// The index of its room.
    pub room: usize,
    /// The index of the histogram that its latencies go to.
    pub class: usize,
    /// The client stops reading once it follows its room.
    pub mute: bool,
    cookie: String,
    stream: Option<TcpStream>,
    stage: Stage,
    opening: Opening,
    opened: u64,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    last_seq: u64,
    seen: Vec<u64>,
}

/// A scheduled action.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Sends the next message in this room.
    Say(usize),
    /// Opens a client's socket, after closing the old one.
    Open(usize, Opening),
    /// Closes a client's socket with a TCP reset.
    Cut(usize),
}

/// The results of one phase.
#[derive(Debug)]
pub struct Tally {
    first: u32,
    /// For each message: when it was due, its room, and its number among the phase's messages in that room.
    messages: Vec<(u64, u32, u32)>,
    acked_bits: Vec<u64>,
    /// The latency of deliveries by class, in microseconds from when the message was due.
    pub delivery: [Histogram<u64>; 2],
    /// The latency of acks, in microseconds.
    pub ack: Histogram<u64>,
    /// The time from when a socket was due to be opened until it followed its room, in microseconds.
    pub open: Histogram<u64>,
    /// The number of deliveries that arrived.
    pub delivered: u64,
    /// The number of deliveries that had to arrive.
    pub expected: u64,
    /// The number of acks that arrived.
    pub acks: u64,
    /// Deliveries that arrived more than once.
    pub doubled: u64,
    /// Gaps and repetitions in the seqs of a connection.
    pub disorder: u64,
    /// Deliveries that never arrived.
    pub missing: u64,
    /// Deliveries to a client in another room.
    pub stray: u64,
    /// Error frames.
    pub refused: u64,
    /// Sockets that the server closed or refused.
    pub closed: u64,
    /// `reset` frames: logs that could not be continued.
    pub resets: u64,
    /// The number of sockets that were due to be opened.
    pub openings: u64,
    /// The number of those that followed their room.
    pub opened: u64,
    /// When the last of them followed its room.
    pub last_open: u64,
    /// When the phase began.
    pub started: u64,
    /// When the last expected frame arrived.
    pub ended: u64,
    /// The CPU time of the load itself, at the beginning and at the end.
    own_cpu: (u64, u64),
    /// The last refusal that a server sent.
    pub complaint: String,
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 120_000_000, 3).expect("these bounds are valid")
}

impl Tally {
    fn new(first: u32) -> Self {
        let started = now();
        Self {
            first,
            messages: Vec::new(),
            acked_bits: Vec::new(),
            delivery: [histogram(), histogram()],
            ack: histogram(),
            open: histogram(),
            delivered: 0,
            expected: 0,
            acks: 0,
            doubled: 0,
            disorder: 0,
            missing: 0,
            stray: 0,
            refused: 0,
            closed: 0,
            resets: 0,
            openings: 0,
            opened: 0,
            last_open: started,
            started,
            ended: started,
            own_cpu: (own_cpu(), 0),
            complaint: String::new(),
        }
    }

    fn end(&mut self) {
        self.ended = now();
        self.own_cpu.1 = own_cpu();
    }

    /// The share of its core that the load itself used. Close to 1, the load may have been the bottleneck.
    pub fn load_share(&self) -> f64 {
        self.own_cpu.1.saturating_sub(self.own_cpu.0) as f64 / (self.ended - self.started).max(1) as f64
    }

    /// Whether every delivery arrived once and in order, and no socket was closed.
    pub fn is_clean(&self) -> bool {
        self.missing + self.doubled + self.disorder + self.stray + self.refused + self.closed + self.resets == 0
    }

    /// All counts of faults, for the log.
    pub fn faults(&self) -> String {
        format!(
            "missing {} doubled {} disorder {} stray {} refused {} closed {} resets {} {}",
            self.missing,
            self.doubled,
            self.disorder,
            self.stray,
            self.refused,
            self.closed,
            self.resets,
            self.complaint
        )
    }
}

/// A percentile of a histogram, in milliseconds.
pub fn percentile(histogram: &Histogram<u64>, share: f64) -> f64 {
    histogram.value_at_quantile(share) as f64 / 1000.0
}

/// All clients, and the event loop that serves them.
pub struct Swarm {
    /// All clients.
    pub clients: Vec<Client>,
    /// All rooms.
    pub rooms: Vec<Room>,
    /// The results of the running phase.
    pub tally: Tally,
    nodes: Vec<SocketAddr>,
    dialect: Dialect,
    /// Whether the server acknowledges messages.
    acked: bool,
    run: u32,
    next_index: u32,
    poll: Poll,
    events: Events,
    timer: OwnedFd,
    buffer: Vec<u8>,
    needles: Needles,
    opening: usize,
    frame: Vec<u8>,
}

impl Swarm {
    /// A swarm without clients.
    pub fn new(nodes: &[SocketAddr], dialect: Dialect, acked: bool) -> Result<Self> {
        let poll = Poll::new()?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        Ok(Self {
            clients: Vec::new(),
            rooms: Vec::new(),
            tally: Tally::new(0),
            nodes: nodes.to_vec(),
            dialect,
            acked,
            run: rand::random(),
            next_index: 0,
            poll,
            events: Events::with_capacity(4096),
            timer,
            buffer: vec![0; 1024 * 1024],
            needles: Needles::default(),
            opening: 0,
            frame: Vec::new(),
        })
    }

    /// Adds a room with this many members on the first node. All of them send, in turns.
    pub fn add_room(&mut self, members: usize) -> usize {
        let room = self.rooms.len();
        let first = self.clients.len();
        let members: Vec<usize> = (first..first + members).collect();
        self.clients.extend(members.iter().map(|_| Client {
            node: 0,
            room,
            class: 0,
            mute: false,
            cookie: String::new(),
            stream: None,
            stage: Stage::Closed,
            opening: Opening::Follow,
            opened: 0,
            unread: Vec::new(),
            unsent: Vec::new(),
            last_seq: 0,
            seen: Vec::new(),
        }));
        let name = format!("bench{room}");
        self.rooms.push(Room { name, epoch: 0, senders: members.clone(), members });
        room
    }

    /// Makes the rooms and memberships by REST, where the server needs them before any socket. Some dozens at a time.
    pub fn prepare(&mut self, preserve: bool) -> Result<()> {
        self.prepare_owners(preserve)?;
        if self.dialect != Dialect::AnonChat {
            return Ok(());
        }
        let others: Vec<_> = (0..self.clients.len()).filter(|&client| self.clients[client].cookie.is_empty()).collect();
        self.open_all(&others, Opening::Enter, 32)
    }

    /// Makes the rooms with only their first member.
    pub fn prepare_owners(&mut self, preserve: bool) -> Result<()> {
        if self.dialect != Dialect::AnonChat {
            return Ok(());
        }
        let owners: Vec<_> = self.rooms.iter().filter_map(|room| room.members.first().copied()).collect();
        self.open_all(&owners, Opening::Create { preserve }, 32)
    }

    /// Opens the sockets of these clients, at most `at_once` at a time, until all of them follow their rooms.
    pub fn open_all(&mut self, clients: &[usize], opening: Opening, at_once: usize) -> Result<()> {
        self.begin();
        self.opening = 0;
        let mut waiting = clients.iter();
        let deadline = now() + 120 * SECOND;
        while (self.tally.opened as usize) < clients.len() {
            while self.opening < at_once
                && let Some(&client) = waiting.next()
            {
                self.open(client, opening, now())?;
            }
            self.pump(now() + SECOND / 10)?;
            if self.tally.closed > 0 || self.tally.refused > 0 {
                bail!("a socket could not be opened ({opening:?}): {}", self.tally.faults());
            }
            if now() > deadline {
                bail!("{} of {} sockets opened in time ({opening:?})", self.tally.opened, clients.len());
            }
        }
        Ok(())
    }

    /// Closes all sockets.
    pub fn close_all(&mut self) {
        for client in 0..self.clients.len() {
            self.cut(client);
        }
    }

    /// Begins a phase with an empty tally.
    fn begin(&mut self) {
        self.tally = Tally::new(self.next_index);
    }

    /// Messages at a steady rate, distributed over all rooms in turns.
    pub fn steady(&self, rate: f64, seconds: f64) -> Vec<(u64, Action)> {
        let count = (rate * seconds).round() as usize;
        let at = |index: usize| (index as f64 / rate * 1e9) as u64;
        (0..count).map(|index| (at(index), Action::Say(index % self.rooms.len()))).collect()
    }

    /// Runs actions at their times from now (sorted) and waits for all expected frames, at most `patience` seconds
    /// after the last action.
    pub fn run(&mut self, actions: &[(u64, Action)], patience: f64) -> Result<()> {
        self.begin();
        let mut ordinals = vec![0_u32; self.rooms.len()];
        // Starts 10 ms from now, so that the first action is not late already.
        let start = now() + SECOND / 100;
        for (after, action) in actions {
            if let Action::Say(room) = action {
                self.tally.messages.push((start + after, *room as u32, ordinals[*room]));
                ordinals[*room] += 1;
            } else if matches!(action, Action::Open(..)) {
                self.tally.openings += 1;
            }
        }
        self.next_index += self.tally.messages.len() as u32;
        self.tally.acked_bits = vec![0; self.tally.messages.len().div_ceil(64)];
        for client in &mut self.clients {
            client.seen.clear();
            client.seen.resize(ordinals[client.room].div_ceil(64) as usize, 0);
        }
        self.tally.started = start;
        let mut spoken = 0;
        let mut next = 0;
        let last = actions.last().map_or(0, |(after, _)| *after);
        let deadline = start + last + (patience * 1e9) as u64;
        loop {
            while let Some((after, action)) = actions.get(next)
                && start + after <= now()
            {
                next += 1;
                match *action {
                    Action::Say(room) => {
                        self.say(room, spoken);
                        spoken += 1;
                    }
                    Action::Open(client, opening) => self.open(client, opening, start + after)?,
                    Action::Cut(client) => self.cut(client),
                }
            }
            let due = actions.get(next).map(|(after, _)| start + after);
            if due.is_none() && (self.is_complete() || now() >= deadline) {
                break;
            }
            self.pump(due.unwrap_or(deadline))?;
        }
        self.tally.end();
        self.count_missing();
        Ok(())
    }

    /// Sends nothing but pongs, for this long.
    pub fn idle(&mut self, seconds: f64) -> Result<()> {
        self.begin();
        let end = now() + (seconds * 1e9) as u64;
        while now() < end {
            self.pump(end)?;
        }
        self.tally.end();
        Ok(())
    }

    fn is_complete(&self) -> bool {
        let tally = &self.tally;
        tally.delivered >= tally.expected
            && (!self.acked || tally.acks >= tally.messages.len() as u64)
            && tally.opened >= tally.openings
    }

    /// Counts missing deliveries with the latency of the end of the phase, so that an overloaded server does not look
    /// fast.
    fn count_missing(&mut self) {
        let tally = &mut self.tally;
        if tally.delivered < tally.expected {
            for &(due, room, ordinal) in &tally.messages {
                for &member in &self.rooms[room as usize].members {
                    let client = &self.clients[member];
                    let seen = client.seen[ordinal as usize / 64] & (1 << (ordinal % 64)) != 0;
                    if !seen && !client.mute {
                        tally.missing += 1;
                        tally.delivery[client.class].saturating_record(tally.ended.saturating_sub(due) / 1000);
                    }
                }
            }
        }
        if self.acked {
            for (index, &(due, ..)) in tally.messages.iter().enumerate() {
                if tally.acked_bits[index / 64] & (1 << (index % 64)) == 0 {
                    tally.missing += 1;
                    tally.ack.saturating_record(tally.ended.saturating_sub(due) / 1000);
                }
            }
        }
    }

    fn say(&mut self, room: usize, spoken: usize) {
        let Room { name, members, senders, .. } = &self.rooms[room];
        let (_, _, ordinal) = self.tally.messages[spoken];
        let sender = senders[ordinal as usize % senders.len()];
        self.tally.expected += members.iter().filter(|&&member| !self.clients[member].mute).count() as u64;
        let text = dialect::send(self.dialect, name, self.run, self.tally.first + spoken as u32, self.acked);
        self.write_text(sender, text.as_bytes());
    }

    fn open(&mut self, index: usize, opening: Opening, due: u64) -> Result<()> {
        self.cut(index);
        let client = &mut self.clients[index];
        client.opening = opening;
        client.opened = due;
        // A client that does not resume begins with the seq that the server sends next.
        if opening != Opening::Resume || self.dialect != Dialect::AnonChat {
            client.last_seq = 0;
        }
        self.opening += 1;
        let rest = match opening {
            Opening::Create { .. } | Opening::Enter => true,
            Opening::Join => self.dialect == Dialect::AnonChat,
            Opening::Follow | Opening::Resume => false,
        };
        self.connect(index, rest)
    }

    fn connect(&mut self, index: usize, rest: bool) -> Result<()> {
        let client = &mut self.clients[index];
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        // Linger 0 makes closing send a reset. So no port stays in TIME_WAIT, and a cut is a real cut.
        socket.set_linger(Some(Duration::ZERO))?;
        if client.mute {
            // Limits what the kernels buffer for a client that does not read. On loopback both ends would buffer
            // megabytes, over a real network no more than this.
            socket.set_recv_buffer_size(4096)?;
            socket.set_tcp_mss(1400)?;
        }
        // A source address for each client (127.1.0.1 and up), so that local ports never run out.
        let source = Ipv4Addr::from(0x7f01_0001 + index as u32);
        socket.bind(&SocketAddrV4::new(source, 0).into())?;
        match socket.connect(&self.nodes[client.node].into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error).context("a socket cannot be opened"),
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.poll.registry().register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        client.stream = Some(stream);
        client.stage = Stage::Connecting { rest };
        client.unread.clear();
        client.unsent.clear();
        Ok(())
    }

    /// Closes a socket with a reset.
    pub fn cut(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.stream = None;
        client.stage = Stage::Closed;
    }

    /// Handles a socket that the server has closed.
    fn lost(&mut self, index: usize) {
        if self.clients[index].stage != Stage::Ready {
            self.opening = self.opening.saturating_sub(1);
        }
        self.tally.closed += 1;
        self.cut(index);
    }

    fn opened(&mut self, index: usize, time: u64) {
        let client = &mut self.clients[index];
        let latency = time.saturating_sub(client.opened) / 1000;
        if client.stage == Stage::Ready || client.stage == Stage::Closed {
            return;
        }
        let only_rest = matches!(client.opening, Opening::Create { .. } | Opening::Enter);
        client.stage = if only_rest { Stage::Closed } else { Stage::Ready };
        if only_rest {
            client.stream = None;
        }
        self.opening = self.opening.saturating_sub(1);
        self.tally.opened += 1;
        self.tally.last_open = time;
        self.tally.open.saturating_record(latency);
    }

    /// Waits for events until this time at most, and handles them.
    fn pump(&mut self, until: u64) -> Result<()> {
        // A timerfd, because the timeout of epoll has a resolution of milliseconds, and microseconds matter here.
        let time = Timespec { tv_sec: (until / SECOND).cast_signed(), tv_nsec: (until % SECOND).cast_signed() };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: time };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        match self.poll.poll(&mut self.events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let events = mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            if event.token() == TIMER {
                continue;
            }
            let index = event.token().0;
            if event.is_writable() {
                self.writable(index)?;
            }
            if event.is_readable() {
                self.readable(index)?;
            }
        }
        self.events = events;
        Ok(())
    }

    fn writable(&mut self, index: usize) -> Result<()> {
        let client = &mut self.clients[index];
        let Some(stream) = &mut client.stream else { return Ok(()) };
        if let Stage::Connecting { rest } = client.stage {
            if stream.take_error()?.is_some() {
                self.lost(index);
                return Ok(());
            }
            if stream.peer_addr().is_err() {
                return Ok(());
            }
            let room = &self.rooms[client.room].name;
            let name = format!("guest{index}");
            let (stage, bytes) = if rest {
                let (path, body) = match client.opening {
                    Opening::Create { preserve } => (
                        "/api/rooms/create",
                        format!(r#"{{"type":"group","nickname":"{name}","preserve":{preserve}}}"#),
                    ),
                    _ => ("/api/rooms/join", format!(r#"{{"code":"{room}","nickname":"{name}"}}"#)),
                };
                (Stage::Asking, dialect::post(path, &body))
            } else {
                (Stage::Upgrading, dialect::upgrade(self.dialect, room, &name, &client.cookie))
            };
            client.stage = stage;
            self.write(index, &bytes);
            return Ok(());
        }
        if !client.unsent.is_empty() {
            let bytes = mem::take(&mut client.unsent);
            self.write(index, &bytes);
        }
        Ok(())
    }

    fn write_text(&mut self, index: usize, text: &[u8]) {
        let mut frame = mem::take(&mut self.frame);
        frame.clear();
        wire::frame(&mut frame, wire::TEXT, text, true);
        self.write(index, &frame);
        self.frame = frame;
    }

    fn write(&mut self, index: usize, bytes: &[u8]) {
        let client = &mut self.clients[index];
        // The socket is closed. Its messages count as missing at the end.
        let Some(stream) = &mut client.stream else { return };
        let mut written = 0;
        if client.unsent.is_empty() {
            match stream.write(bytes) {
                Ok(count) => written = count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return self.lost(index),
            }
        }
        client.unsent.extend_from_slice(&bytes[written..]);
    }

    fn readable(&mut self, index: usize) -> Result<()> {
        loop {
            let client = &mut self.clients[index];
            if client.mute && client.stage == Stage::Ready {
                return Ok(());
            }
            let Some(stream) = &mut client.stream else { return Ok(()) };
            let kept = client.unread.len();
            self.buffer[..kept].copy_from_slice(&client.unread);
            let count = match stream.read(&mut self.buffer[kept..]) {
                Ok(0) => {
                    self.lost(index);
                    return Ok(());
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => {
                    self.lost(index);
                    return Ok(());
                }
            };
            let end = kept + count;
            let full = end == self.buffer.len();
            let mut buffer = mem::take(&mut self.buffer);
            let used = self.take(index, &mut buffer[..end], now());
            if let Ok(used) = used {
                let client = &mut self.clients[index];
                client.unread.clear();
                if client.stream.is_some() && used < end {
                    client.unread.extend_from_slice(&buffer[used..end]);
                }
                if full && used == 0 {
                    bail!("a frame of more than {end} bytes");
                }
            }
            self.buffer = buffer;
            used?;
            // The read did not fill the buffer, so the socket is empty. New bytes cause a new event (edge-triggered
            // epoll).
            if !full {
                return Ok(());
            }
        }
    }

    /// Handles all complete frames in the buffer. Returns how many bytes they had.
    fn take(&mut self, index: usize, buffer: &mut [u8], time: u64) -> Result<usize> {
        let mut used = 0;
        match self.clients[index].stage {
            Stage::Asking => return self.take_answer(index, buffer, time),
            Stage::Upgrading => {
                used = self.take_upgrade(index, buffer, time)?;
                if used == 0 {
                    return Ok(0);
                }
            }
            _ => {}
        }
        while let Some(header) = wire::parse(&buffer[used..]).map_err(anyhow::Error::msg)? {
            let payload = &buffer[used + header.start..used + header.end];
            match header.opcode {
                wire::TEXT => self.hear(index, payload, time),
                wire::PING => {
                    let mut pong = Vec::new();
                    wire::frame(&mut pong, wire::PONG, payload, true);
                    self.write(index, &pong);
                }
                wire::CLOSE => {
                    self.lost(index);
                    return Ok(buffer.len());
                }
                _ => {}
            }
            if self.clients[index].stream.is_none() {
                return Ok(buffer.len());
            }
            used += header.end;
        }
        Ok(used)
    }

    fn take_answer(&mut self, index: usize, buffer: &[u8], time: u64) -> Result<usize> {
        let Some(answer) = wire::parse_answer(buffer)? else { return Ok(0) };
        let body = &buffer[answer.start..answer.end];
        if !(200..300).contains(&answer.status) {
            self.tally.refused += 1;
            self.tally.complaint = format!("{}: {}", answer.status, String::from_utf8_lossy(body));
            self.opening = self.opening.saturating_sub(1);
            self.cut(index);
            return Ok(buffer.len());
        }
        let client = &mut self.clients[index];
        client.cookie = answer.cookie.unwrap_or_default();
        match client.opening {
            Opening::Create { .. } => {
                let snapshot: serde_json::Value = serde_json::from_slice(body)?;
                let code = snapshot["room"]["code"].as_str().context("the snapshot has a code")?;
                code.clone_into(&mut self.rooms[client.room].name);
                self.opened(index, time);
            }
            Opening::Join => {
                let room = &mut self.rooms[client.room];
                client.last_seq = self.needles.head(body).context("the snapshot has a head")?;
                room.epoch = self.needles.epoch(body).context("the snapshot has an epoch")?;
                client.stage = Stage::Upgrading;
                let bytes = dialect::upgrade(self.dialect, &room.name, "", &client.cookie);
                self.write(index, &bytes);
            }
            _ => self.opened(index, time),
        }
        Ok(buffer.len())
    }

    fn take_upgrade(&mut self, index: usize, buffer: &[u8], time: u64) -> Result<usize> {
        let Some(answer) = wire::parse_answer(buffer)? else { return Ok(0) };
        if answer.status != 101 {
            self.tally.complaint = String::from_utf8_lossy(buffer).into_owned();
            self.lost(index);
            return Ok(buffer.len());
        }
        self.clients[index].stage = Stage::Greeting;
        let joins = matches!(self.clients[index].opening, Opening::Join | Opening::Resume);
        match self.dialect {
            Dialect::AnonChat => self.subscribe(index),
            Dialect::Plain if joins => self.subscribe(index),
            Dialect::Plain => self.opened(index, time),
            Dialect::SocketIo => {}
        }
        Ok(answer.start)
    }

    fn subscribe(&mut self, index: usize) {
        let client = &self.clients[index];
        let room = &self.rooms[client.room];
        let place = (client.last_seq > 0).then_some((room.epoch, client.last_seq));
        let text = dialect::subscribe(self.dialect, &room.name, place);
        self.write_text(index, text.as_bytes());
    }

    fn hear(&mut self, index: usize, text: &[u8], time: u64) {
        match dialect::meaning(self.dialect, text) {
            Meaning::Events => self.hear_events(index, text, time),
            Meaning::Ack if self.clients[index].stage == Stage::Greeting => self.hear_snapshot(index, text, time),
            Meaning::Ack => self.hear_ack(text, time),
            Meaning::Snapshot => self.hear_snapshot(index, text, time),
            Meaning::Resumed => {
                let missed = self.needles.missed(text).len();
                self.hear_events(index, &text[..missed], time);
                self.opened(index, time);
            }
            Meaning::Refused => {
                self.tally.refused += 1;
                self.tally.complaint = String::from_utf8_lossy(text).into_owned();
            }
            Meaning::EnginePing => self.write_text(index, b"3"),
            Meaning::EngineOpen => self.write_text(index, b"40"),
            Meaning::Connected if self.clients[index].opening == Opening::Follow => self.opened(index, time),
            Meaning::Connected => self.subscribe(index),
            Meaning::Reset => self.tally.resets += 1,
            Meaning::Bye => self.tally.complaint = String::from_utf8_lossy(text).into_owned(),
            Meaning::Other => {}
        }
    }

    fn hear_events(&mut self, index: usize, text: &[u8], time: u64) {
        let Self { clients, tally, needles, .. } = self;
        let client = &mut clients[index];
        needles.each_seq(text, |seq| {
            if client.last_seq != 0 && seq != client.last_seq + 1 {
                tally.disorder += 1;
            }
            client.last_seq = seq;
        });
        dialect::each_index(text, |message| deliver(tally, client, message, time, false));
    }

    fn hear_snapshot(&mut self, index: usize, text: &[u8], time: u64) {
        let Self { clients, tally, needles, rooms, .. } = self;
        let client = &mut clients[index];
        client.last_seq = needles.head(text).unwrap_or(0);
        rooms[client.room].epoch = needles.epoch(text).unwrap_or(0);
        dialect::each_index(text, |message| deliver(tally, client, message, time, true));
        self.opened(index, time);
    }

    fn hear_ack(&mut self, text: &[u8], time: u64) {
        let Some(message) = self.needles.acked(text) else { return };
        let Some(at) = message.checked_sub(self.tally.first) else { return };
        let Some((due, ..)) = self.tally.messages.get(at as usize) else { return };
        let (word, bit) = (at as usize / 64, 1 << (at % 64));
        if self.tally.acked_bits[word] & bit == 0 {
            self.tally.acked_bits[word] |= bit;
            self.tally.acks += 1;
            self.tally.ack.saturating_record(time.saturating_sub(*due) / 1000);
        } else {
            self.tally.doubled += 1;
        }
    }
}

/// Counts a delivery to a client. Messages of an earlier phase are ignored. With `repeats` (a snapshot) the client may
/// have received it before.
fn deliver(tally: &mut Tally, client: &mut Client, message: u32, time: u64, repeats: bool) {
    let Some(at) = message.checked_sub(tally.first) else { return };
    let Some(&(due, room, ordinal)) = tally.messages.get(at as usize) else {
        tally.stray += 1;
        return;
    };
    if room as usize != client.room {
        tally.stray += 1;
        return;
    }
    let (word, bit) = (ordinal as usize / 64, 1 << (ordinal % 64));
    if client.seen[word] & bit == 0 {
        client.seen[word] |= bit;
        tally.delivered += 1;
        tally.delivery[client.class].saturating_record(time.saturating_sub(due) / 1000);
    } else if !repeats {
        tally.doubled += 1;
    }
}
