//! Connections that are asked for and not answered yet, in order.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cellblock_link::Stream;
use cellblock_link::request::{ConnectionRequest, Failure};
use tokio::sync::{Notify, oneshot};

/// What the service made of a question.
pub(super) type Answer = Result<Stream, Failure>;

/// A question, and where its answer goes.
#[derive(Debug)]
pub(super) struct Ask {
    request: ConnectionRequest,
    answer: oneshot::Sender<Answer>,
}

impl Ask {
    pub(super) fn request(&self) -> &ConnectionRequest {
        &self.request
    }

    /// Waits until nobody waits for the answer.
    pub(super) async fn given_up(&mut self) {
        self.answer.closed().await;
    }

    /// Whoever waits goes on with the stream. Where nobody does, dropping it tells the service.
    pub(super) fn connected(self, stream: Stream) {
        let _ = self.answer.send(Ok(stream));
    }

    /// Whoever waits is told why not.
    pub(super) fn failed(self, failure: Failure) {
        let _ = self.answer.send(Err(failure));
    }
}

/// Those that wait: as many as there are clients, at most.
#[derive(Debug, Default)]
pub(super) struct Queue {
    asks: Mutex<VecDeque<Ask>>,
    came: Notify,
}

impl Queue {
    /// Asks for a connection. Dropping the receiver withdraws the question.
    pub(super) fn ask(&self, request: ConnectionRequest) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        let mut asks = self.asks();
        // Withdrawn ones would pile up while the service takes none.
        asks.retain(|ask| !ask.answer.is_closed());
        asks.push_back(Ask { request, answer });
        drop(asks);
        self.came.notify_one();
        answered
    }

    /// Asks once more what was asked before.
    pub(super) fn ask_again(&self, ask: Ask) {
        self.asks().push_front(ask);
        self.came.notify_one();
    }

    /// The next for which somebody waits. Dropping the future takes none.
    pub(super) async fn next(&self) -> Ask {
        loop {
            if let Some(ask) = self.take() {
                return ask;
            }
            self.came.notified().await;
        }
    }

    fn take(&self) -> Option<Ask> {
        let mut asks = self.asks();
        while let Some(ask) = asks.pop_front() {
            if !ask.answer.is_closed() {
                return Some(ask);
            }
        }
        None
    }

    fn asks(&self) -> MutexGuard<'_, VecDeque<Ask>> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(port: u16) -> ConnectionRequest {
        let host = "example.com".to_owned();
        ConnectionRequest { host, port }
    }

    #[tokio::test]
    async fn what_is_withdrawn_is_neither_kept_nor_taken() {
        let queue = Queue::default();
        for port in 1..1000 {
            drop(queue.ask(request(port)));
        }
        let _waiting = queue.ask(request(1000));
        assert_eq!(queue.asks().len(), 1);
        assert_eq!(queue.next().await.request().port, 1000);
    }

    #[tokio::test]
    async fn what_is_asked_again_comes_first() {
        let queue = Queue::default();
        let _waiting = [queue.ask(request(1)), queue.ask(request(2))];
        let ask = queue.next().await;
        queue.ask_again(ask);
        assert_eq!(queue.next().await.request().port, 1);
        assert_eq!(queue.next().await.request().port, 2);
    }
}
