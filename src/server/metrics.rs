//! Floor 1: the metrics of a node, for Prometheus.
//!
//! [`start`] makes [`Metrics`], which has a handle for each metric, once in a process. A handle comes from the recorder
//! itself, so none can exist before its recorder. Without [`start`], as in a node without `METRICS_ADDR`, each function
//! here only reads one atomic value and returns.
//!
//! The value of a label is always one of a set in the code: a kind of event, the pattern of a path, a code of a
//! problem. So metrics contain no room code, name, text or address, and their number is bounded.
//!
//! Not here: the listener that answers with [`text`] (`http/scrapes.rs`). It also asks for the values in [`Observed`].

use std::{
    collections::HashMap,
    panic::Location,
    path::Path,
    sync::{OnceLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use serde::Serialize;

use crate::protocol::{ByeReason, Code, Event, EventKind, ResetReason, ServerFrame};

/// The metrics of this process. Empty until [`start`].
static METRICS: OnceLock<Metrics> = OnceLock::new();

/// The upper bounds of the buckets of all histograms, in seconds. A delivery in one process takes some tens of
/// microseconds, and an operation on a log at most 2.8 s.
const BUCKETS: [f64; 15] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// A metric: its name, its unit, and its meaning.
struct Metric {
    kind: Kind,
    name: &'static str,
    meaning: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
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

const BUILD_INFO: Metric = Metric::gauge("anonchat_build_info", "Always 1. The label has the version of the program.");
const OPEN_SOCKETS: Metric = Metric::gauge("anonchat_open_sockets", "Sockets that are open on this node.");
const LIVE_ROOMS: Metric = Metric::gauge("anonchat_live_rooms", "Rooms with a task on this node.");
const ROOM_REQUESTS_WAITING: Metric =
    Metric::gauge("anonchat_room_requests_waiting", "Requests in the inboxes of all live rooms.");
const ROOM_COMMANDS_WAITING: Metric =
    Metric::gauge("anonchat_room_commands_waiting", "Commands of all live rooms that wait for an append.");
const SOCKET_BACKLOG_BYTES: Metric = Metric {
    kind: Kind::Gauge(Unit::Bytes),
    name: "anonchat_socket_backlog_bytes",
    meaning: "Bytes that wait in all sockets because clients do not read them.",
};
const LISTS_WAITING: Metric =
    Metric::gauge("anonchat_lists_waiting", "Accounts whose list of rooms waits for a read of the store.");
const MAILS_WAITING: Metric =
    Metric::gauge("anonchat_mails_waiting", "Mails in the outbox of the store, which all nodes share.");
const PASSWORDS_WAITING: Metric =
    Metric::gauge("anonchat_passwords_waiting", "Passwords that wait to be hashed, or are being hashed.");
const EVENTS_APPENDED: Metric =
    Metric::counter("anonchat_events_appended_total", "Events that this node appended to logs, by kind.");
const APPEND_SECONDS: Metric =
    Metric::seconds("anonchat_append_duration_seconds", "Time from accepting a command to its event in the log.");
const DELIVERY_SECONDS: Metric = Metric::seconds(
    "anonchat_delivery_duration_seconds",
    "Time from the append of events, or their packet from the bus, until all sockets of the room have them.",
);
const SNAPSHOTS: Metric = Metric::counter("anonchat_snapshots_total", "Snapshots of rooms that were made.");
const RESUMES: Metric = Metric::counter("anonchat_resumes_total", "Subscriptions that resumed without a gap.");
const RESETS: Metric = Metric::counter("anonchat_resets_total", "Subscriptions that could not resume, by reason.");
const SOCKETS_CLOSED: Metric = Metric::counter("anonchat_sockets_closed_total", "Sockets that ended, by reason.");
const BACKLOG_CUT_BYTES: Metric = Metric {
    kind: Kind::Counter(Unit::Bytes),
    name: "anonchat_socket_backlog_cut_bytes_total",
    meaning: "Bytes in backlogs that were dropped because their socket ended.",
};
const REFUSALS: Metric =
    Metric::counter("anonchat_refusals_total", "Refused requests and frames, by way and by code of the problem.");
const STORE_ERRORS: Metric =
    Metric::counter("anonchat_store_errors_total", "Calls to the store that failed, by kind of record.");
const BUS_ERRORS: Metric = Metric::counter("anonchat_bus_errors_total", "Calls to Redis that failed, by kind.");
const REDIS_LOST: Metric = Metric::counter("anonchat_redis_lost_total", "Times that the connection to Redis was lost.");
const PACKETS_DROPPED: Metric = Metric::counter(
    "anonchat_packets_dropped_total",
    "Packets that were dropped because a queue was full. The comparison of heads finds their events.",
);
const MAILS: Metric = Metric::counter("anonchat_mails_total", "Attempts to send a mail, by outcome.");
const HTTP_REQUESTS: Metric = Metric::counter(
    "anonchat_http_requests_total",
    "Answered requests, by pattern of the path, method and class of the status.",
);
const HTTP_SECONDS: Metric = Metric::seconds(
    "anonchat_http_request_duration_seconds",
    "Time from the head of a request to the head of its answer, by pattern of the path and method.",
);

const ALL: [&Metric; 25] = [
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

const EVENT_KINDS: [&str; 8] = ["message", "joined", "left", "removed", "renamed", "retention_changed", "owner", OTHER];
const RESET_REASONS: [ResetReason; 2] = [ResetReason::EpochChanged, ResetReason::TooFarBehind];
const BYE_REASONS: [ByeReason; 8] = [
    ByeReason::GoingAway,
    ByeReason::TooSlow,
    ByeReason::Silent,
    ByeReason::SignedOut,
    ByeReason::SignedIn,
    ByeReason::TooManySockets,
    ByeReason::PreferencesChanged,
    ByeReason::Renew,
];
/// The reason of a socket that the client ended.
const CLIENT_LEFT: &str = "client_left";
/// The names of the drivers' files, which are those of the store's traits.
const STORE_CLASSES: [&str; 9] =
    ["accounts", "events", "guests", "mails", "members", "rooms", "sessions", "tokens", OTHER];
/// The names of the files of the driver for Redis.
const BUS_CLASSES: [&str; 6] = ["digests", "leases", "packets", "tails", "throttles", OTHER];
const OTHER: &str = "other";
const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The way on which a refusal is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    /// By HTTP: REST, forms and pages.
    Http,
    /// As a frame of a socket.
    Socket,
}

/// The outcome of one attempt to send a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MailOutcome {
    /// The mail server has accepted the mail.
    Sent,
    /// The mail is tried again later.
    Postponed,
    /// The mail is not tried again.
    GivenUp,
}

/// Values that are asked for when the metrics are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Observed {
    pub open_sockets: usize,
    pub live_rooms: usize,
    /// The requests in the inboxes of live rooms.
    pub room_requests: usize,
    /// The bytes in the backlogs of sockets.
    pub backlog_bytes: usize,
    /// The mails in the outbox. `None` if the store did not answer.
    pub mails: Option<usize>,
    /// The passwords that wait for a thread, or have one.
    pub passwords: usize,
}

/// The handles of all metrics, and their recorder.
struct Metrics {
    recorder: PrometheusRecorder,
    reader: PrometheusHandle,
    open_sockets: Gauge,
    live_rooms: Gauge,
    room_requests: Gauge,
    room_commands: Gauge,
    backlog_bytes: Gauge,
    lists: Gauge,
    mails_waiting: Gauge,
    passwords: Gauge,
    events: Counters<&'static str>,
    append: Histogram,
    delivery: Histogram,
    snapshots: Counter,
    resumes: Counter,
    resets: Counters<ResetReason>,
    closed: Counters<Option<ByeReason>>,
    backlog_cut: Counter,
    refusals: Counters<(Way, Code)>,
    store_errors: Counters<&'static str>,
    bus_errors: Counters<&'static str>,
    redis_lost: Counter,
    packets_dropped: Counter,
    mails: Counters<MailOutcome>,
    /// The handles of each route by its pattern and method. Made with the first request of a route.
    routes: RwLock<HashMap<String, HashMap<&'static str, Route>>>,
}

/// The handles of one route.
struct Route {
    /// By class of the status.
    requests: [Counter; STATUS_CLASSES.len()],
    duration: Histogram,
}

/// The counters of one metric, by the value that is counted. The sets are small, so a value is searched in order.
struct Counters<T>(Vec<(T, Counter)>);

impl<T: PartialEq> Counters<T> {
    fn count(&self, value: &T) {
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| known == value) {
            counter.increment(1);
        }
    }
}

impl Metrics {
    fn new() -> Self {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).expect("there are buckets");
        let recorder = builder.build_recorder();
        for Metric { kind, name, meaning } in ALL {
            let (name, meaning) = ((*name).into(), (*meaning).into());
            match kind {
                Kind::Counter(unit) => recorder.describe_counter(name, Some(*unit), meaning),
                Kind::Gauge(unit) => recorder.describe_gauge(name, Some(*unit), meaning),
                Kind::Seconds => recorder.describe_histogram(name, Some(Unit::Seconds), meaning),
            }
        }
        let counter = |metric: &Metric| recorder.register_counter(&key(metric, &[]), &METADATA);
        let gauge = |metric: &Metric| recorder.register_gauge(&key(metric, &[]), &METADATA);
        let seconds = |metric: &Metric| recorder.register_histogram(&key(metric, &[]), &METADATA);
        let by_word = |metric: &Metric, label, words: &'static [&'static str]| {
            counters(&recorder, metric, words.iter().copied(), |word| vec![(label, (*word).to_owned())])
        };
        let version = [("version", env!("CARGO_PKG_VERSION").to_owned())];
        recorder.register_gauge(&key(&BUILD_INFO, &version), &METADATA).set(1.0);
        let ends = BYE_REASONS.into_iter().map(Some).chain([None]);
        let ways = [Way::Http, Way::Socket];
        let refusals = ways.into_iter().flat_map(|way| Code::ALL.iter().map(move |code| (way, *code)));
        let outcomes = [MailOutcome::Sent, MailOutcome::Postponed, MailOutcome::GivenUp];
        Self {
            reader: recorder.handle(),
            open_sockets: gauge(&OPEN_SOCKETS),
            live_rooms: gauge(&LIVE_ROOMS),
            room_requests: gauge(&ROOM_REQUESTS_WAITING),
            room_commands: gauge(&ROOM_COMMANDS_WAITING),
            backlog_bytes: gauge(&SOCKET_BACKLOG_BYTES),
            lists: gauge(&LISTS_WAITING),
            mails_waiting: gauge(&MAILS_WAITING),
            passwords: gauge(&PASSWORDS_WAITING),
            events: by_word(&EVENTS_APPENDED, "kind", &EVENT_KINDS),
            append: seconds(&APPEND_SECONDS),
            delivery: seconds(&DELIVERY_SECONDS),
            snapshots: counter(&SNAPSHOTS),
            resumes: counter(&RESUMES),
            resets: counters(&recorder, &RESETS, RESET_REASONS, |reason| vec![("reason", word(reason))]),
            closed: counters(&recorder, &SOCKETS_CLOSED, ends, |reason| {
                vec![("reason", reason.as_ref().map_or_else(|| CLIENT_LEFT.to_owned(), word))]
            }),
            backlog_cut: counter(&BACKLOG_CUT_BYTES),
            refusals: counters(&recorder, &REFUSALS, refusals, |(way, code)| {
                vec![("way", word(way)), ("code", word(code))]
            }),
            store_errors: by_word(&STORE_ERRORS, "class", &STORE_CLASSES),
            bus_errors: by_word(&BUS_ERRORS, "class", &BUS_CLASSES),
            redis_lost: counter(&REDIS_LOST),
            packets_dropped: counter(&PACKETS_DROPPED),
            mails: counters(&recorder, &MAILS, outcomes, |outcome| vec![("outcome", word(outcome))]),
            routes: RwLock::default(),
            recorder,
        }
    }

    fn route(&self, path: &str, method: &'static str) -> Route {
        let labels = [("path", path.to_owned()), ("method", method.to_owned())];
        let requests = STATUS_CLASSES.map(|class| {
            let labels = [&labels[..], &[("status", class.to_owned())]].concat();
            self.recorder.register_counter(&key(&HTTP_REQUESTS, &labels), &METADATA)
        });
        Route { requests, duration: self.recorder.register_histogram(&key(&HTTP_SECONDS, &labels), &METADATA) }
    }
}

fn key(metric: &Metric, labels: &[(&'static str, String)]) -> Key {
    let labels: Vec<Label> = labels.iter().map(|(label, value)| Label::new(*label, value.clone())).collect();
    Key::from_parts(metric.name, labels)
}

/// Registers a counter for each value.
fn counters<T>(
    recorder: &PrometheusRecorder,
    metric: &Metric,
    values: impl IntoIterator<Item = T>,
    labels: impl Fn(&T) -> Vec<(&'static str, String)>,
) -> Counters<T> {
    let register = |value: T| {
        let counter = recorder.register_counter(&key(metric, &labels(&value)), &METADATA);
        (value, counter)
    };
    Counters(values.into_iter().map(register).collect())
}

/// The name of a variant, as it is on the wire.
fn word(value: &impl Serialize) -> String {
    let name = serde_json::to_value(value).ok();
    name.as_ref().and_then(serde_json::Value::as_str).unwrap_or(OTHER).to_owned()
}

/// A number as the value of a gauge.
fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn started() -> Option<&'static Metrics> {
    METRICS.get()
}

/// Starts recording in this process. Further calls change nothing.
pub fn start() {
    METRICS.get_or_init(Metrics::new);
}

/// The names of all metrics.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().map(|metric| metric.name)
}

/// All metrics in the text format of Prometheus. `None` if nothing is recorded.
pub fn text(observed: &Observed) -> Option<String> {
    let metrics = started()?;
    metrics.open_sockets.set(float(observed.open_sockets));
    metrics.live_rooms.set(float(observed.live_rooms));
    metrics.room_requests.set(float(observed.room_requests));
    metrics.backlog_bytes.set(float(observed.backlog_bytes));
    metrics.mails_waiting.set(observed.mails.map_or(f64::NAN, float));
    metrics.passwords.set(float(observed.passwords));
    Some(metrics.reader.render())
}

/// Sorts new samples of histograms into their buckets. Samples occupy memory until then, so it is called regularly,
/// also if nobody reads the metrics.
pub fn sort_samples() {
    if let Some(metrics) = started() {
        metrics.reader.run_upkeep();
    }
}

/// A time measurement. It reads no clock if nothing is recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stopwatch(Option<Instant>);

impl Stopwatch {
    /// Starts at the present time.
    pub fn start() -> Self {
        Self(started().map(|_| Instant::now()))
    }

    /// Starts when `other` did, unless it runs for longer.
    pub fn start_with(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
    }
}

/// The number of entries in one of several queues, whose sum is [`ROOM_COMMANDS_WAITING`]. Dropping it subtracts them.
#[derive(Debug, Default)]
pub struct CommandsWaiting(usize);

impl CommandsWaiting {
    /// Sets the number for this queue.
    pub fn set(&mut self, waiting: usize) {
        if waiting != self.0
            && let Some(metrics) = started()
        {
            let (more, less) = (waiting.saturating_sub(self.0), self.0.saturating_sub(waiting));
            metrics.room_commands.increment(float(more));
            metrics.room_commands.decrement(float(less));
            self.0 = waiting;
        }
    }
}

impl Drop for CommandsWaiting {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Counts an event that this node has appended, and the time since its command was accepted.
pub fn count_append(event: &Event, accepted: Stopwatch) {
    let Some(metrics) = started() else { return };
    let kind = match event.kind {
        EventKind::Message(_) => "message",
        EventKind::Joined { .. } => "joined",
        EventKind::Left { .. } => "left",
        EventKind::Removed { .. } => "removed",
        EventKind::Renamed { .. } => "renamed",
        EventKind::RetentionChanged { .. } => "retention_changed",
        EventKind::Owner { .. } => "owner",
        EventKind::Other(..) => OTHER,
    };
    metrics.events.count(&kind);
    if let Some(accepted) = accepted.0 {
        metrics.append.record(accepted.elapsed());
    }
}

/// Records the time until the sockets of a room were handed new events.
pub fn record_delivery(since: Stopwatch) {
    if let (Some(metrics), Some(since)) = (started(), since.0) {
        metrics.delivery.record(since.elapsed());
    }
}

pub fn count_snapshot() {
    if let Some(metrics) = started() {
        metrics.snapshots.increment(1);
    }
}

/// Counts a subscription that was resumed.
pub fn count_resume() {
    if let Some(metrics) = started() {
        metrics.resumes.increment(1);
    }
}

/// Counts a frame that is sent to one socket, if it is a refusal or a reset.
pub fn count_answer(frame: &ServerFrame) {
    match (started(), frame) {
        (Some(metrics), ServerFrame::Error { code, .. }) => metrics.refusals.count(&(Way::Socket, *code)),
        (Some(metrics), ServerFrame::Reset { reason, .. }) => metrics.resets.count(reason),
        _ => {}
    }
}

/// Counts a refusal by HTTP.
pub fn count_refusal(code: Code) {
    if let Some(metrics) = started() {
        metrics.refusals.count(&(Way::Http, code));
    }
}

/// Counts a socket that has ended. Without a reason, its client has ended it.
pub fn count_socket_end(reason: Option<ByeReason>) {
    if let Some(metrics) = started() {
        metrics.closed.count(&reason);
    }
}

/// Counts bytes of a backlog that are dropped.
pub fn count_cut(bytes: usize) {
    if let Some(metrics) = started() {
        metrics.backlog_cut.increment(bytes as u64);
    }
}

/// Counts a failed call to the store. Its class is the file of the driver's method that made the call.
pub fn count_store_error(caller: &Location<'_>) {
    if let Some(metrics) = started() {
        metrics.store_errors.count(&class(caller, &STORE_CLASSES));
    }
}

/// Counts a failed call to Redis. Its class is the file of the driver that made the call.
pub fn count_bus_error(caller: &Location<'_>) {
    if let Some(metrics) = started() {
        metrics.bus_errors.count(&class(caller, &BUS_CLASSES));
    }
}

fn class(caller: &Location<'_>, classes: &[&'static str]) -> &'static str {
    let file = Path::new(caller.file()).file_stem().and_then(|name| name.to_str());
    classes.iter().copied().find(|class| Some(*class) == file).unwrap_or(OTHER)
}

pub fn count_redis_lost() {
    if let Some(metrics) = started() {
        metrics.redis_lost.increment(1);
    }
}

/// Counts a packet that a full queue did not take.
pub fn count_dropped_packet() {
    if let Some(metrics) = started() {
        metrics.packets_dropped.increment(1);
    }
}

/// Counts an attempt to send a mail.
pub fn count_mail(outcome: MailOutcome) {
    if let Some(metrics) = started() {
        metrics.mails.count(&outcome);
    }
}

/// Sets the number of accounts whose list of rooms waits for the store.
pub fn set_lists_waiting(accounts: usize) {
    if let Some(metrics) = started() {
        metrics.lists.set(float(accounts));
    }
}

/// Counts an answered request. `path` is the pattern of the route.
pub fn count_request(path: &str, method: &'static str, status: u16, took: Duration) {
    let Some(metrics) = started() else { return };
    let count = |route: &Route| {
        if let Some(counter) = route.requests.get(usize::from(status / 100).wrapping_sub(1)) {
            counter.increment(1);
        }
        route.duration.record(took);
    };
    {
        let routes = metrics.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = routes.get(path).and_then(|methods| methods.get(method)) {
            return count(route);
        }
    }
    let mut routes = metrics.routes.write().unwrap_or_else(PoisonError::into_inner);
    count(routes.entry(path.to_owned()).or_default().entry(method).or_insert_with(|| metrics.route(path, method)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a series in the text.
    fn value(text: &str, series: &str) -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        line.parse().ok()
    }

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

    #[test]
    fn starting_twice_keeps_what_was_counted() {
        start();
        count_mail(MailOutcome::GivenUp);
        start();
        let text = text(&Observed::default()).unwrap();
        assert!(value(&text, "anonchat_mails_total{outcome=\"given_up\"}").unwrap() >= 1.0, "{text}");
        assert_eq!(
            value(&text, &format!("anonchat_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))),
            Some(1.0)
        );
    }

    #[test]
    fn the_class_of_a_failed_call_is_the_file_that_made_it() {
        let here = Location::caller();
        assert_eq!(class(here, &["metrics", OTHER]), "metrics");
        assert_eq!(class(here, &STORE_CLASSES), OTHER);
    }

    #[test]
    fn every_value_of_a_closed_set_has_a_series_of_its_own() {
        start();
        for code in Code::ALL {
            count_refusal(*code);
        }
        for reason in BYE_REASONS.into_iter().map(Some).chain([None]) {
            count_socket_end(reason);
        }
        let text = text(&Observed::default()).unwrap();
        for code in Code::ALL {
            let series = format!("anonchat_refusals_total{{way=\"http\",code=\"{}\"}}", word(code));
            assert!(value(&text, &series).unwrap() >= 1.0, "{series}");
        }
        assert!(value(&text, "anonchat_sockets_closed_total{reason=\"client_left\"}").unwrap() >= 1.0);
    }

    #[test]
    fn a_route_is_counted_by_its_pattern_and_the_class_of_its_status() {
        start();
        let count = || count_request("/of/{a}/test", "GET", 404, Duration::from_millis(3));
        count();
        count();
        let text = text(&Observed::default()).unwrap();
        let labels = "path=\"/of/{a}/test\",method=\"GET\"";
        assert_eq!(value(&text, &format!("anonchat_http_requests_total{{{labels},status=\"4xx\"}}")), Some(2.0));
        assert_eq!(value(&text, &format!("anonchat_http_request_duration_seconds_count{{{labels}}}")), Some(2.0));
        let bucket = |bound: &str| {
            value(&text, &format!("anonchat_http_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}}"))
        };
        assert_eq!((bucket("0.0025"), bucket("0.005")), (Some(0.0), Some(2.0)));
    }
}
