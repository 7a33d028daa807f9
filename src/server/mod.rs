//! The server, as floors 1 to 6. The modules are listed by floor, lowest first. A file imports only from floors below
//! its own.

pub mod bus;
pub mod clock;
pub mod config;
pub mod disk;
pub mod keys;
pub mod mail;
pub mod metrics;
pub mod random;
pub mod socket;
pub mod store;
pub mod text;
pub mod token;

pub mod room;

pub mod app;

pub mod domain;

pub mod http;

pub mod admin;
pub mod boot;
