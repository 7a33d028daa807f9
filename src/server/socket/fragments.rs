//! Fragments: counts the fragments of each message that a client sends.
//!
//! The library returns whole messages only, so it never returns a message in endless fragments. This scanner therefore
//! follows the frame headers (RFC 6455, section 5.2) in the incoming bytes, and skips the payloads.

/// Most fragments of one message. Browsers send a message of [`FRAME_BYTES`](crate::protocol::limits::FRAME_BYTES) in
/// one.
pub(super) const FRAGMENTS: u32 = 64;
/// The longest header: two bytes, eight for the length, four for the mask.
const HEADER_BYTES: usize = 14;

/// Follows the frames of one client.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    header: [u8; HEADER_BYTES],
    /// Number of header bytes read so far.
    have: usize,
    /// Bytes that are still to come of the present frame's payload.
    payload: u64,
    /// Frames of the present message so far, none of which was its last.
    unfinished: u32,
}

impl Fragments {
    /// Scans the next bytes. Returns `false` as soon as a message has too many fragments.
    pub fn take(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let skipped = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
            self.payload -= skipped as u64;
            bytes = &bytes[skipped..];
            let Some((&byte, rest)) = bytes.split_first() else { return true };
            bytes = rest;
            self.header[self.have] = byte;
            self.have += 1;
            if self.have < self.header_length() {
                continue;
            }
            self.payload = self.payload_length();
            self.have = 0;
            let (is_last, opcode) = (self.header[0] & 0x80 != 0, self.header[0] & 0x0f);
            // Control frames (opcode 8 and above) may come between the fragments of a message and do not count.
            if opcode < 8 {
                self.unfinished = if is_last { 0 } else { self.unfinished + 1 };
                if self.unfinished >= FRAGMENTS {
                    return false;
                }
            }
        }
    }

    /// Length of the present header, as far as its first bytes are known.
    fn header_length(&self) -> usize {
        if self.have < 2 {
            return 2;
        }
        let length = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        2 + length + mask
    }

    fn payload_length(&self) -> u64 {
        let long = |bytes: &[u8]| bytes.iter().fold(0, |length, byte| (length << 8) | u64::from(*byte));
        match self.header[1] & 0x7f {
            126 => long(&self.header[2..4]),
            127 => long(&self.header[2..10]),
            short => short.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A masked frame of a client.
    fn frame(opcode: u8, is_last: bool, payload: usize) -> Vec<u8> {
        let mut frame = vec![if is_last { 0x80 | opcode } else { opcode }];
        match payload {
            0..126 => frame.push(0x80 | u8::try_from(payload).unwrap()),
            126..65_536 => {
                frame.push(0xfe);
                frame.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(0xff);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.resize(frame.len() + payload, 0x55);
        frame
    }

    #[test]
    fn a_message_may_have_so_many_fragments_and_no_more() {
        let mut fragments = Fragments::default();
        for _ in 0..3 {
            assert!(fragments.take(&frame(1, false, 200)));
            for _ in 2..FRAGMENTS {
                assert!(fragments.take(&frame(0, false, 0)));
                assert!(fragments.take(&frame(9, true, 5)), "a ping between them is none");
            }
            assert!(fragments.take(&frame(0, true, 70_000)), "the last one ends the message");
        }
        assert!(fragments.take(&frame(2, false, 0)));
        let more = frame(0, false, 0).repeat(FRAGMENTS as usize - 1);
        assert!(!fragments.take(&more));
    }

    proptest! {
        #[test]
        fn frames_are_followed_however_the_bytes_are_cut(
            payloads in prop::collection::vec(prop_oneof![0usize..300, 65_000usize..66_000], 1..200),
            cut in 1usize..700,
        ) {
            let bytes: Vec<u8> = payloads.iter().flat_map(|payload| frame(0, false, *payload)).collect();
            let mut fragments = Fragments::default();
            let fits = bytes.chunks(cut).all(|piece| fragments.take(piece));
            prop_assert_eq!(fits, payloads.len() < FRAGMENTS as usize);
        }

        #[test]
        fn no_bytes_are_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let mut fragments = Fragments::default();
            for piece in bytes.chunks(7) {
                fragments.take(piece);
            }
        }
    }
}
