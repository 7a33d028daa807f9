//! The secret that all keys are derived from: which ones are accepted, and the file of one that was made by the server.

use std::{
    collections::BTreeSet,
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use super::super::{disk, random};

/// The minimum length of a secret. With a guessable secret, anybody could log in as anyone.
const SECRET_CHARS: usize = 32;
/// The minimum number of different characters in a secret. Random secrets of 32 hexadecimal digits have fewer once in
/// ten million.
const SECRET_VARIETY: usize = 8;
/// Parts of secrets in examples and templates, in lower case and without punctuation. A secret with one of them was
/// probably copied, so others can know it.
const EXAMPLES: [&str; 14] = [
    "bothnodesknow",
    "randomcharacters",
    "atleast",
    "characterslong",
    "bitsecret",
    "changeme",
    "changethis",
    "replacethis",
    "replaceme",
    "yoursecret",
    "yoursuper",
    "supersecret",
    "placeholder",
    "opensslrand",
];
/// The file under `DATA_DIR` that has the secret, if no secret is set.
pub(super) const FILE: &str = "jwt-secret";

/// Splits secrets that are separated by commas. Refuses short secrets and those of examples.
pub(super) fn accepted(secrets: &str) -> anyhow::Result<Vec<&str>> {
    let secrets: Vec<&str> = secrets.split(',').map(str::trim).filter(|secret| !secret.is_empty()).collect();
    ensure!(!secrets.is_empty(), "JWT_SECRET is empty. Set it to 32 random characters or more, or leave it out.");
    ensure!(
        secrets.iter().all(|secret| secret.chars().count() >= SECRET_CHARS),
        "JWT_SECRET must have {SECRET_CHARS} characters or more; `openssl rand -hex 32` makes a good one."
    );
    ensure!(
        secrets.iter().all(|secret| !is_an_example(secret)),
        "JWT_SECRET is one from an example, or repeats a few characters, so others can guess it. Make one of your own: \
         `openssl rand -hex 32`."
    );
    Ok(secrets)
}

/// Reads the secret from its file in this folder, and makes the file if it is missing.
pub(super) fn kept_in(folder: &Path) -> anyhow::Result<(PathBuf, String)> {
    let path = folder.join(FILE);
    disk::private_folder(folder)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            let secret = BASE64_URL_SAFE_NO_PAD.encode(random::token());
            file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).context("keeping a new secret")?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            disk::close_file(&path);
        }
        Err(error) => return Err(error).with_context(|| format!("making {}", path.display())),
    }
    let secret = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok((path, secret))
}

/// Whether a secret contains a part of an example, or has too few different characters.
fn is_an_example(secret: &str) -> bool {
    let letters: String = secret.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let different: BTreeSet<char> = secret.chars().collect();
    different.len() < SECRET_VARIETY || EXAMPLES.iter().any(|example| letters.contains(example))
}
