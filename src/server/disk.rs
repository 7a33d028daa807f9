//! Floor 1: the folder of the server's files. Other users of the machine cannot read it. [`Disk`] watches the free
//! space, so that the server refuses to store messages before the disk is full.

use std::{
    fs::{self, DirBuilder, Metadata, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
    time::Instant,
};

use anyhow::Context;

/// The bits of a mode that give access to other users.
const OTHERS: u32 = 0o077;
/// The bit of a folder that many users share on purpose, such as `/tmp`.
const STICKY: u32 = 0o1000;
/// How long a measurement of the free space is used, in milliseconds.
const FRESH: u64 = 1_000;
/// The floor without a setting, in bytes. On a small disk it is less (`FLOOR_PART`).
const FLOOR: u64 = 512 * MIB;
/// On a small disk, the floor without a setting is the disk's size divided by this.
const FLOOR_PART: u64 = 50;
const MIB: u64 = 1024 * 1024;

/// Makes a folder that only its owner can enter. An existing folder that other users can enter is closed to them. If
/// that fails, or if the folder is shared on purpose, it stays as it is, with a warning in the log.
pub fn private_folder(path: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("making the folder {}", path.display()))?;
    let found = fs::metadata(path).with_context(|| format!("looking at the folder {}", path.display()))?;
    if found.mode() & STICKY != 0 {
        tracing::warn!(folder = %path.display(), "this folder is shared with other users, and is left as it is; the server's files in it are closed to them");
    } else {
        close(path, &found, 0o700);
    }
    Ok(())
}

/// Makes a file that only its owner can read, unless it exists. An existing file that other users can read is closed to
/// them. Call this before anything else opens the file.
pub fn private_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            close_file(path);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Closes a file to other users, if it exists.
pub fn close_file(path: &Path) {
    if let Ok(found) = fs::metadata(path) {
        close(path, &found, 0o600);
    }
}

fn close(path: &Path, found: &Metadata, mode: u32) {
    if found.mode() & OTHERS == 0 {
        return;
    }
    match fs::set_permissions(path, Permissions::from_mode(mode)) {
        Ok(()) => tracing::info!(path = %path.display(), "closed to other users of this machine"),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "other users of this machine can read this, and it cannot be closed to them");
        }
    }
}

/// The free space of a disk, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    Enough,
    /// Below the floor: messages of guests are not stored, and no room begins to keep its log.
    Low,
    /// Below half of the floor: no messages are stored, so that everything else still works.
    Out,
}

/// The disk that the embedded store is on.
pub struct Disk {
    folder: PathBuf,
    floor: Option<u64>,
    since: Instant,
    /// The time of the last measurement, in milliseconds after `since`, plus 1. The value 0 means that there was none.
    looked_at: AtomicU64,
    space: AtomicU8,
}

impl Disk {
    /// The disk that a folder is on. `floor_mib` is the setting; 0 means no floor.
    pub fn of(folder: &Path, floor_mib: Option<u64>) -> Self {
        let floor = floor_mib.map(|mib| mib.saturating_mul(MIB));
        Self {
            folder: folder.to_owned(),
            floor,
            since: Instant::now(),
            looked_at: AtomicU64::new(0),
            space: AtomicU8::new(0),
        }
    }

    /// Returns the free space. It is measured at most once a second. A disk that cannot be measured counts as having
    /// enough.
    pub fn space(&self) -> Space {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1;
        let looked_at = self.looked_at.load(Ordering::Relaxed);
        let is_fresh = looked_at > 0 && now.saturating_sub(looked_at) < FRESH;
        // Of several callers that find the measurement outdated, one measures. The others use the old value.
        let mine = self.looked_at.compare_exchange(looked_at, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        let before = decode(self.space.load(Ordering::Relaxed));
        if is_fresh || !mine {
            return before;
        }
        let space = self.look();
        self.space.store(space as u8, Ordering::Relaxed);
        match (before, space) {
            (Space::Enough, Space::Low | Space::Out) | (Space::Low, Space::Out) => {
                tracing::error!(folder = %self.folder.display(), ?space, "the disk is almost full: make room (DISK_FLOOR_MIB)");
            }
            (Space::Low | Space::Out, Space::Enough) => tracing::info!("the disk has room again"),
            _ => {}
        }
        space
    }

    fn look(&self) -> Space {
        let Ok(found) = rustix::fs::statvfs(&self.folder) else { return Space::Enough };
        let total = found.f_blocks.saturating_mul(found.f_frsize);
        step(found.f_bavail.saturating_mul(found.f_frsize), self.floor.unwrap_or_else(|| FLOOR.min(total / FLOOR_PART)))
    }
}

fn step(free: u64, floor: u64) -> Space {
    if free >= floor {
        Space::Enough
    } else if free >= floor / 2 {
        Space::Low
    } else {
        Space::Out
    }
}

const fn decode(space: u8) -> Space {
    match space {
        0 => Space::Enough,
        1 => Space::Low,
        _ => Space::Out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_private_and_what_was_wide_is_narrowed() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("a/b"), folder.path().join("old"));
        private_folder(&new).unwrap();
        assert_eq!((mode(&new), mode(new.parent().unwrap())), (0o700, 0o700));
        fs::create_dir(&old).unwrap();
        fs::set_permissions(&old, Permissions::from_mode(0o755)).unwrap();
        private_folder(&old).unwrap();
        assert_eq!(mode(&old), 0o700);

        let (made, wide) = (old.join("made"), old.join("wide"));
        private_file(&made).unwrap();
        fs::write(&wide, "kept").unwrap();
        fs::set_permissions(&wide, Permissions::from_mode(0o644)).unwrap();
        private_file(&wide).unwrap();
        assert_eq!((mode(&made), mode(&wide), fs::read_to_string(&wide).unwrap()), (0o600, 0o600, "kept".to_owned()));
        close_file(&old.join("not there"));
    }

    #[test]
    fn a_folder_that_is_shared_on_purpose_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(0o1777)).unwrap();
        private_folder(&shared).unwrap();
        assert_eq!(mode(&shared), 0o1777);
    }

    #[test]
    fn a_disk_below_its_floor_is_low_and_below_half_of_it_out() {
        assert_eq!([100, 99, 50, 49].map(|free| step(free, 100)), [Space::Enough, Space::Low, Space::Low, Space::Out]);
        assert_eq!(step(0, 0), Space::Enough, "no floor");
        let folder = tempfile::tempdir().unwrap();
        let space = |floor| Disk::of(folder.path(), floor).space();
        assert_eq!((space(Some(0)), space(Some(u64::MAX / MIB))), (Space::Enough, Space::Out));
        assert_eq!(Disk::of(Path::new("/not/there"), Some(1)).space(), Space::Enough, "a disk that does not say");
    }
}
