//! The program: reads the settings, and then runs a node or a command of an operator.

use std::{io::ErrorKind, path::PathBuf, process::ExitCode};

use anonchat::server::{
    admin::{self, Command},
    boot,
    config::Config,
};
use anyhow::Context;
use clap::Parser;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Reads the settings of `.env` in the current folder, or of the file that `ENV_FILE` names. A missing `.env` is no
/// error.
///
/// Parent folders are not searched: a user who may write there could set this server's secrets.
fn read_env_file() -> anyhow::Result<()> {
    let named = std::env::var_os("ENV_FILE").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| ".env".into());
    match dotenvy::from_path(&path) {
        Err(dotenvy::Error::Io(error)) if named.is_none() && error.kind() == ErrorKind::NotFound => Ok(()),
        // The cause may quote the line, which may contain a secret.
        Err(dotenvy::Error::LineParse(_, at)) => {
            anyhow::bail!("{} cannot be read: a line is not NAME=value (at character {at} of it)", path.display())
        }
        read => read.with_context(|| format!("reading {}", path.display())),
    }
}

/// Chat by code: create a room, share its code, start talking. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "anonchat", version)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    command: Option<Command>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    read_env_file()?;
    let Cli { mut config, command } = Cli::parse();
    config.check()?;
    match command {
        None => {
            boot::start_logging(&config);
            boot::run(config).await?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Admin(admin)) => {
            // The result of a subcommand is on standard output. So by default only warnings are logged.
            if config.log == "info" {
                "warn".clone_into(&mut config.log);
            }
            boot::start_logging(&config);
            Ok(admin::run(config, admin).await.into())
        }
    }
}
