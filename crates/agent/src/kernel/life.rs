//! One kernel's life: launched, then ready, then ended.
//!
//! Each state owns what ends it: dropping it at any time kills the process group, closes the sockets and
//! removes the connection file.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use cellblock_link::message::Channel;
use cellblock_link::request::KernelExit;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::connection::Connection;
use super::output::{self, TAIL};
use super::requests::Requests;
use super::sockets::{Life, Senders, Sockets};
use super::spec::InterruptMode;
use super::{NoKernel, StartError, ready};
use crate::launch::{Group, Launched};
use crate::log::Log;
use crate::reaper::{Reaper, UNKNOWN_EXIT};
use crate::ring::Ring;
use crate::tail::Tail;

/// How long to read what a kernel had sent before it ended. Its sockets end with it, unless a child process
/// holds them.
const DRAIN_WITHIN: Duration = Duration::from_millis(500);

/// A kernel that is not ready yet. Dropping it kills its process group.
#[derive(Debug)]
pub(super) struct Starting {
    group: Group,
    since: Instant,
    exit: oneshot::Receiver<KernelExit>,
    requests: Requests,
    sockets: Sockets,
    life: watch::Sender<Life>,
    outputs: JoinSet<()>,
    tail: Tail,
    connection: Connection,
}

impl Starting {
    pub(super) fn new(
        launched: Launched,
        connection: Connection,
        reaper: &Reaper,
        ring: &Ring,
        log: &Log,
    ) -> io::Result<Starting> {
        let group = Group::new(launched.process);
        let exit = reaper.watch(launched.process);
        let since = launched.since;
        let (life, living) = watch::channel(Life::Running);
        let requests = Requests::new()?;
        let sockets = Sockets::open(connection.description(), &requests, &living, ring, log);
        let tail = Tail::new(TAIL);
        let mut outputs = JoinSet::new();
        for output in launched.outputs {
            outputs.spawn(output::drain(output, tail.clone(), log.clone())?);
        }
        Ok(Starting {
            group,
            since,
            exit,
            requests,
            sockets,
            life,
            outputs,
            tail,
            connection,
        })
    }

    /// What the kernel says of itself, and how long it took until it did, in milliseconds.
    pub(super) async fn become_ready(
        &mut self,
        deadline: Instant,
    ) -> Result<(serde_json::Value, u64), StartError> {
        enum Event {
            Ready(serde_json::Value),
            Ended(KernelExit),
            Late,
        }
        let Sockets { senders, seen, .. } = &mut self.sockets;
        let event = tokio::select! {
            ready = timeout_at(deadline, ready::wait(senders, &self.requests, seen)) => {
                ready.map_or(Event::Late, Event::Ready)
            }
            exit = &mut self.exit => Event::Ended(exit.unwrap_or(UNKNOWN_EXIT)),
        };
        match event {
            Event::Ready(kernel_info) => {
                let boot_ms = self
                    .since
                    .elapsed()
                    .as_millis()
                    .try_into()
                    .unwrap_or(u64::MAX);
                Ok((kernel_info, boot_ms))
            }
            Event::Ended(exit) => {
                self.group.ended();
                let said = async { while self.outputs.join_next().await.is_some() {} };
                // Its children may hold the outputs open; what came so far will do.
                let _ = timeout(DRAIN_WITHIN, said).await;
                Err(StartError::Ended {
                    exit,
                    words: self.tail.line(),
                })
            }
            Event::Late => Err(StartError::Late {
                words: self.tail.line(),
            }),
        }
    }

    /// The kernel, whose exit will be told to the ring under its number.
    pub(super) fn watched(
        mut self,
        number: u64,
        interrupt_mode: InterruptMode,
        ring: Ring,
    ) -> Kernel {
        let process = self
            .group
            .leader()
            .expect("it is ready, so it has not ended");
        let (requests, senders) = (self.requests.clone(), self.sockets.senders.clone());
        let life = self.life.subscribe();
        let (told_to, told) = watch::channel(false);
        let watch = tokio::spawn(async move {
            let exit = (&mut self.exit).await.unwrap_or(UNKNOWN_EXIT);
            self.group.ended();
            self.life.send_replace(Life::Ended);
            let read = async { while self.sockets.tasks.join_next().await.is_some() {} };
            // What a child process holds open is not waited for.
            let _ = timeout(DRAIN_WITHIN, read).await;
            drop(self.sockets);
            ring.exit(number, exit);
            told_to.send_replace(true);
            while self.outputs.join_next().await.is_some() {}
            drop(self.connection);
        });
        let watch = AbortOnDropHandle::new(watch);
        Kernel {
            process,
            interrupt_mode,
            requests,
            senders,
            life,
            told,
            _watch: watch,
        }
    }
}

/// A kernel that was ready. Dropping it kills its process group and closes its sockets.
#[derive(Debug)]
pub(super) struct Kernel {
    process: Pid,
    interrupt_mode: InterruptMode,
    requests: Requests,
    senders: Senders,
    life: watch::Receiver<Life>,
    told: watch::Receiver<bool>,
    _watch: AbortOnDropHandle<()>,
}

impl Kernel {
    pub(super) fn is_running(&self) -> bool {
        *self.life.borrow() == Life::Running
    }

    /// Interrupts the running code.
    pub(super) async fn interrupt(&self) -> Result<(), NoKernel> {
        match self.interrupt_mode {
            InterruptMode::Signal => killpg(self.process, Signal::SIGINT).map_err(|_| NoKernel),
            InterruptMode::Message => {
                let request = self.requests.make("interrupt_request");
                self.send(Channel::Control, request).await;
                Ok(())
            }
        }
    }

    /// Queues a message; gives up when the kernel ends.
    pub(super) async fn send(&self, channel: Channel, parts: Vec<Bytes>) {
        let mut life = self.life.clone();
        tokio::select! {
            () = self.senders.send(channel, parts) => {}
            _ = life.wait_for(|life| *life == Life::Ended) => {}
        }
    }

    /// Waits until its end stands in the ring; not for long, should it not end at all.
    pub(super) async fn told(&self) {
        let mut told = self.told.clone();
        // The watching task reads for so long at most after the process's end.
        let _ = timeout(2 * DRAIN_WITHIN, told.wait_for(|told| *told)).await;
    }
}
