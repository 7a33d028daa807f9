//! Floor 1: the metrics of a node, for Prometheus.
//!
//! [`start`] makes the registry, which has a handle for each metric, once in a process. A handle comes from the
//! recorder itself, so none can exist before its recorder. Without [`start`], as in a node without `METRICS_ADDR`, each
//! function here only reads one atomic value and returns.
//!
//! The value of a label is always one of a set in the code: a kind of event, the pattern of a path, a code of a
//! problem. So metrics contain no room code, name, text or address, and their number is bounded.
//!
//! - `catalogue`: name, unit and meaning of each metric.
//! - `registry`: the handles, and the sets of the labels' values.
//! - `rooms`, `sockets`, `http`, `services`: what each area counts.
//!
//! Not here: the listener that answers with [`text`] (`http/scrapes.rs`). It also asks for the values in [`Observed`].

mod catalogue;
mod http;
mod registry;
mod rooms;
mod services;
mod sockets;

use self::registry::{float, started};
pub use self::{
    http::{count_refusal, count_request},
    registry::{MailOutcome, start},
    rooms::{
        CommandsWaiting, Stopwatch, count_append, count_resume, count_snapshot, record_delivery, set_lists_waiting,
    },
    services::{count_bus_error, count_dropped_packet, count_mail, count_redis_lost, count_store_error},
    sockets::{count_answer, count_cut, count_socket_end},
};

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

/// The names of all metrics.
pub fn names() -> impl Iterator<Item = &'static str> {
    catalogue::ALL.into_iter().map(|metric| metric.name)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        registry::{BYE_REASONS, word},
        *,
    };
    use crate::protocol::Code;

    /// The value of a series in the text.
    fn value(text: &str, series: &str) -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        line.parse().ok()
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
