//! A mailer that writes mails into files, for servers without a mail server: for trying things out, and for personal
//! use.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use async_trait::async_trait;
use tokio::task::spawn_blocking;

use super::{Mail, Mailer, Undelivered};
use crate::server::disk;

/// Writes each mail into a folder as `<id>.eml`, readable by the owner only. Ids sort by time.
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// Creates the folder if it is missing. Mails that are in it already are made unreadable for other users of the
    /// machine.
    pub fn in_folder(folder: PathBuf) -> anyhow::Result<Self> {
        disk::private_folder(&folder)?;
        let there = fs::read_dir(&folder).with_context(|| format!("reading the folder {}", folder.display()))?;
        for entry in there.flatten().filter(|entry| entry.path().extension().is_some_and(|kind| kind == "eml")) {
            disk::close_file(&entry.path());
        }
        Ok(Self { folder })
    }
}

#[async_trait]
impl Mailer for Files {
    async fn send(&self, mail: &Mail) -> Result<(), Undelivered> {
        let (folder, name, bytes) = (self.folder.clone(), mail.id.0.to_string(), mail.message.formatted());
        match spawn_blocking(move || write(&folder, &name, &bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Undelivered::NotNow(error.to_string())),
            Err(_) => Err(Undelivered::NotNow("writing the file panicked".to_owned())),
        }
    }
}

/// Writes a file under a temporary name and then renames it, so that every `.eml` file is complete. An existing file is
/// replaced, so that a mail that is sent twice is still one file.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.part"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(format!("{name}.eml")))?;
    File::open(folder)?.sync_all()
}
