//! Reads the settings and starts a node.

use anonchat::server::{boot, config::Config};
use clap::Parser;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // A missing `.env` is the usual case.
    let _ = dotenvy::dotenv();
    let config = Config::parse();
    config.check()?;
    boot::start_logging(&config);
    boot::run(config).await
}
