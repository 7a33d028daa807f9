//! What is counted of the services that a node uses: the store, Redis and the mail server.

use std::{panic::Location, path::Path};

use super::registry::{BUS_CLASSES, MailOutcome, OTHER, STORE_CLASSES, started};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_a_failed_call_is_the_file_that_made_it() {
        let here = Location::caller();
        assert_eq!(class(here, &["services"]), "services");
        assert_eq!(class(here, &STORE_CLASSES), OTHER);
    }
}
