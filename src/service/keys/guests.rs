//! Owners who came with a token that names their limits. What an owner may do is asked where the token is no longer at hand.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::service::owner::Owner;

/// So many are remembered. Beyond it, those who have not come for longest are forgotten: they may do nothing until they come again.
const MAX: usize = 10_000;

/// Who has come.
#[derive(Default)]
pub(super) struct Guests(HashMap<Owner, Guest>);

struct Guest {
    /// The key whose limits are theirs.
    limits: String,
    came: Instant,
}

impl Guests {
    /// One comes. `limits` names the key whose limits are the owner's.
    pub(super) fn come(&mut self, owner: &Owner, limits: String) {
        if self.0.len() >= MAX && !self.0.contains_key(owner) {
            self.forget_one();
        }
        let came = Instant::now();
        self.0.insert(owner.clone(), Guest { limits, came });
    }

    /// The key whose limits are the owner's. None: the owner has not come.
    pub(super) fn limits_of(&self, owner: &Owner) -> Option<String> {
        self.0.get(owner).map(|guest| guest.limits.clone())
    }

    fn forget_one(&mut self) {
        let longest = self.0.iter().min_by_key(|(_, guest)| guest.came);
        if let Some(owner) = longest.map(|(owner, _)| owner.clone()) {
            self.0.remove(&owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_so_many_are_remembered() {
        let mut guests = Guests::default();
        let owner = |number: usize| Owner::with_token(None, &number.to_string());
        for number in 0..MAX {
            guests.come(&owner(number), "free".to_owned());
        }
        advance(Duration::from_secs(1)).await;
        guests.come(&owner(0), "paid".to_owned());
        guests.come(&owner(MAX), "free".to_owned());
        assert_eq!(guests.0.len(), MAX);
        assert_eq!(guests.limits_of(&owner(0)).unwrap(), "paid");
        assert_eq!(guests.limits_of(&owner(MAX)).unwrap(), "free");
    }
}
