//! The registry: a handle for each metric, and for each value of its label.
//!
//! All handles come from the recorder at once, so that counting looks nothing up. Only the routes of HTTP are
//! registered with their first request.

use std::{
    collections::HashMap,
    sync::{OnceLock, RwLock},
};

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use serde::Serialize;

use super::catalogue::{self, ALL, BUCKETS, Kind, Metric};
use crate::protocol::{ByeReason, Code, EventKind, ResetReason};

/// The metrics of this process. Empty until [`start`].
static METRICS: OnceLock<Metrics> = OnceLock::new();

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

const RESET_REASONS: [ResetReason; 2] = [ResetReason::EpochChanged, ResetReason::TooFarBehind];
pub(super) const BYE_REASONS: [ByeReason; 8] = [
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
pub(super) const STORE_CLASSES: [&str; 8] =
    ["accounts", "events", "guests", "mails", "members", "rooms", "sessions", "tokens"];
/// The names of the files of the driver for Redis.
pub(super) const BUS_CLASSES: [&str; 5] = ["digests", "leases", "packets", "tails", "throttles"];
/// The value of a label for everything that has no value of its own.
pub(super) const OTHER: &str = "other";
pub(super) const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The way on which a refusal is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
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

/// The handles of all metrics, and their recorder.
pub(super) struct Metrics {
    recorder: PrometheusRecorder,
    pub(super) reader: PrometheusHandle,
    pub(super) open_sockets: Gauge,
    pub(super) live_rooms: Gauge,
    pub(super) room_requests: Gauge,
    pub(super) room_commands: Gauge,
    pub(super) backlog_bytes: Gauge,
    pub(super) lists: Gauge,
    pub(super) mails_waiting: Gauge,
    pub(super) passwords: Gauge,
    pub(super) events: Counters<&'static str>,
    pub(super) append: Histogram,
    pub(super) delivery: Histogram,
    pub(super) snapshots: Counter,
    pub(super) resumes: Counter,
    pub(super) resets: Counters<ResetReason>,
    pub(super) closed: Counters<Option<ByeReason>>,
    pub(super) backlog_cut: Counter,
    pub(super) refusals: Counters<(Way, Code)>,
    pub(super) store_errors: Counters<&'static str>,
    pub(super) bus_errors: Counters<&'static str>,
    pub(super) redis_lost: Counter,
    pub(super) packets_dropped: Counter,
    pub(super) mails: Counters<MailOutcome>,
    /// The handles of each route by its pattern and method. Made with the first request of a route.
    pub(super) routes: RwLock<HashMap<String, HashMap<&'static str, Route>>>,
}

/// The handles of one route.
pub(super) struct Route {
    /// By class of the status.
    pub(super) requests: [Counter; STATUS_CLASSES.len()],
    pub(super) duration: Histogram,
}

/// The counters of one metric, by the value that is counted. The sets are small, so a value is searched in order.
pub(super) struct Counters<T>(Vec<(T, Counter)>);

impl<T: PartialEq> Counters<T> {
    pub(super) fn count(&self, value: &T) {
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
        let by_word = |metric: &Metric, label, words: &[&'static str]| {
            let words = words.iter().copied().chain([OTHER]);
            counters(&recorder, metric, words, |word| vec![(label, (*word).to_owned())])
        };
        let version = [("version", env!("CARGO_PKG_VERSION").to_owned())];
        recorder.register_gauge(&key(&catalogue::BUILD_INFO, &version), &METADATA).set(1.0);
        let ends = BYE_REASONS.into_iter().map(Some).chain([None]);
        let ways = [Way::Http, Way::Socket];
        let refusals = ways.into_iter().flat_map(|way| Code::ALL.iter().map(move |code| (way, *code)));
        let outcomes = [MailOutcome::Sent, MailOutcome::Postponed, MailOutcome::GivenUp];
        Self {
            reader: recorder.handle(),
            open_sockets: gauge(&catalogue::OPEN_SOCKETS),
            live_rooms: gauge(&catalogue::LIVE_ROOMS),
            room_requests: gauge(&catalogue::ROOM_REQUESTS_WAITING),
            room_commands: gauge(&catalogue::ROOM_COMMANDS_WAITING),
            backlog_bytes: gauge(&catalogue::SOCKET_BACKLOG_BYTES),
            lists: gauge(&catalogue::LISTS_WAITING),
            mails_waiting: gauge(&catalogue::MAILS_WAITING),
            passwords: gauge(&catalogue::PASSWORDS_WAITING),
            events: by_word(&catalogue::EVENTS_APPENDED, "kind", &EventKind::KNOWN),
            append: seconds(&catalogue::APPEND_SECONDS),
            delivery: seconds(&catalogue::DELIVERY_SECONDS),
            snapshots: counter(&catalogue::SNAPSHOTS),
            resumes: counter(&catalogue::RESUMES),
            resets: counters(&recorder, &catalogue::RESETS, RESET_REASONS, |reason| vec![("reason", word(reason))]),
            closed: counters(&recorder, &catalogue::SOCKETS_CLOSED, ends, |reason| {
                vec![("reason", reason.as_ref().map_or_else(|| CLIENT_LEFT.to_owned(), word))]
            }),
            backlog_cut: counter(&catalogue::BACKLOG_CUT_BYTES),
            refusals: counters(&recorder, &catalogue::REFUSALS, refusals, |(way, code)| {
                vec![("way", word(way)), ("code", word(code))]
            }),
            store_errors: by_word(&catalogue::STORE_ERRORS, "class", &STORE_CLASSES),
            bus_errors: by_word(&catalogue::BUS_ERRORS, "class", &BUS_CLASSES),
            redis_lost: counter(&catalogue::REDIS_LOST),
            packets_dropped: counter(&catalogue::PACKETS_DROPPED),
            mails: counters(&recorder, &catalogue::MAILS, outcomes, |outcome| vec![("outcome", word(outcome))]),
            routes: RwLock::default(),
            recorder,
        }
    }

    pub(super) fn route(&self, path: &str, method: &'static str) -> Route {
        let labels = [("path", path.to_owned()), ("method", method.to_owned())];
        let requests = STATUS_CLASSES.map(|class| {
            let labels = [&labels[..], &[("status", class.to_owned())]].concat();
            self.recorder.register_counter(&key(&catalogue::HTTP_REQUESTS, &labels), &METADATA)
        });
        Route {
            requests,
            duration: self.recorder.register_histogram(&key(&catalogue::HTTP_SECONDS, &labels), &METADATA),
        }
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
pub(super) fn word(value: &impl Serialize) -> String {
    let name = serde_json::to_value(value).ok();
    name.as_ref().and_then(serde_json::Value::as_str).unwrap_or(OTHER).to_owned()
}

/// A number as the value of a gauge.
pub(super) fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The metrics of this process, if it records them.
pub(super) fn started() -> Option<&'static Metrics> {
    METRICS.get()
}

/// Starts recording in this process. Further calls change nothing.
pub fn start() {
    METRICS.get_or_init(Metrics::new);
}
