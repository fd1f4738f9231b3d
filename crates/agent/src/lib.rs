//! The agent: process 1 of every sandbox.
//!
//! It starts the kernel from its kernelspec, serves the link on its stdin and stdout, and does nothing else.
//! It is one small static binary that any image can run, as a user without rights and on a read-only root.
//!
//! ```text
//! serve       one operation a stream; knows the requests and answers them
//! reply       how an operation ends: with an answer, or with its stream lost
//! messages    kernel messages between a stream and the ring
//! kernel      one kernel: its spec, process, sockets, readiness and end
//! process     a process beside the kernel, or without one
//! proxy       the way out: connections that processes ask for, carried over the link
//! files       tars in and out of a directory that user code may change meanwhile
//! usage       what the cgroup has counted
//! ring        the newest kernel messages, for a service that comes back or falls behind
//! zmtp        ZeroMQ's protocol on loopback, with a limit on everything
//! oom         whom the out-of-memory killer takes first
//! launch      starts processes, each the out-of-memory killer's first choice
//! reaper      collects every child; kills everything on demand
//! ```
//!
//! **Invariants.** User code runs as the same user in the same container, so:
//! - The process is not dumpable: nobody can open its memory or its descriptors, which are the link.
//! - Its children inherit none of the descriptors, and are the out-of-memory killer's first choice; it is the last.
//! - All that comes from the kernel is bounded before memory is taken for it. A panic would end the sandbox.
//! - Reading from the kernel waits for nobody. What the service does not fetch in time is lost and said to be.
//! - No link in the file system is followed below the directory that was asked for.
//!
//! The tasks, all on one thread, each ended by its owner:
//!
//! ```text
//! serve                      for as long as the process lives
//! ├─ reaper                  SIGCHLD → exits
//! └─ operation, one a stream until it is answered, or nobody waits for it any more
//! kernel                     until the next one is started
//! ├─ socket × 4              shell, control, stdin, iopub ↔ ring
//! ├─ output × 2              the process's own stdout and stderr → log
//! └─ watch                   its exit → ring
//! proxy                      from the first process that has a way out, until the agent ends
//! └─ client × 128 at most    one connection, from its head to its last byte
//! ```

mod files;
mod kernel;
mod launch;
mod log;
mod messages;
mod oom;
mod ports;
mod process;
mod proxy;
mod random;
mod reaper;
mod reply;
mod ring;
mod serve;
mod stdio;
mod tail;
mod usage;
mod zmtp;

pub use serve::run;
