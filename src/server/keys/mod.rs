//! Floor 1: the server's keys. All are derived from one secret. They sign access tokens, and they make the secrets in
//! mails, the passes of browsers and other values that nobody else may be able to make.
//!
//! Several secrets may be set. The first signs, and the others still verify what they have signed. So a secret can be
//! replaced without logging anybody out.
//!
//! Not here: which secrets are accepted, and the file of a secret that nobody has set (`secret`).

mod secret;

use std::{path::Path, time::Duration};

use anyhow::Context;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::protocol::Email;

use super::{
    clock,
    store::{AccountId, ActorId, MailId, SessionId, TokenHash},
    token::{LinkToken, Pass},
};

/// The lifetime of an access token.
pub const ACCESS_LIFE: Duration = Duration::from_mins(15);
/// The issuer in access tokens.
const ISSUER: &str = "anonchat";
/// The audience of access tokens.
const AUDIENCE: &str = "anonchat-web";

/// The keys of a node.
pub struct Keys {
    /// One entry for each secret. The first is used for new values.
    keys: Vec<Key>,
}

struct Key {
    /// The `kid` of tokens. It tells secrets apart and reveals nothing about them.
    id: String,
    /// Signs access tokens.
    access: [u8; 32],
    /// Derives the tokens and codes in mails.
    mail: [u8; 32],
    /// Keys the hashes of codes, and derives the marks of tabs.
    code: [u8; 32],
    /// Derives the passes of browsers.
    pass: [u8; 32],
    /// Derives values from requests ([`Keys::of_request`]).
    request: [u8; 32],
}

/// The content of a verified access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The account that is logged in.
    pub account: AccountId,
    /// The session of the token.
    pub session: SessionId,
    mark: Option<u64>,
}

impl Access {
    /// Whether the access token and this refresh token were sent in the same answer.
    pub fn came_with(&self, refresh: TokenHash) -> bool {
        self.mark == Some(mark(refresh))
    }
}

/// Eight bytes of a refresh token's hash. They do not reveal the token.
fn mark(refresh: TokenHash) -> u64 {
    refresh.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The claims in an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    /// The mark of the refresh token that was sent in the same answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<u64>,
    iat: u64,
    exp: u64,
}

impl Keys {
    /// Derives the keys of these secrets, which are separated by commas. Refuses short secrets and those of examples.
    pub fn of(secrets: &str) -> anyhow::Result<Self> {
        Ok(Self { keys: secret::accepted(secrets)?.into_iter().map(Key::of).collect() })
    }

    /// Derives the keys of the secret in a file in this folder. The file is made at the first start, and only its owner
    /// can read it.
    pub fn kept_in(folder: &Path) -> anyhow::Result<Self> {
        let (path, secret) = secret::kept_in(folder)?;
        Self::of(&secret).with_context(|| format!("{} has no secret; remove it, and a new one is made", path.display()))
    }

    /// Signs an access token for a session. `refresh` is the refresh token that is sent in the same answer, if there is
    /// one. A browser that sends the access token later thereby shows that it has that refresh token.
    pub fn sign(&self, account: AccountId, session: SessionId, refresh: Option<TokenHash>) -> String {
        let now = u64::try_from(clock::now() / 1_000).unwrap_or_default();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: account.0,
            sid: session.0,
            mark: refresh.map(mark),
            iat: now,
            exp: now + ACCESS_LIFE.as_secs(),
        };
        let key = self.current();
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &EncodingKey::from_secret(&key.access))
            .expect("a token of plain claims can be written")
    }

    /// Verifies an access token. Returns `None` for a token that was not signed here, is for another audience, was
    /// altered, or has expired.
    pub fn verify(&self, token: &str) -> Option<Access> {
        let id = decode_header(token).ok()?.kid?;
        let key = self.keys.iter().find(|key| key.id == id)?;
        // Only this algorithm is accepted, whatever the token's header names.
        let mut wanted = Validation::new(Algorithm::HS256);
        wanted.leeway = 0;
        wanted.set_issuer(&[ISSUER]);
        wanted.set_audience(&[AUDIENCE]);
        wanted.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = decode::<Claims>(token, &DecodingKey::from_secret(&key.access), &wanted).ok()?.claims;
        Some(Access { account: AccountId(claims.sub), session: SessionId(claims.sid), mark: claims.mark })
    }

    /// The id of the key by which the secrets of new mails are made.
    pub fn current_id(&self) -> &str {
        &self.current().id
    }

    /// The token in a mail's link. Returns `None` if the key's secret is no longer set.
    pub fn link_token(&self, key: &str, mail: MailId) -> Option<LinkToken> {
        let key = self.keys.iter().find(|known| known.id == key)?;
        Some(LinkToken::of(derive(&key.mail, &[b"link", mail.0.as_bytes()])))
    }

    /// The code of eight digits in a mail. Returns `None` if the key's secret is no longer set.
    pub fn code(&self, key: &str, mail: MailId) -> Option<String> {
        let key = self.keys.iter().find(|known| known.id == key)?;
        let secret = derive(&key.mail, &[b"code", mail.0.as_bytes()]);
        let number = secret.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        Some(format!("{:08}", number % 100_000_000))
    }

    /// The hash of a person's code, which is what the store has. It is keyed, since all codes can quickly be tried
    /// against a plain hash.
    pub fn code_hash(&self, holder: ActorId, code: &str) -> TokenHash {
        let (kind, id) = match holder {
            ActorId::Guest(guest) => (&b"guest"[..], guest.0),
            ActorId::Account(account) => (&b"account"[..], account.0),
        };
        TokenHash(derive(&self.current().code, &[kind, id.as_bytes(), code.as_bytes()]))
    }

    /// The mark of the tabs of a guest or a session. `kind` is its first character, so that a page can tell a guest
    /// from an account. The mark reveals nothing of the id.
    pub fn tab_mark(&self, kind: char, id: Uuid) -> String {
        let mut letters = [0; 4];
        let mark = derive(&self.current().code, &[b"tab", kind.encode_utf8(&mut letters).as_bytes(), id.as_bytes()]);
        format!("{kind}{}", BASE64_URL_SAFE_NO_PAD.encode(&mark[..9]))
    }

    /// The pass that a browser keeps after it was logged in with an address. It does not reveal the address, and nobody
    /// else can make it.
    pub fn pass(&self, email: &Email) -> Pass {
        self.current().pass(email)
    }

    /// Derives a value from a request, so that the same request gets the same value when it is repeated.
    pub fn of_request(&self, name: &str, request: &[u8]) -> [u8; 32] {
        derive(&self.current().request, &[name.as_bytes(), b" ", request])
    }

    /// Whether `shown` is the pass of an address, by any of the secrets.
    pub fn is_pass(&self, shown: &str, email: &Email) -> bool {
        let Some(shown) = Pass::parse(shown) else { return false };
        self.keys.iter().any(|key| key.pass(email) == shown)
    }

    fn current(&self) -> &Key {
        self.keys.first().expect("there is one: `of` checked it")
    }
}

impl Key {
    fn of(secret: &str) -> Self {
        let part = |name: &str| derive(secret.as_bytes(), &[name.as_bytes()]);
        let [a, b, c, d, ..] = part("id");
        Self {
            id: BASE64_URL_SAFE_NO_PAD.encode([a, b, c, d]),
            access: part("access"),
            mail: part("mail"),
            code: part("code"),
            pass: part("pass"),
            request: part("request"),
        }
    }

    fn pass(&self, email: &Email) -> Pass {
        Pass::of(derive(&self.pass, &[email.as_str().as_bytes()]))
    }
}

/// The HMAC-SHA-256 of the concatenated parts.
fn derive(secret: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "an old secret of thirty-two chars";
    const NEW: &str = "a new secret of thirty-two chars.";

    fn who() -> (AccountId, SessionId) {
        (AccountId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)))
    }

    fn proved(keys: &Keys, token: &str) -> Option<(AccountId, SessionId)> {
        keys.verify(token).map(|access| (access.account, access.session))
    }

    #[test]
    fn a_token_proves_its_session_until_its_secret_is_gone() {
        let (account, session) = who();
        let token = Keys::of(OLD).unwrap().sign(account, session, None);
        assert_eq!(proved(&Keys::of(OLD).unwrap(), &token), Some(who()));
        assert_eq!(proved(&Keys::of(&format!("{NEW},{OLD}")).unwrap(), &token), Some(who()), "it still verifies");
        assert_eq!(Keys::of(NEW).unwrap().verify(&token), None);
    }

    #[test]
    fn an_access_token_shows_which_refresh_token_came_with_it() {
        let keys = Keys::of(OLD).unwrap();
        let (account, session) = who();
        let [one, other] = [TokenHash([1; 32]), TokenHash([2; 32])];
        let access = keys.verify(&keys.sign(account, session, Some(one))).unwrap();
        assert!(access.came_with(one) && !access.came_with(other));
        assert!(!keys.verify(&keys.sign(account, session, None)).unwrap().came_with(one));
    }

    #[test]
    fn forged_tokens_prove_nothing() {
        let keys = Keys::of(OLD).unwrap();
        let (account, session) = who();
        let token = keys.sign(account, session, None);
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let unsigned = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","kid":"{}"}}"#, keys.current_id()));
        assert_eq!(keys.verify(&format!("{unsigned}.{claims}.")), None);
        assert_eq!(keys.verify(&format!("{header}.{claims}.")), None);
        for part in [header, claims, signature] {
            for at in 0..part.len() {
                let mut bytes = part.as_bytes().to_vec();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                let altered = token.replacen(part, std::str::from_utf8(&bytes).unwrap(), 1);
                // The last character of a part has bits without meaning. An altered form must not be accepted either.
                if altered != token {
                    assert_eq!(keys.verify(&altered), None, "{altered}");
                }
            }
        }
    }

    #[test]
    fn tokens_of_another_audience_issuer_time_or_algorithm_prove_nothing() {
        let keys = Keys::of(OLD).unwrap();
        let key = keys.current();
        let now = u64::try_from(clock::now() / 1_000).unwrap();
        let (account, session) = who();
        let good = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: account.0,
            sid: session.0,
            mark: None,
            iat: now,
            exp: now + 60,
        };
        let signed = |algorithm, claims: &Claims| {
            let header = Header { kid: Some(key.id.clone()), ..Header::new(algorithm) };
            encode(&header, claims, &EncodingKey::from_secret(&key.access)).unwrap()
        };
        assert_eq!(proved(&keys, &signed(Algorithm::HS256, &good)), Some(who()));
        assert_eq!(keys.verify(&signed(Algorithm::HS512, &good)), None, "another algorithm");
        assert_eq!(keys.verify(&signed(Algorithm::HS256, &Claims { aud: "other".into(), ..good.clone() })), None);
        assert_eq!(keys.verify(&signed(Algorithm::HS256, &Claims { iss: "other".into(), ..good.clone() })), None);
        assert_eq!(keys.verify(&signed(Algorithm::HS256, &Claims { exp: now - 1, ..good })), None, "expired");
    }

    #[test]
    fn a_mails_secret_is_the_same_each_time_it_is_sent_and_no_other_mails() {
        let keys = Keys::of(&format!("{NEW},{OLD}")).unwrap();
        let old = Keys::of(OLD).unwrap();
        let (mail, other) = (MailId(Uuid::from_u128(3)), MailId(Uuid::from_u128(4)));
        let token = |keys: &Keys, key: &str, mail| keys.link_token(key, mail).map(|token| token.reveal());
        let first = token(&old, old.current_id(), mail).unwrap();
        assert_eq!(token(&keys, old.current_id(), mail), Some(first.clone()), "also by a node with a newer secret");
        assert_ne!(token(&keys, keys.current_id(), mail), Some(first.clone()));
        assert_ne!(token(&old, old.current_id(), other), Some(first));
        assert_eq!(old.code(old.current_id(), mail).unwrap().len(), 8);
        assert_eq!(keys.code("unknown", mail), None);
    }

    /// Mails, browsers and stores have these values. The expected ones were computed by another program.
    #[test]
    fn what_is_derived_from_a_secret_never_changes() {
        let keys = Keys::of(OLD).unwrap();
        let (id, mail) = (Uuid::from_u128(1), MailId(Uuid::from_u128(3)));
        assert_eq!(keys.current_id(), "SDX7VQ");
        let link = keys.link_token(keys.current_id(), mail).unwrap();
        assert_eq!(link.reveal(), "3sk8nWWDAJAaNjOFlvzkkefSvR8S3BzGD_kwY7AIJPE");
        assert_eq!(keys.code(keys.current_id(), mail).unwrap(), "74098988");
        let ada = Email::try_from("ada@example.org").unwrap();
        assert_eq!(keys.pass(&ada).reveal(), "CwS4OEfX0Fr4Oj5jo8C9FX3pk0wadGbZTRVl6uGpIOw");
        assert_eq!(keys.tab_mark('a', id), "aUqvzVbelMmNR");
        let hash = keys.code_hash(ActorId::Account(AccountId(id)), "12345678 ada@example.org");
        assert_eq!(
            u128::from_be_bytes(*hash.0.first_chunk().unwrap()),
            0x6505_3e78_2a50_2e65_63f3_f691_ecfd_319d,
            "the first half of the hash"
        );
        let of_request = keys.of_request("room", b"{}");
        assert_eq!(u128::from_be_bytes(*of_request.first_chunk().unwrap()), 0x0f9a_afe6_5d93_9428_9c85_f12c_dbc3_1517);
    }

    #[test]
    fn a_pass_is_for_one_address_and_outlives_a_new_secret() {
        let (old, new) = (Keys::of(OLD).unwrap(), Keys::of(&format!("{NEW},{OLD}")).unwrap());
        let [ada, grace] = ["ada@example.org", "grace@example.org"].map(|text| Email::try_from(text).unwrap());
        let pass = old.pass(&ada).reveal();
        assert!(old.is_pass(&pass, &ada) && new.is_pass(&pass, &ada));
        assert!(!old.is_pass(&pass, &grace) && !Keys::of(NEW).unwrap().is_pass(&pass, &ada));
        for other in ["", "x", &pass[1..]] {
            assert!(!old.is_pass(other, &ada), "{other}");
        }
    }

    #[test]
    fn a_secret_is_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let first = Keys::kept_in(folder.path()).unwrap();
        let again = Keys::kept_in(folder.path()).unwrap();
        assert_eq!(first.current_id(), again.current_id());
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(folder.path().join(secret::FILE)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_secret_of_an_example_is_refused_with_what_to_do() {
        for example in [
            "thirty-two characters or more that both nodes know",
            "your-256-bit-secret-your-256-bit-secret",
            "a-string-secret-at-least-256-bits-long",
            "CHANGE_ME CHANGE_ME CHANGE_ME CHANGE_ME",
            "your-super-secret-jwt-token-with-at-least-32-characters-long",
            "0123012301230123012301230123012301230123",
            "                                    secret",
        ] {
            let error = Keys::of(example).err().unwrap_or_else(|| panic!("{example} is taken")).to_string();
            assert!(error.contains("openssl rand -hex 32"), "{error}");
        }
        assert!(Keys::of("5f0c2b6c7e1a4d3f9b8e7a6d5c4b3a291807f6e5d4c3b2a1").is_ok());
        assert!(Keys::of("several words that only we have put together").is_ok());
    }

    #[test]
    fn a_short_secret_is_refused_with_what_to_do() {
        let error = Keys::of("hunter2").err().unwrap().to_string();
        assert!(error.contains("32 characters"), "{error}");
        assert!(Keys::of(&format!("{OLD},hunter2")).is_err());
        assert!(Keys::of(" , ").is_err());
    }
}
