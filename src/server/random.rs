//! Floor 1: random values from the system's source. If that source fails, no value would be safe, so the functions
//! panic.

use uuid::Uuid;

use crate::protocol::{Epoch, MemberId, RoomCode};

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source works");
    bytes
}

/// Returns a new room code. The caller checks that it is free.
pub fn room_code() -> RoomCode {
    RoomCode::from_bits(u32::from_le_bytes(bytes()))
}

/// Returns a new member id. The caller checks that it is free in the room.
pub fn member_id() -> MemberId {
    MemberId::from_bits(u64::from_le_bytes(bytes()))
}

pub fn epoch() -> Epoch {
    Epoch::from_bits(u64::from_le_bytes(bytes()))
}

/// Returns a new id that sorts by time.
pub fn uuid() -> Uuid {
    Uuid::now_v7()
}

/// Returns a short id for a request. It is no secret.
pub fn request_id() -> String {
    format!("{:016x}", u64::from_le_bytes(bytes()))
}

/// Returns 128 bits for a secret that lives as long as a connection.
pub fn secret() -> u128 {
    u128::from_le_bytes(bytes())
}

/// Returns 256 bits for a session token.
pub fn token() -> [u8; 32] {
    bytes()
}

/// Returns a number below `bound`, for jitter and friendly names. Its slight bias does not matter there.
pub fn below(bound: u32) -> u32 {
    u32::from_le_bytes(bytes()) % bound.max(1)
}
