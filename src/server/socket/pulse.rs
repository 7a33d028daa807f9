//! The pulse: pings all sockets of a node from one timing wheel, instead of one timer for each socket.
//!
//! The wheel has one step for each second of a turn. A new socket is put into the present step, and is pinged each time
//! that the wheel comes to it. The same task also closes sockets with too large or too old a backlog ([`Backlogs`]).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::{MissedTickBehavior, interval};

use super::{Backlogs, Connection, Frame, Wire, connection::WeakConnection};

/// Number of steps, so that a socket is pinged once in 25 seconds. Browsers answer pings by themselves, also for a
/// background tab, whose own timers are slowed.
const STEPS: usize = 25;
/// Duration of a step.
const STEP: Duration = Duration::from_secs(1);

/// Pings the sockets of a node. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    wheel: Arc<Mutex<Wheel>>,
    backlogs: Backlogs,
}

#[derive(Debug)]
struct Wheel {
    /// The sockets by the step in which they are pinged. Closed ones are removed in their step.
    steps: Vec<Vec<WeakConnection>>,
    at: usize,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { steps: (0..STEPS).map(|_| Vec::new()).collect(), at: 0 }
    }
}

impl Pulse {
    /// Opens a connection of the node, which is pinged from now on.
    pub fn open(&self, wire: Wire) -> Connection {
        let connection = Connection::open_on(wire, self.backlogs.clone());
        self.take(&connection);
        connection
    }

    /// The bytes that wait in the backlogs of all connections.
    pub fn backlog_bytes(&self) -> usize {
        self.backlogs.bytes()
    }

    /// Puts a connection into the present step, so that its first ping comes after a whole turn.
    fn take(&self, connection: &Connection) {
        let mut wheel = self.wheel();
        let at = wheel.at;
        wheel.steps[at].push(connection.downgrade());
    }

    /// Turns the wheel for ever, and closes connections whose backlog is too large or too old.
    pub async fn beat(&self) {
        let mut tick = interval(STEP);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    self.step();
                    self.backlogs.sweep(Instant::now());
                }
                () = self.backlogs.full() => self.backlogs.shed(),
            }
        }
    }

    fn step(&self) {
        let mut due = {
            let mut wheel = self.wheel();
            wheel.at = (wheel.at + 1) % STEPS;
            let at = wheel.at;
            std::mem::take(&mut wheel.steps[at])
        };
        let ping = Frame::ping();
        due.retain(|connection| match connection.upgrade() {
            Some(connection) => {
                connection.ping(&ping);
                !connection.is_closed()
            }
            None => false,
        });
        let mut wheel = self.wheel();
        let at = wheel.at;
        wheel.steps[at].append(&mut due);
    }

    fn wheel(&self) -> std::sync::MutexGuard<'_, Wheel> {
        // A panic with this lock held leaves the wheel intact: every change is a single call.
        self.wheel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ByeReason;

    fn turn(pulse: &Pulse) {
        (0..STEPS).for_each(|_| pulse.step());
    }

    #[tokio::test]
    async fn a_turn_pings_each_socket_once_and_who_never_answers_is_gone() {
        let (near, far) = tokio::net::UnixStream::pair().unwrap();
        let pulse = Pulse::default();
        let connection = pulse.open(Wire::Pair(near));
        turn(&pulse);
        far.readable().await.unwrap();
        let mut ping = [0; 8];
        assert_eq!(far.try_read(&mut ping).unwrap(), 2);
        assert_eq!(ping[..2], [0x89, 0], "RFC 6455: a final frame, opcode 9, with nothing in it");
        connection.heard();
        (0..3).for_each(|_| turn(&pulse));
        assert!(!connection.is_closed());
        turn(&pulse);
        assert_eq!(connection.keep_writing().await, Some(ByeReason::Silent));
    }

    #[tokio::test]
    async fn sockets_that_are_gone_fall_out_of_the_wheel() {
        let (near, _far) = tokio::net::UnixStream::pair().unwrap();
        let pulse = Pulse::default();
        drop(pulse.open(Wire::Pair(near)));
        turn(&pulse);
        assert!(pulse.wheel().steps.iter().all(Vec::is_empty));
    }
}
