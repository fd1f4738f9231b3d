//! Which user a container's processes are.

use std::fmt;

use crate::sandbox::UserNumbers;

/// The user of Jupyter's images, which is there in every one.
const OF_JUPYTER: u32 = 1000;

/// `users`, the group of Jupyter's images.
pub(super) const GROUP: u32 = 100;

/// Never root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User(u32);

impl User {
    /// One that nobody is, of those that an image knows. Where they are used up, one is somebody else's too; and an image
    /// that names none has one user for all.
    pub(super) fn choose(numbers: Option<UserNumbers>, is_taken: impl Fn(User) -> bool) -> User {
        let Some(numbers) = numbers else {
            return User(OF_JUPYTER);
        };
        let range = numbers.range();
        // At random: other services on this engine choose of the same numbers.
        let skipped = getrandom::u32().unwrap_or_default() as usize % range.clone().count();
        let from_there = || range.clone().skip(skipped).chain(range.clone()).map(User);
        let free = from_there().find(|user| !is_taken(*user));
        free.or_else(|| from_there().next())
            .unwrap_or(User(OF_JUPYTER))
    }

    /// That of a container which is there already: its `Config.User`.
    pub(super) fn of_container(user: &str) -> Option<User> {
        let number = user.split(':').next()?.parse().ok()?;
        (number > 0).then_some(User(number))
    }

    /// Its number.
    pub(super) fn number(self) -> u32 {
        self.0
    }
}

/// As the engine wants it: number and group.
impl fmt::Display for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{GROUP}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_long_as_there_are_free_ones_nobody_shares() {
        let numbers = UserNumbers::new(50000, 50007);
        let mut taken = Vec::new();
        for _ in 0..8 {
            let user = User::choose(numbers, |user| taken.contains(&user));
            assert!((50000..=50007).contains(&user.number()));
            assert!(!taken.contains(&user));
            taken.push(user);
        }
        let shared = User::choose(numbers, |_| true);
        assert!(taken.contains(&shared));
    }

    #[test]
    fn an_image_that_names_none_has_jupyters() {
        assert_eq!(User::choose(None, |_| true).to_string(), "1000:100");
    }

    #[test]
    fn a_container_tells_its_user() {
        assert_eq!(User::of_container("50017:100"), Some(User(50017)));
        for wrong in ["", "0:0", "jovyan", "jovyan:users"] {
            assert_eq!(User::of_container(wrong), None, "{wrong}");
        }
    }
}
