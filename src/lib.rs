//! Cellblock runs code that nobody trusts: the map.
//!
//! ```text
//!             main, cli
//!           ╱     │     ╲            only wire; everything else points down
//!        http     │      ╲           knows HTTP, and is the only layer that does
//!           ╲     ▼       ╲
//!            service       ╲         decides: keys, quotas, environments, pool, executions, files, packages, egress
//!             ╱    ╲        ╲
//!       jupyter    sandbox ◄── sandbox::docker ──► Docker Engine API
//!                     │
//!                   link  ◄──────  agent ──► kernel
//! ```
//!
//! An execution: `http` parses a request, `service` finds a sandbox for it (one that was waiting, or a new one), copies
//! files in, sends an `execute_request` over the link, folds what the kernel says (`jupyter`) into a result, collects the
//! files that were made, and drops the sandbox, which removes its container.
//!
//! # Invariants
//!
//! The first three are checked by `tests/tidy`, the others by `tests/service` and `tests/engine`.
//!
//! 1. Only `http` names axum; only `sandbox::docker` names bollard.
//! 2. `service` knows no HTTP status and no container.
//! 3. `jupyter` and `sandbox` do not know each other.
//! 4. Every container that is made carries our labels. What carries them and is in no register is removed.
//! 5. A sandbox is owned by a value from before the engine makes it; dropping that value removes it.
//! 6. Limits are set at create and never raised. Every wait has a deadline, every buffer a bound.
//! 7. Nothing blocks the reader of a link: it drains into bounded queues, always.
//!
//! # Tasks
//!
//! Each has an owner that ends it.
//!
//! ```text
//! main
//! ├─ http::server          accepts; one task a connection; a dropped connection cancels its execution
//! │  └─ a WebSocket        in its connection's place; closed when the server stops
//! ├─ service::Service      ended by shut_down
//! │  ├─ pool dispatcher    one task a start
//! │  ├─ guard              looks at the host's memory
//! │  ├─ keys               looks at the keys file, and at the keys of tokens' issuer
//! │  └─ reaper             sweeps, expiries, look-ups of environments
//! └─ sandbox::docker       ends when the engine and all its containers are dropped
//!    ├─ remover            removals, four at once
//!    └─ a sandbox          its link (writer, reader, yamux) and two pumps of kernel messages
//! ```

pub mod config;
pub mod http;
pub mod jupyter;
pub mod sandbox;
pub mod service;
