//! Floor 1: opaque tokens, which are secrets of 256 bits that people carry in cookies and links.
//!
//! A token's text is its bytes in URL-safe base64 without padding: 43 characters. The type names the kind of the token,
//! so a token of one kind does not fit where another is expected. The store never has a token, only its hash. Each kind
//! has its own way of hashing, which must never change: browsers and mailboxes have tokens whose hashes are stored.
//!
//! Not here: access tokens, which are signed and have a content (`keys.rs`), and the codes of eight digits in mails,
//! whose hashes are keyed (`keys.rs`).

use std::{fmt, marker::PhantomData};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{
    random,
    store::{ActorId, GuestId, SessionId, TokenHash},
};

/// The bytes of a token's secret.
const SECRET_BYTES: usize = 32;
/// The bytes of the session's id at the start of a refresh token.
const ID_BYTES: usize = 16;

/// Marks the secret of a guest session.
pub enum OfGuest {}
/// Marks the secret part of a refresh token.
pub enum OfSession {}
/// Marks the ticket of a requested log-in code.
pub enum OfCode {}
/// Marks the token in a mail's link.
pub enum OfLink {}
/// Marks the pass of a browser.
pub enum OfPass {}

/// The secret of a guest session, for the cookie.
pub type GuestToken = OpaqueToken<OfGuest>;
/// The secret that a browser gets in a cookie when it requests a log-in code, and returns with the code.
///
/// Codes are short, so a code is valid only in the browser that requested it. Others lack the ticket, so they can
/// neither guess the code nor use up its tries.
pub type Ticket = OpaqueToken<OfCode>;
/// The token in a mail's link.
pub type LinkToken = OpaqueToken<OfLink>;
/// The pass that a browser keeps after it was logged in with an address ([`Keys::pass`](super::keys::Keys::pass)).
pub type Pass = OpaqueToken<OfPass>;

/// A secret of 256 bits, of one kind. Tokens are compared in constant time.
pub struct OpaqueToken<Kind> {
    secret: [u8; SECRET_BYTES],
    kind: PhantomData<fn() -> Kind>,
}

impl<Kind> OpaqueToken<Kind> {
    /// Makes a new token from random bytes.
    pub fn random() -> Self {
        Self::of(random::token())
    }

    /// Makes the token of this secret.
    pub const fn of(secret: [u8; SECRET_BYTES]) -> Self {
        Self { secret, kind: PhantomData }
    }

    /// Reads a token's text. `None` if it is no text of a token.
    pub fn parse(text: &str) -> Option<Self> {
        // Each token has exactly one text: this engine refuses padding, and bits that mean nothing.
        Some(Self::of(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }

    /// The text for the cookie or the link.
    pub fn reveal(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.secret)
    }

    fn hash_of_bytes(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    fn hash_of_text(&self) -> [u8; 32] {
        Sha256::digest(self.reveal()).into()
    }
}

impl OpaqueToken<OfGuest> {
    /// The hash that the store has: SHA-256 of the bytes.
    pub fn hash(&self) -> TokenHash {
        TokenHash(self.hash_of_bytes())
    }
}

impl OpaqueToken<OfLink> {
    /// The hash that the store has: SHA-256 of the text.
    pub fn hash(&self) -> TokenHash {
        TokenHash(self.hash_of_text())
    }
}

impl OpaqueToken<OfCode> {
    /// The id under which the code is stored. It is derived from the ticket (SHA-256 of the text), since nothing else
    /// is known of the visitor.
    pub fn holder(&self) -> ActorId {
        ActorId::Guest(GuestId(id_of_digest(self.hash_of_text())))
    }
}

impl<Kind> PartialEq for OpaqueToken<Kind> {
    fn eq(&self, other: &Self) -> bool {
        self.secret.ct_eq(&other.secret).into()
    }
}

impl<Kind> Eq for OpaqueToken<Kind> {}

impl<Kind> fmt::Debug for OpaqueToken<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueToken(…)")
    }
}

/// The token with which a browser renews its session. Its text is base64 of the session's id and the secret: 64
/// characters.
#[derive(Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session that the token renews.
    pub session: SessionId,
    secret: OpaqueToken<OfSession>,
}

impl RefreshToken {
    /// Makes a new token for a session.
    pub fn random(session: SessionId) -> Self {
        Self { session, secret: OpaqueToken::random() }
    }

    /// Reads a token's text. `None` if it is no text of a refresh token.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, secret) = bytes.split_first_chunk::<ID_BYTES>()?;
        let secret = OpaqueToken::of(secret.try_into().ok()?);
        Some(Self { session: SessionId(Uuid::from_bytes(*id)), secret })
    }

    /// The text for the cookie.
    pub fn reveal(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([self.session.0.as_bytes().as_slice(), &self.secret.secret].concat())
    }

    /// The hash that the store has: SHA-256 of the secret's bytes.
    pub fn hash(&self) -> TokenHash {
        TokenHash(self.secret.hash_of_bytes())
    }

    /// Whether the store has this token's hash. Compares in constant time.
    pub fn is_stored_as(&self, hash: TokenHash) -> bool {
        self.hash().0.ct_eq(&hash.0).into()
    }
}

/// An id from the first half of a digest. The same digest gives the same id.
pub fn id_of_digest(digest: [u8; 32]) -> Uuid {
    let (id, _) = digest.split_first_chunk().expect("a digest is longer than an id");
    Uuid::from_bytes(*id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes from 224 to 255, whose text has both special characters of the alphabet.
    fn secret() -> [u8; 32] {
        std::array::from_fn(|at| 224 + u8::try_from(at).unwrap())
    }

    const TEXT: &str = "4OHi4-Tl5ufo6err7O3u7_Dx8vP09fb3-Pn6-_z9_v8";
    /// From `sha256sum`, of the bytes of [`secret`] and of the characters of [`TEXT`].
    const HASH_OF_BYTES: &str = "9432c1a7d343fcfacb164bdc44ff71c1281c004886b1c428419088d06cd3561a";
    const HASH_OF_TEXT: &str = "d90bad97384181273203dd0f8cc30e16a817bef7a51b026eb6bf0a7fcba3312a";

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    #[test]
    fn a_guests_token_is_stored_as_the_hash_of_its_bytes() {
        let token = GuestToken::of(secret());
        assert_eq!(token.reveal(), TEXT);
        assert_eq!(GuestToken::parse(TEXT).unwrap(), token);
        assert_eq!(hex(&token.hash().0), HASH_OF_BYTES);
    }

    #[test]
    fn a_links_token_is_stored_as_the_hash_of_its_text() {
        let token = LinkToken::parse(TEXT).unwrap();
        assert_eq!(token.reveal(), TEXT);
        assert_eq!(hex(&token.hash().0), HASH_OF_TEXT);
    }

    #[test]
    fn a_tickets_holder_is_the_first_half_of_the_hash_of_its_text() {
        let ActorId::Guest(GuestId(holder)) = Ticket::parse(TEXT).unwrap().holder() else { panic!("it is a guest") };
        assert_eq!(hex(holder.as_bytes()), HASH_OF_TEXT[..32]);
    }

    #[test]
    fn a_refresh_token_is_its_sessions_id_and_a_secret_that_is_stored_as_the_hash_of_its_bytes() {
        const WHOLE: &str = "AAECAwQFBgcICQoLDA0OD-Dh4uPk5ebn6Onq6-zt7u_w8fLz9PX29_j5-vv8_f7_";
        let token = RefreshToken::parse(WHOLE).unwrap();
        assert_eq!(token.session.0, Uuid::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f));
        assert_eq!(token.reveal(), WHOLE);
        assert_eq!(hex(&token.hash().0), HASH_OF_BYTES);
        assert!(token.is_stored_as(token.hash()));
        assert!(!token.is_stored_as(RefreshToken::random(token.session).hash()));
    }

    #[test]
    fn a_refresh_token_names_its_session_and_nothing_else_does() {
        let token = RefreshToken::random(SessionId(random::uuid()));
        let text = token.reveal();
        assert_eq!(text.len(), 64);
        assert_eq!(RefreshToken::parse(&text), Some(token));
        for other in ["", "x", "====", &text[1..], &format!("{text}A"), TEXT, &"A".repeat(1_000)] {
            assert!(RefreshToken::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_token_has_one_text_and_no_other_text_is_read() {
        let token = Pass::random();
        let text = token.reveal();
        assert_eq!((text.len(), Pass::parse(&text)), (43, Some(token)));
        let with_a_bit_more = format!("{}9", &TEXT[..42]);
        let others = ["", "x", &TEXT[1..], &format!("{TEXT}="), &format!(" {TEXT}"), &with_a_bit_more];
        for other in others {
            assert!(Pass::parse(other).is_none(), "{other}");
        }
        assert_ne!(Pass::random(), Pass::random());
    }

    #[test]
    fn a_token_is_not_shown_by_accident() {
        let shown = format!("{:?} {:?}", GuestToken::of(secret()), RefreshToken::random(SessionId(Uuid::nil())));
        assert!(shown.starts_with("OpaqueToken(…) RefreshToken"), "{shown}");
        assert!(shown.ends_with("secret: OpaqueToken(…) }"), "{shown}");
    }
}
