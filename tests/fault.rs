//! Faults: real processes are killed while people write; nothing acknowledged is lost, doubled or out of order.
