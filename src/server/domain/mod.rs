//! Floor 4: the use cases. Each is a plain function of the node (`App`) and a visitor, and knows neither HTTP nor
//! pages. REST handlers, the socket, server functions of pages, and tests all call the same functions, so every rule
//! exists once.
//!
//! The files, lowest first. A file names only files above it in this list (`tests/it/house/` checks that they form no
//! cycle).
//!
//! - `errors`: the answers when the store fails or does not find a token.
//! - `notices`: what follows a change of records, for logs and lists.
//! - `letters`: building mails, and the tokens that their links and codes stand for.
//! - `codes`: reading and judging a typed code.
//! - `addresses`: reading, claiming and proving an address.
//! - [`strength`]: measuring and judging a password.
//! - [`guests`]: visitors without an account.
//! - [`sessions`]: beginning, listing and ending the sessions of accounts.
//! - [`recognising`]: finding the account that a browser's tokens prove.
//! - `confirming`: checking that a request comes from the account's user.
//! - [`rooms`]: creating, joining, leaving, showing and owning a room.
//! - [`messages`]: sending and reading messages.
//! - [`search`]: searching the messages of rooms.
//! - [`lists`]: lists of rooms.
//! - [`keeping`]: keeping a guest's rooms in an account.
//! - [`profiles`]: the visitor's own account.
//! - [`accounts`]: registering an account.
//! - [`verifying`]: proving an address by a mailed link.
//! - [`login`]: logging in by password or code.
//! - [`passwords`]: changing and replacing a password.
//! - `downloads`: downloads that are written in pieces.
//! - [`takeout`]: a download of everything about an account.
//! - [`room_export`]: a download of the messages of a room.
//! - [`room_deletion`], [`deletion`]: deleting rooms, accounts and guests.
//! - [`housekeeping`], [`indexing`], [`mails`]: loops that delete what has expired, put messages into the search index,
//!   and send mails.

pub mod accounts;
pub mod addresses;
mod codes;
mod confirming;
pub mod deletion;
mod downloads;
mod errors;
pub mod guests;
pub mod housekeeping;
pub mod indexing;
pub mod keeping;
mod letters;
pub mod lists;
pub mod login;
pub mod mails;
pub mod messages;
mod notices;
pub mod passwords;
pub mod profiles;
pub mod recognising;
pub mod room_deletion;
pub mod room_export;
pub mod rooms;
pub mod search;
pub mod sessions;
pub mod strength;
pub mod takeout;
pub mod verifying;
