//! Which environments there are: found by the engine, remembered for a few seconds.
//!
//! A background task keeps the list fresh, so that requests hardly ever wait for it. Where that task fails
//! (the engine is away), the list grows old, the next request tries by itself, and tells its caller.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

use crate::sandbox::{Engine, EnvironmentImage};
use crate::service::ServiceError;

/// How long a list is believed. Longer than [`REFRESH_EVERY`], so that requests find a fresh one.
const BELIEVED: Duration = Duration::from_secs(10);

/// How often the list is looked up in the background.
pub(super) const REFRESH_EVERY: Duration = Duration::from_secs(5);

/// A name that is not in a list of at least this age is looked up anew: its image may just have been built.
/// Younger lists are believed, so that wrong names do not become calls to the engine.
const DOUBTED: Duration = Duration::from_secs(1);

/// The list.
pub(super) type Images = Arc<[EnvironmentImage]>;

/// The environments.
pub(super) struct Environments {
    engine: Arc<dyn Engine>,
    /// The longest a look-up may take.
    deadline: Duration,
    known: watch::Sender<Known>,
    /// One look-up at a time; whoever waited for it uses what it found.
    turn: Semaphore,
}

/// What was found, and when.
#[derive(Clone)]
pub(super) struct Known {
    /// The list.
    pub(super) images: Images,
    looked_up: Option<Instant>,
    /// Whether the engine did not tell when it was asked last.
    away: bool,
}

impl Known {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.looked_up.is_some_and(|then| then.elapsed() < age)
    }
}

impl Environments {
    /// Knows nothing yet.
    pub(super) fn new(engine: Arc<dyn Engine>, deadline: Duration) -> Environments {
        let nothing = Known {
            images: Arc::default(),
            looked_up: None,
            away: false,
        };
        Environments {
            engine,
            deadline,
            known: watch::Sender::new(nothing),
            turn: Semaphore::new(1),
        }
    }

    /// Sees the list whenever it changes, and whenever the engine tells again after it did not.
    pub(super) fn watch(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }

    /// All of them, by name.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unavailable`] when what is known is too old and the engine does not tell.
    pub(super) async fn list(&self) -> Result<Images, ServiceError> {
        self.no_older_than(BELIEVED).await
    }

    /// The one of this name.
    ///
    /// # Errors
    ///
    /// As [`Environments::list`]; and [`ServiceError::Invalid`] for a name that no environment has.
    pub(super) async fn find(&self, name: &str) -> Result<EnvironmentImage, ServiceError> {
        let images = self.list().await?;
        if let Some(image) = named(name, &images) {
            return Ok(image);
        }
        let images = self.no_older_than(DOUBTED).await?;
        named(name, &images).ok_or_else(|| unknown(name, &images))
    }

    /// What was found last, however old.
    pub(super) fn known(&self) -> Images {
        self.known.borrow().images.clone()
    }

    /// The name if it is one of those found last, else `unknown`: what a number may be kept by.
    pub(super) fn label(&self, name: &str) -> String {
        let known = named(name, &self.known.borrow().images);
        known.map_or_else(|| "unknown".to_owned(), |image| image.name)
    }

    /// Looks them up.
    pub(super) async fn refresh(&self) -> Result<Images, ServiceError> {
        self.no_older_than(Duration::ZERO).await
    }

    async fn no_older_than(&self, age: Duration) -> Result<Images, ServiceError> {
        if let Some(images) = self.fresh(age) {
            return Ok(images);
        }
        let asked = Instant::now();
        let _turn = self.turn.acquire().await.expect("it is never closed");
        // Somebody else may have found it meanwhile.
        if let Some(images) = self.fresh(asked.elapsed()) {
            return Ok(images);
        }
        self.look_up().await
    }

    fn fresh(&self, age: Duration) -> Option<Images> {
        let known = self.known.borrow();
        known.is_younger_than(age).then(|| known.images.clone())
    }

    async fn look_up(&self) -> Result<Images, ServiceError> {
        let images = self.ask().await.inspect_err(|_| self.note_away())?;
        self.known.send_if_modified(|known| {
            let changed = known.images != images || known.away;
            *known = Known {
                images: images.clone(),
                looked_up: Some(Instant::now()),
                away: false,
            };
            changed
        });
        Ok(images)
    }

    async fn ask(&self) -> Result<Images, ServiceError> {
        let found = timeout(self.deadline, self.engine.environments()).await;
        let late = |_| ServiceError::Unavailable("the engine did not list its images".to_owned());
        let mut images = found.map_err(late)??;
        images.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(images.into())
    }

    fn note_away(&self) {
        self.known.send_if_modified(|known| {
            known.away = true;
            false
        });
    }
}

fn named(name: &str, images: &[EnvironmentImage]) -> Option<EnvironmentImage> {
    images.iter().find(|image| image.name == name).cloned()
}

fn unknown(name: &str, images: &[EnvironmentImage]) -> ServiceError {
    let known: Vec<_> = images.iter().map(|image| image.name.as_str()).collect();
    let reason = if known.is_empty() {
        format!("there is no environment {name:?}: no image of one is present")
    } else {
        let known = known.join(", ");
        format!("there is no environment {name:?}; there are: {known}")
    };
    ServiceError::invalid("execution_environment", reason)
}
