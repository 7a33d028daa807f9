//! The metrics: name, unit and meaning of each.

use metrics::Unit;

/// The upper bounds of the buckets of all histograms, in seconds. A delivery in one process takes some tens of
/// microseconds, and an operation on a log at most 2.8 s.
pub(super) const BUCKETS: [f64; 15] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// A metric: its name, its unit, and its meaning.
pub(super) struct Metric {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter(Unit),
    Gauge(Unit),
    /// A histogram of seconds.
    Seconds,
}

impl Metric {
    const fn counter(name: &'static str, meaning: &'static str) -> Self {
        Self { kind: Kind::Counter(Unit::Count), name, meaning }
    }

    const fn gauge(name: &'static str, meaning: &'static str) -> Self {
        Self { kind: Kind::Gauge(Unit::Count), name, meaning }
    }

    const fn seconds(name: &'static str, meaning: &'static str) -> Self {
        Self { kind: Kind::Seconds, name, meaning }
    }
}

pub(super) const BUILD_INFO: Metric =
    Metric::gauge("anonchat_build_info", "Always 1. The label has the version of the program.");
pub(super) const OPEN_SOCKETS: Metric = Metric::gauge("anonchat_open_sockets", "Sockets that are open on this node.");
pub(super) const LIVE_ROOMS: Metric = Metric::gauge("anonchat_live_rooms", "Rooms with a task on this node.");
pub(super) const ROOM_REQUESTS_WAITING: Metric =
    Metric::gauge("anonchat_room_requests_waiting", "Requests in the inboxes of all live rooms.");
pub(super) const ROOM_COMMANDS_WAITING: Metric =
    Metric::gauge("anonchat_room_commands_waiting", "Commands of all live rooms that wait for an append.");
pub(super) const SOCKET_BACKLOG_BYTES: Metric = Metric {
    kind: Kind::Gauge(Unit::Bytes),
    name: "anonchat_socket_backlog_bytes",
    meaning: "Bytes that wait in all sockets because clients do not read them.",
};
pub(super) const LISTS_WAITING: Metric =
    Metric::gauge("anonchat_lists_waiting", "Accounts whose list of rooms waits for a read of the store.");
pub(super) const MAILS_WAITING: Metric =
    Metric::gauge("anonchat_mails_waiting", "Mails in the outbox of the store, which all nodes share.");
pub(super) const PASSWORDS_WAITING: Metric =
    Metric::gauge("anonchat_passwords_waiting", "Passwords that wait to be hashed, or are being hashed.");
pub(super) const EVENTS_APPENDED: Metric =
    Metric::counter("anonchat_events_appended_total", "Events that this node appended to logs, by kind.");
pub(super) const APPEND_SECONDS: Metric =
    Metric::seconds("anonchat_append_duration_seconds", "Time from accepting a command to its event in the log.");
pub(super) const DELIVERY_SECONDS: Metric = Metric::seconds(
    "anonchat_delivery_duration_seconds",
    "Time from the append of events, or their packet from the bus, until all sockets of the room have them.",
);
pub(super) const SNAPSHOTS: Metric = Metric::counter("anonchat_snapshots_total", "Snapshots of rooms that were made.");
pub(super) const RESUMES: Metric =
    Metric::counter("anonchat_resumes_total", "Subscriptions that resumed without a gap.");
pub(super) const RESETS: Metric =
    Metric::counter("anonchat_resets_total", "Subscriptions that could not resume, by reason.");
pub(super) const SOCKETS_CLOSED: Metric =
    Metric::counter("anonchat_sockets_closed_total", "Sockets that ended, by reason.");
pub(super) const BACKLOG_CUT_BYTES: Metric = Metric {
    kind: Kind::Counter(Unit::Bytes),
    name: "anonchat_socket_backlog_cut_bytes_total",
    meaning: "Bytes in backlogs that were dropped because their socket ended.",
};
pub(super) const REFUSALS: Metric =
    Metric::counter("anonchat_refusals_total", "Refused requests and frames, by way and by code of the problem.");
pub(super) const STORE_ERRORS: Metric =
    Metric::counter("anonchat_store_errors_total", "Calls to the store that failed, by kind of record.");
pub(super) const BUS_ERRORS: Metric =
    Metric::counter("anonchat_bus_errors_total", "Calls to Redis that failed, by kind.");
pub(super) const REDIS_LOST: Metric =
    Metric::counter("anonchat_redis_lost_total", "Times that the connection to Redis was lost.");
pub(super) const PACKETS_DROPPED: Metric = Metric::counter(
    "anonchat_packets_dropped_total",
    "Packets that were dropped because a queue was full. The comparison of heads finds their events.",
);
pub(super) const MAILS: Metric = Metric::counter("anonchat_mails_total", "Attempts to send a mail, by outcome.");
pub(super) const HTTP_REQUESTS: Metric = Metric::counter(
    "anonchat_http_requests_total",
    "Answered requests, by pattern of the path, method and class of the status.",
);
pub(super) const HTTP_SECONDS: Metric = Metric::seconds(
    "anonchat_http_request_duration_seconds",
    "Time from the head of a request to the head of its answer, by pattern of the path and method.",
);

pub(super) const ALL: [&Metric; 25] = [
    &BUILD_INFO,
    &OPEN_SOCKETS,
    &LIVE_ROOMS,
    &ROOM_REQUESTS_WAITING,
    &ROOM_COMMANDS_WAITING,
    &SOCKET_BACKLOG_BYTES,
    &LISTS_WAITING,
    &MAILS_WAITING,
    &PASSWORDS_WAITING,
    &EVENTS_APPENDED,
    &APPEND_SECONDS,
    &DELIVERY_SECONDS,
    &SNAPSHOTS,
    &RESUMES,
    &RESETS,
    &SOCKETS_CLOSED,
    &BACKLOG_CUT_BYTES,
    &REFUSALS,
    &STORE_ERRORS,
    &BUS_ERRORS,
    &REDIS_LOST,
    &PACKETS_DROPPED,
    &MAILS,
    &HTTP_REQUESTS,
    &HTTP_SECONDS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_it_counts_and_in_which_unit() {
        for metric in ALL {
            let name = metric.name;
            assert!(name.starts_with("anonchat_") && !metric.meaning.is_empty(), "{name}");
            let is_counter = matches!(metric.kind, Kind::Counter(_));
            assert_eq!(name.ends_with("_total"), is_counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), matches!(metric.kind, Kind::Seconds), "{name}");
            let counts_bytes = matches!(metric.kind, Kind::Counter(Unit::Bytes) | Kind::Gauge(Unit::Bytes));
            assert_eq!(name.trim_end_matches("_total").ends_with("_bytes"), counts_bytes, "{name}");
        }
    }
}
