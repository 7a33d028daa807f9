//! People with accounts: methods of [`Guest`] that register and log in. The account's cookies are in the same jar.

use anonchat::protocol::{Profile, RoomCode};
use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::{Guest, Mailbox, Node, client::Refused};

/// A password that the server accepts.
pub const PASSWORD: &str = "nine purple lanterns";
/// Another password that the server accepts.
pub const OTHER_PASSWORD: &str = "eight yellow kettles";

/// An email address that no other test uses.
pub fn new_address() -> String {
    format!("{}@example.org", Uuid::now_v7().simple())
}

impl Guest {
    /// A new person with an account, and its email address, which is not proved.
    pub async fn registered(node: &Node, name: &str) -> (Self, String) {
        let (person, email) = (Self::new(node, name), new_address());
        person.register(&email).await;
        (person, email)
    }

    /// A new person with an account, and its email address, proved by the mailed link.
    pub async fn proved(node: &Node, name: &str) -> (Self, String) {
        let (person, email) = Self::registered(node, name).await;
        let token = Mailbox::of(node.settings()).letter(&email, 1).await.token();
        person.tell(Method::POST, "/api/auth/verify", json!({ "token": token })).await.expect("the address is proved");
        (person, email)
    }

    /// Registers with this address and [`PASSWORD`].
    pub async fn register(&self, email: &str) -> Profile {
        let body = json!({ "name": self.name(), "email": email, "password": PASSWORD });
        self.ask(Method::POST, "/api/auth/register", body).await.expect("the account is made")
    }

    /// Logs in, and returns the refusal if there is one.
    pub async fn try_log_in(&self, email: &str, password: &str) -> Result<Profile, Refused> {
        self.ask(Method::POST, "/api/auth/login", json!({ "email": email, "password": password })).await
    }

    /// Logs in with [`PASSWORD`].
    pub async fn log_in(&self, email: &str) -> Profile {
        self.try_log_in(email, PASSWORD).await.expect("they are logged in")
    }

    /// The profile of the account, or the refusal if nobody is logged in.
    pub async fn me(&self) -> Result<Profile, Refused> {
        self.ask(Method::GET, "/api/users/me", ()).await
    }

    /// Whether the person is logged in.
    pub async fn is_logged_in(&self) -> bool {
        match self.me().await {
            Ok(_) => true,
            Err(refused) => {
                assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{refused:?}");
                false
            }
        }
    }

    /// Sends a request whose answer has no body.
    pub async fn tell(&self, method: Method, path: &str, body: serde_json::Value) -> Result<(), Refused> {
        self.ask(method, path, body).await
    }

    /// The codes of the person's rooms, newest first.
    pub async fn rooms(&self) -> Vec<RoomCode> {
        self.list().await.into_iter().map(|room| room.code).collect()
    }
}
