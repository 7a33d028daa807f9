//! The parts of HTTP/1.1 and WebSocket (RFC 6455) that the load and the floor need.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Result as Outcome, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// The opcode of a text message.
pub const TEXT: u8 = 1;
/// The opcode that closes a socket.
pub const CLOSE: u8 = 8;
/// The opcode of a ping.
pub const PING: u8 = 9;
/// The opcode of a pong.
pub const PONG: u8 = 10;

/// The key of every handshake. It need not be random: the key protects from caches, and there are none here.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The server's answer to a handshake key.
pub fn accept(key: &[u8]) -> String {
    let mut sha = Sha1::new();
    sha.update(key);
    sha.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(sha.finalize())
}

/// Appends a frame to a buffer. Clients must mask their frames.
pub fn frame(into: &mut Vec<u8>, opcode: u8, payload: &[u8], masked: bool) {
    let mask_bit = if masked { 0x80 } else { 0 };
    into.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => into.push(mask_bit | length as u8),
        length @ 126..65_536 => {
            into.push(mask_bit | 0x7e);
            into.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            into.push(mask_bit | 0x7f);
            into.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    if masked {
        into.extend_from_slice(&MASK);
        into.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        into.extend_from_slice(payload);
    }
}

/// The position of a frame in a buffer.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// The opcode.
    pub opcode: u8,
    /// The index of the first byte of the payload.
    pub start: usize,
    /// The index after the last byte of the payload.
    pub end: usize,
    /// The mask of the payload, if it is masked.
    pub mask: Option<[u8; 4]>,
}

/// Parses the frame at the beginning of a buffer. `None` while bytes are missing. Fragmented messages are refused,
/// since no peer sends any.
pub fn parse(buffer: &[u8]) -> Result<Option<Header>, &'static str> {
    let [first, second, rest @ ..] = buffer else { return Ok(None) };
    if first & 0xf0 != 0x80 {
        return Err("a fragmented or compressed frame");
    }
    let (length, extra) = match second & 0x7f {
        126 => match rest.first_chunk::<2>() {
            Some(bytes) => (usize::from(u16::from_be_bytes(*bytes)), 2),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(bytes) => (u64::from_be_bytes(*bytes) as usize, 8),
            None => return Ok(None),
        },
        length => (usize::from(length), 0),
    };
    let mut start = 2 + extra;
    let mask = if second & 0x80 == 0 {
        None
    } else {
        let Some(mask) = buffer.get(start..).and_then(|rest| rest.first_chunk::<4>()) else { return Ok(None) };
        start += 4;
        Some(*mask)
    };
    let end = start + length;
    Ok((buffer.len() >= end).then_some(Header { opcode: first & 0x0f, start, end, mask }))
}

/// Removes the mask of a payload.
pub fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// A complete HTTP answer at the beginning of a buffer.
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The first `Set-Cookie`, without its attributes.
    pub cookie: Option<String>,
    /// The index where the body begins.
    pub start: usize,
    /// The index after the body.
    pub end: usize,
}

/// Parses an answer with a declared length. `None` while bytes are missing.
pub fn parse_answer(buffer: &[u8]) -> Result<Option<Answer>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(buffer)? else { return Ok(None) };
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        str::from_utf8(found.value).ok()
    };
    let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let cookie = header("set-cookie").and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
    let status = response.code.unwrap_or(0);
    let end = start + length;
    Ok((buffer.len() >= end).then_some(Answer { status, cookie, start, end }))
}

/// Sends a request on a new connection and returns the status of the answer. `patience` is the timeout of each read.
pub fn ask(door: SocketAddr, request: &[u8], patience: Duration) -> Outcome<u16> {
    let mut stream = TcpStream::connect(door)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(request)?;
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(answer) = parse_answer(&answer)? {
            return Ok(answer.status);
        }
        let read = stream.read(&mut piece)?;
        ensure!(read > 0, "the answer was cut off");
        answer.extend_from_slice(&piece[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_any_length_is_read_back_and_a_part_of_it_is_not() {
        for length in [0, 1, 125, 126, 65_535, 65_536, 70_000] {
            for masked in [false, true] {
                let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
                let mut bytes = Vec::new();
                frame(&mut bytes, TEXT, &payload, masked);
                for part in [0, 1, 2, 5, bytes.len() - 1] {
                    assert_eq!(parse(&bytes[..part.min(bytes.len() - 1)]), Ok(None), "{part} of {length}");
                }
                let header = parse(&bytes).unwrap().unwrap();
                assert_eq!((header.opcode, header.end, header.mask.is_some()), (TEXT, bytes.len(), masked));
                if let Some(mask) = header.mask {
                    unmask(&mut bytes[header.start..], mask);
                }
                assert_eq!(bytes[header.start..], payload);
            }
        }
    }

    #[test]
    fn the_key_of_the_specification_is_answered_as_it_says() {
        assert_eq!(accept(KEY.as_bytes()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn an_answer_waits_for_its_whole_body() {
        let bytes = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nSet-Cookie: a=b; Path=/\r\n\r\n{}";
        assert!(parse_answer(&bytes[..bytes.len() - 1]).unwrap().is_none());
        let answer = parse_answer(bytes).unwrap().unwrap();
        assert_eq!((answer.status, answer.cookie.as_deref(), &bytes[answer.start..]), (201, Some("a=b"), &b"{}"[..]));
    }
}
