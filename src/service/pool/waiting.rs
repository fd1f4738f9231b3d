//! Requests that wait, in the order in which they are served: one of each owner in turn, the oldest first.
//!
//! A request gets the number of a round when it comes: the one after the owner's last that waits, or after that which is being
//! served. So an owner with many requests has one in each round, and an owner who comes later is in the next round and not behind
//! them all.

use std::collections::VecDeque;

use super::Demand;
use crate::service::owner::Owner;

/// Requests that wait.
#[derive(Default)]
pub(super) struct Waiting {
    /// By round, those of a round by age.
    queue: VecDeque<Waiter>,
    /// That of the last that was served.
    round: u64,
}

struct Waiter {
    round: u64,
    demand: Demand,
}

impl Waiting {
    pub(super) fn push(&mut self, demand: Demand) {
        let round = self.round_after(&demand.owner);
        let later = self.queue.iter().position(|waiter| waiter.round > round);
        let at = later.unwrap_or(self.queue.len());
        self.queue.insert(at, Waiter { round, demand });
    }

    fn round_after(&self, owner: &Owner) -> u64 {
        let waiters = self.queue.iter();
        let last = waiters.rev().find(|waiter| waiter.demand.owner == *owner);
        last.map_or(self.round, |waiter| waiter.round) + 1
    }

    /// The next to be served comes first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Demand> {
        self.queue.iter().map(|waiter| &waiter.demand)
    }

    /// Takes one out, which is served.
    pub(super) fn serve(&mut self, index: usize) -> Option<Demand> {
        let waiter = self.queue.remove(index)?;
        self.round = self.round.max(waiter.round);
        Some(waiter.demand)
    }

    /// Serves those that `give` has something for, in turn; it gives back those for whom it has nothing.
    pub(super) fn serve_each(&mut self, mut give: impl FnMut(Demand) -> Option<Demand>) {
        for waiter in std::mem::take(&mut self.queue) {
            let round = waiter.round;
            match give(waiter.demand) {
                Some(demand) => self.queue.push_back(Waiter { round, demand }),
                None => self.round = self.round.max(round),
            }
        }
    }

    /// Forgets those that have gone away.
    pub(super) fn forget_gone(&mut self) {
        self.queue
            .retain(|waiter| !waiter.demand.answer.is_closed());
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::sandbox::fake::environment;
    use crate::service::pool::Wanted;

    /// Their answers are kept, so that they have not gone away.
    fn demand(owner: &str) -> Demand {
        let (answer, _) = oneshot::channel();
        Demand {
            owner: Owner::named(owner),
            wanted: Wanted::Pooled(environment("python")),
            answer,
        }
    }

    fn waiting(owners: &str) -> Waiting {
        let mut waiting = Waiting::default();
        for owner in owners.chars() {
            waiting.push(demand(&owner.to_string()));
        }
        waiting
    }

    fn order(waiting: &Waiting) -> String {
        waiting
            .iter()
            .map(|demand| demand.owner.to_string())
            .collect()
    }

    #[test]
    fn requests_of_one_owner_are_served_as_they_came() {
        assert_eq!(order(&waiting("aaaa")), "aaaa");
    }

    #[test]
    fn owners_are_served_in_turn() {
        assert_eq!(order(&waiting("aaaabbc")), "abcabaa");
    }

    #[test]
    fn an_owner_who_comes_later_is_in_the_next_round() {
        let mut waiting = waiting("aaaaa");
        waiting.serve(0);
        waiting.serve(0);
        waiting.push(demand("b"));
        assert_eq!(order(&waiting), "aba a".replace(' ', ""));
    }

    #[test]
    fn who_has_been_served_much_is_not_served_first_again() {
        let mut waiting = waiting("aab");
        waiting.serve(0);
        waiting.push(demand("a"));
        assert_eq!(order(&waiting), "baa");
    }

    #[test]
    fn requests_that_went_away_cost_their_owner_nothing() {
        let mut waiting = waiting("aaaa");
        waiting.forget_gone();
        waiting.push(demand("b"));
        waiting.push(demand("a"));
        assert_eq!(order(&waiting), "ba");
    }
}
