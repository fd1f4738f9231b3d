//! The stock of one environment.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::backoff::Backoff;
use super::warm::WarmSandbox;
use crate::sandbox::EnvironmentImage;

/// Warm sandboxes of one environment, the oldest first.
pub(super) struct Line {
    pub(super) image: EnvironmentImage,
    pub(super) size: usize,
    stock: VecDeque<WarmSandbox>,
    backoff: Backoff,
    /// When the last start failed; None: it worked, or there was none.
    start_failed: Option<Instant>,
}

impl Line {
    pub(super) fn new(image: EnvironmentImage, size: usize) -> Line {
        Line {
            image,
            size,
            stock: VecDeque::new(),
            backoff: Backoff::default(),
            start_failed: None,
        }
    }

    pub(super) fn warm(&self) -> usize {
        self.stock.len()
    }

    /// The image as it is now. Sandboxes of an older one go.
    pub(super) fn set_image(&mut self, image: EnvironmentImage) {
        self.image = image;
        let current = &self.image.image;
        self.stock.retain(|warm| warm.image == *current);
    }

    /// A start worked. A sandbox of an image that was replaced meanwhile is dropped.
    pub(super) fn started(&mut self, warm: WarmSandbox) {
        self.backoff.worked();
        self.start_failed = None;
        if warm.image == self.image.image {
            self.stock.push_back(warm);
        }
    }

    /// A start failed: the next refill waits.
    pub(super) fn failed(&mut self) {
        self.backoff.failed();
        self.start_failed = Some(Instant::now());
    }

    /// Whatever starts failed of may be over: the next refill waits no longer.
    pub(super) fn try_again(&mut self) {
        self.backoff = Backoff::default();
    }

    /// When the last start failed; None: it worked, or there was none.
    pub(super) fn start_failed(&self) -> Option<Instant> {
        self.start_failed
    }

    /// The oldest that lives.
    pub(super) fn take(&mut self) -> Option<WarmSandbox> {
        self.bury();
        self.stock.pop_front()
    }

    /// Nobody took it after all.
    pub(super) fn put_back(&mut self, warm: WarmSandbox) {
        self.stock.push_front(warm);
    }

    /// Drops what is beyond that.
    pub(super) fn trim(&mut self, size: usize) {
        self.stock.truncate(size);
    }

    /// Drops the oldest.
    pub(super) fn give_up_one(&mut self) {
        self.stock.pop_front();
    }

    /// Removes the dead. The refill then waits as after a failed start, so that a kernel which always dies
    /// does not keep the engine busy.
    pub(super) fn bury(&mut self) {
        let before = self.stock.len();
        self.stock.retain_mut(WarmSandbox::is_alive);
        if self.stock.len() < before {
            self.backoff.failed();
        }
    }

    /// Ready while one of the stock is dead.
    pub(super) fn poll_death(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut death = Poll::Pending;
        // Each is polled, since each must wake the task.
        for warm in &mut self.stock {
            if warm.poll_ended(context).is_ready() {
                death = Poll::Ready(());
            }
        }
        death
    }

    /// Whether a refill up to that size is wanted while so many starts are under way and requests wait.
    pub(super) fn lacks(&self, size: usize, starting: usize, waiting: usize) -> bool {
        size + waiting > self.stock.len() + starting
    }

    /// When the next refill may start; None: now.
    pub(super) fn refill_at(&self) -> Option<Instant> {
        self.backoff.until()
    }
}
