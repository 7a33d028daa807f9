//! Floor 1: the system's random source. If it fails there is nothing safe to go on with, so that is a panic.

use uuid::Uuid;

use crate::protocol::{Epoch, MemberId, RoomCode};

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source works");
    bytes
}

/// A new room code, not yet known to be free.
pub fn room_code() -> RoomCode {
    RoomCode::from_bits(u32::from_le_bytes(bytes()))
}

/// A new member id, not yet known to be free in its room.
pub fn member_id() -> MemberId {
    MemberId::from_bits(u64::from_le_bytes(bytes()))
}

/// A new epoch.
pub fn epoch() -> Epoch {
    Epoch::from_bits(u64::from_le_bytes(bytes()))
}

/// A new id that sorts by time.
pub fn uuid() -> Uuid {
    Uuid::now_v7()
}

/// 256 bits for a session token.
pub fn token() -> [u8; 32] {
    bytes()
}

/// A number below `bound`, for jitter and friendly names; the slight bias does not matter there.
pub fn below(bound: u32) -> u32 {
    u32::from_le_bytes(bytes()) % bound.max(1)
}
