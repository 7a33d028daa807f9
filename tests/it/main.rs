//! The integration tests, with a module for each area. They are one program, because every test program links the whole
//! server, which takes longer than compiling the tests.
//!
//! The first line of a module says what its tests check. `support` has what they are made of, and explains how to write
//! one.
//!
//! `cargo nextest run` starts each test in a process of its own. `cargo test` runs all tests of this program as threads
//! of one process. So a test here changes nothing that a process has only once, such as its environment, its allocator
//! or its global log subscriber. Tests that do so are programs of their own: `economy` and `delivery`, which count what
//! a process does, and `fault`, which runs alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

#[path = "../support/mod.rs"]
mod support;

// What tests of several areas share.
mod description;
mod reading;
mod registration;
mod wire;

// One area each.
mod absence;
mod accounts;
mod admin;
mod asyncapi;
mod disclosure;
mod erasing;
mod floods;
mod fold;
mod frames;
mod fuzz;
mod guessing;
mod guests;
mod headers;
mod history;
mod house;
mod injection;
mod later;
mod leaving;
mod limits;
mod lists;
mod mails;
mod mentions;
mod messages;
mod metrics;
mod newcomers;
mod openapi;
mod origins;
mod owners;
mod pages;
mod peeks;
mod places;
mod preferences;
mod promises;
mod races;
mod reactions;
mod reads;
mod refusals;
mod request_log;
mod room_exports;
mod rooms;
mod search;
mod secrets;
mod sessions;
mod signals;
mod sockets;
mod stored_reads;
mod streams;
mod text;
mod timeline;
mod tokens;
mod touches;
mod watching;
