//! The state machine of a live room's log: how the folded state relates to the log, and which operation is next.
//!
//! [`LogState::next`] is pure. It reads the log before an append whenever the state may be behind, lets a client's
//! doubt alternate with appends, and pauses after a failure.
//!
//! Not here: the operations themselves (`operation`), and what follows from their results (`appending`).

use std::future::pending;

use tokio::time::Instant;

use super::{
    operation::{Finished, Operation},
    pace::TICK,
};
use crate::protocol::Problem;

/// How this node's state relates to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SyncState {
    /// The state has every event that this node knows of.
    Level,
    /// The log may be ahead of the state. It is read before the next append.
    Behind,
    /// The log is being opened anew. If it is changed meanwhile, the state is lost again, because the log may have been
    /// read before the change.
    Opening,
    /// The log does not continue the state, or its events were changed. It is opened anew, and clients are reset.
    Lost,
}

/// The last failure to use the log.
struct Failure {
    /// The time of the failure, for the pause before the next try.
    at: Instant,
    problem: Problem,
}

/// What to do with the log next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Open the log anew.
    Open,
    /// Read the events that were missed.
    CatchUp,
    /// Append a batch of the pending commands.
    Append,
    /// Nothing, until something happens.
    Wait,
}

/// The operation under way, and what decides the next one.
pub struct LogState {
    operation: Option<Operation>,
    sync_state: SyncState,
    /// Whether a client wants to resume from beyond the head, so that the log should be read.
    is_doubted: bool,
    /// Whether the last operation read the log, and no append came after it.
    has_just_read: bool,
    /// The failure of the last operation. `None` again once the log was read.
    failure: Option<Failure>,
    /// Whether the room finishes its pending commands and then ends.
    is_draining: bool,
}

impl LogState {
    /// The state after the log was opened.
    pub fn level() -> Self {
        Self {
            operation: None,
            sync_state: SyncState::Level,
            is_doubted: false,
            has_just_read: false,
            failure: None,
            is_draining: false,
        }
    }

    /// The next operation. At most one runs at a time.
    pub fn next(&self, now: Instant, has_pending: bool) -> Next {
        if self.is_busy() {
            return Next::Wait;
        }
        // A client's doubt is checked between two appends, so that any number of doubts cannot hold up the appends.
        let checks_doubt = self.is_doubted && (!has_pending || !self.has_just_read);
        let must_read = self.sync_state != SyncState::Level || checks_doubt;
        if !must_read {
            return if has_pending { Next::Append } else { Next::Wait };
        }
        match &self.failure {
            Some(failure) if now.duration_since(failure.at) < TICK => Next::Wait,
            _ if self.is_lost() => Next::Open,
            _ => Next::CatchUp,
        }
    }

    /// Whether a room that drains has finished: no operation is under way, and neither its pending commands nor its
    /// inbox have anything left.
    pub fn is_drained(&self, has_pending: bool, has_requests: bool) -> bool {
        self.is_draining && !self.is_busy() && !has_pending && !has_requests
    }

    /// Whether an operation is under way.
    pub fn is_busy(&self) -> bool {
        self.operation.is_some()
    }

    /// Whether the room drains, and takes no more commands.
    pub fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// Whether the log is to be opened anew.
    pub fn is_lost(&self) -> bool {
        self.sync_state == SyncState::Lost
    }

    /// Whether a doubt is still to be checked.
    pub fn is_doubted(&self) -> bool {
        self.is_doubted
    }

    /// The error for clients since the last operation failed. `None` if it did not.
    pub fn problem(&self) -> Option<&Problem> {
        self.failure.as_ref().map(|failure| &failure.problem)
    }

    /// Notes that an operation begins that opens or reads the log.
    pub fn begin_read(&mut self, operation: Operation) {
        (self.is_doubted, self.has_just_read) = (false, true);
        if self.sync_state == SyncState::Lost {
            self.sync_state = SyncState::Opening;
        }
        self.operation = Some(operation);
    }

    /// Notes that an append begins.
    pub fn begin_append(&mut self, operation: Operation) {
        self.has_just_read = false;
        self.operation = Some(operation);
    }

    /// Waits until the operation has finished; for ever if none is under way. Nothing is lost if the returned future is
    /// dropped before.
    pub async fn finished(&mut self) -> Finished {
        let Some(operation) = &mut self.operation else { return pending().await };
        let finished = operation.await;
        self.operation = None;
        finished
    }

    /// Notes that the log may be ahead of the state.
    pub fn fall_behind(&mut self) {
        self.sync_state = self.sync_state.max(SyncState::Behind);
    }

    /// Notes that the log does not continue the state, or that its events were changed.
    pub fn lose(&mut self) {
        self.sync_state = SyncState::Lost;
    }

    /// Notes that a client claims to know a seq beyond the head.
    pub fn doubt(&mut self) {
        self.is_doubted = true;
    }

    /// Notes that the missed events were read. The state stays lost if the log was changed during the read.
    pub fn caught_up(&mut self) {
        if self.sync_state == SyncState::Behind {
            self.sync_state = SyncState::Level;
        }
        self.failure = None;
    }

    /// Notes that the log was opened anew. The state stays lost if the log was changed meanwhile.
    pub fn opened(&mut self) {
        if self.sync_state != SyncState::Lost {
            self.sync_state = SyncState::Level;
        }
        self.failure = None;
    }

    /// Notes that an operation failed. The log may then be ahead of the state, since an append may have had an effect.
    /// A lost state stays lost.
    pub fn failed(&mut self, at: Instant, problem: Problem) {
        self.sync_state = if self.sync_state < SyncState::Opening { SyncState::Behind } else { SyncState::Lost };
        self.failure = Some(Failure { at, problem });
    }

    /// Finishes the pending commands, takes no more, and ends.
    pub fn drain(&mut self) {
        self.is_draining = true;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::super::log::LogError, *};
    use crate::protocol::Code;

    fn state(changes: impl FnOnce(&mut LogState)) -> LogState {
        let mut state = LogState::level();
        changes(&mut state);
        state
    }

    fn failed(state: &mut LogState, at: Instant) {
        state.failed(at, Problem::new(Code::StoreUnavailable, "The store is away."));
    }

    /// Runs an operation that ends at once.
    fn finish(state: &mut LogState) {
        state.operation = None;
    }

    fn endless() -> Operation {
        Box::pin(pending())
    }

    #[test]
    fn the_next_operation_follows_from_the_state() {
        let now = Instant::now();
        let just_before = now.checked_sub(TICK.saturating_sub(Duration::from_millis(1))).unwrap();
        let a_tick_ago = now.checked_sub(TICK).unwrap();
        let rows: [(&str, LogState, [Next; 2]); 12] = [
            ("level", LogState::level(), [Next::Wait, Next::Append]),
            ("behind", state(LogState::fall_behind), [Next::CatchUp; 2]),
            ("lost", state(LogState::lose), [Next::Open; 2]),
            ("doubted", state(LogState::doubt), [Next::CatchUp; 2]),
            ("draining", state(LogState::drain), [Next::Wait, Next::Append]),
            (
                "lost, then behind",
                state(|state| {
                    state.lose();
                    state.fall_behind();
                }),
                [Next::Open; 2],
            ),
            ("just failed", state(|state| failed(state, just_before)), [Next::Wait; 2]),
            ("failed a tick ago", state(|state| failed(state, a_tick_ago)), [Next::CatchUp; 2]),
            (
                "lost, just failed",
                state(|state| {
                    state.lose();
                    failed(state, just_before);
                }),
                [Next::Wait; 2],
            ),
            (
                "lost, failed a tick ago",
                state(|state| {
                    state.lose();
                    failed(state, a_tick_ago);
                }),
                [Next::Open; 2],
            ),
            (
                "reading",
                state(|state| {
                    state.fall_behind();
                    state.begin_read(endless());
                }),
                [Next::Wait; 2],
            ),
            ("appending", state(|state| state.begin_append(endless())), [Next::Wait; 2]),
        ];
        for (what, state, expected) in rows {
            assert_eq!([false, true].map(|has_pending| state.next(now, has_pending)), expected, "{what}");
        }
    }

    #[test]
    fn doubts_alternate_with_appends() {
        let (mut state, now) = (LogState::level(), Instant::now());
        state.doubt();
        for _ in 0..3 {
            assert_eq!(state.next(now, true), Next::CatchUp);
            state.begin_read(endless());
            state.doubt();
            finish(&mut state);
            state.caught_up();
            assert_eq!(state.next(now, true), Next::Append, "the log has just been read");
            assert_eq!(state.next(now, false), Next::CatchUp, "nothing is pending that a doubt would hold up");
            state.begin_append(endless());
            finish(&mut state);
        }
        state.begin_read(endless());
        finish(&mut state);
        assert_eq!(state.next(now, false), Next::Wait, "the doubt was checked");
    }

    #[test]
    fn a_read_ends_being_behind_and_a_failure_but_not_being_lost() {
        let now = Instant::now();
        let mut state = state(|state| failed(state, now));
        assert!(state.problem().is_some());
        state.caught_up();
        assert!(state.problem().is_none());
        assert_eq!(state.next(now, true), Next::Append);
        state.fall_behind();
        state.begin_read(endless());
        state.lose();
        finish(&mut state);
        state.caught_up();
        assert_eq!(state.next(now, true), Next::Open, "the log was changed during the read");
        state.begin_read(endless());
        finish(&mut state);
        failed(&mut state, now);
        assert!(state.is_lost());
        state.begin_read(endless());
        finish(&mut state);
        state.opened();
        assert!(state.problem().is_none());
        assert_eq!(state.next(now, true), Next::Append);
    }

    #[test]
    fn a_log_that_is_changed_while_it_is_opened_is_opened_once_more() {
        let now = Instant::now();
        let mut state = state(LogState::lose);
        state.begin_read(endless());
        state.lose();
        finish(&mut state);
        state.opened();
        assert!(state.is_lost());
        assert_eq!(state.next(now, true), Next::Open, "what was read may be from before the change");
        state.begin_read(endless());
        finish(&mut state);
        state.opened();
        assert!(!state.is_lost());
        assert_eq!(state.next(now, true), Next::Append);
    }

    #[test]
    fn a_room_that_drains_has_finished_when_nothing_is_left() {
        assert!(!LogState::level().is_drained(false, false), "it does not drain");
        let mut state = state(LogState::drain);
        assert!(state.is_draining());
        assert!(!state.is_drained(true, false));
        assert!(!state.is_drained(false, true));
        assert!(state.is_drained(false, false));
        state.begin_append(endless());
        assert!(!state.is_drained(false, false));
    }

    #[tokio::test]
    async fn an_operation_is_awaited_until_it_has_finished() {
        let mut state = LogState::level();
        let (done, result) = tokio::sync::oneshot::channel();
        state.begin_read(Box::pin(async move { result.await.unwrap() }));
        tokio::select! {
            biased;
            _ = state.finished() => panic!("it has not finished"),
            () = std::future::ready(()) => {}
        }
        assert!(state.is_busy(), "an await that ended early takes nothing");
        assert!(done.send(Finished::CaughtUp(Err(LogError::Gone))).is_ok());
        assert!(matches!(state.finished().await, Finished::CaughtUp(Err(_))));
        assert!(!state.is_busy());
    }
}
