//! Cellblock: runs code nobody trusts.

pub mod config;
pub mod http;
pub mod jupyter;
pub mod sandbox;
pub mod service;
