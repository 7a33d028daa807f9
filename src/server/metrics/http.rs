//! What HTTP counts: answered requests by route, and refusals.

use std::{sync::PoisonError, time::Duration};

use super::registry::{Route, Way, started};
use crate::protocol::Code;

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

/// Counts a refusal by HTTP.
pub fn count_refusal(code: Code) {
    if let Some(metrics) = started() {
        metrics.refusals.count(&(Way::Http, code));
    }
}
