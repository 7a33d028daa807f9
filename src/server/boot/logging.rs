//! Starts logging: where lines go, their format, and which of them are written.

use std::io::IsTerminal;

use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::server::config::{Config, LogFormat};

/// Starts logging. Only `main` calls this, once.
pub fn start_logging(config: &Config) {
    // At their finest levels libraries log whole frames, addresses and commands, which contain codes and message text.
    // So below INFO only this crate may log, whatever the filter asks for: it logs none of that.
    let only_own = Targets::new().with_default(LevelFilter::INFO).with_target("anonchat", LevelFilter::TRACE);
    let filter = EnvFilter::new(&config.log).and(only_own);
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let registry = tracing_subscriber::registry();
    match config.log_format {
        LogFormat::Text => registry.with(lines.with_filter(filter)).init(),
        LogFormat::Json => registry.with(lines.json().with_filter(filter)).init(),
    }
}
