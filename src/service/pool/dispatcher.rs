//! The task that runs the pool: it alone knows the lines, who waits, and what is being started.

use std::collections::{BTreeMap, VecDeque};
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::line::Line;
use super::starts::{Ended, Starts};
use super::{Demand, Wanted};
use crate::config;
use crate::sandbox::{Engine, EnvironmentImage, SandboxSpec};
use crate::service::ServiceError;
use crate::service::environments::{Images, Known};
use crate::service::health::EnvironmentHealth;
use crate::service::spec::Defaults;

/// What the settings say.
pub(super) struct Rules {
    pub(super) defaults: Defaults,
    pub(super) sizes: config::Pool,
    pub(super) start_timeout: Duration,
}

impl Rules {
    fn size(&self, environment: &str) -> usize {
        let size = self.sizes.sizes.get(environment);
        *size.unwrap_or(&self.sizes.size) as usize
    }

    /// None at all would be a service that runs nothing.
    fn starting(&self) -> usize {
        self.sizes.starting.max(1) as usize
    }
}

/// Runs the pool.
pub(in crate::service) struct Dispatcher {
    rules: Rules,
    environments: watch::Receiver<Known>,
    demanded: mpsc::Receiver<Demand>,
    shown: watch::Sender<Vec<EnvironmentHealth>>,
    lines: BTreeMap<String, Line>,
    /// The oldest first.
    waiting: VecDeque<Demand>,
    starts: Starts,
}

enum Event {
    Demanded(Demand),
    StartEnded(Option<Ended>),
    Died,
    EnvironmentsChanged(Images),
    RefillDue,
    Stop,
}

/// The start that comes next.
enum Next {
    Own(Box<SandboxSpec>, super::Answer),
    Pooled(EnvironmentImage),
}

impl Dispatcher {
    pub(super) fn new(
        rules: Rules,
        engine: Arc<dyn Engine>,
        environments: watch::Receiver<Known>,
        demanded: mpsc::Receiver<Demand>,
        shown: watch::Sender<Vec<EnvironmentHealth>>,
    ) -> Dispatcher {
        let starts = Starts::new(engine, rules.start_timeout);
        Dispatcher {
            rules,
            environments,
            demanded,
            shown,
            lines: BTreeMap::new(),
            waiting: VecDeque::new(),
            starts,
        }
    }

    /// Runs until `stop`; then every start under way is given up, and the stock dropped.
    pub(in crate::service) async fn run(mut self, stop: CancellationToken) {
        self.environments.mark_changed();
        loop {
            match self.next_event(&stop).await {
                Event::Demanded(demand) => self.demanded(demand),
                Event::StartEnded(Some(ended)) => self.start_ended(ended),
                Event::Died => self.lines.values_mut().for_each(Line::bury),
                Event::EnvironmentsChanged(images) => self.environments_changed(&images),
                // What there is to do now is done below, after every event.
                Event::StartEnded(None) | Event::RefillDue => {}
                Event::Stop => break,
            }
            self.settle();
        }
        self.starts.shut_down().await;
    }

    async fn next_event(&mut self, stop: &CancellationToken) -> Event {
        let refill_at = self.refill_at();
        let under_way = self.starts.count() > 0;
        tokio::select! {
            () = stop.cancelled() => Event::Stop,
            changed = self.environments.changed() => match changed {
                Ok(()) => Event::EnvironmentsChanged(self.environments.borrow_and_update().images.clone()),
                Err(_) => Event::Stop,
            },
            ended = self.starts.next(), if under_way => Event::StartEnded(ended),
            Some(demand) = self.demanded.recv() => Event::Demanded(demand),
            () = death(&mut self.lines) => Event::Died,
            () = until(refill_at) => Event::RefillDue,
        }
    }

    fn demanded(&mut self, demand: Demand) {
        if let Wanted::Pooled(image) = &demand.wanted {
            let size = self.rules.size(&image.name);
            let line = || Line::new(image.clone(), size);
            self.lines.entry(image.name.clone()).or_insert_with(line);
        }
        self.waiting.push_back(demand);
    }

    fn start_ended(&mut self, ended: Ended) {
        // Where the environment has gone meanwhile, its sandbox goes too.
        let Some(line) = self.lines.get_mut(&ended.line) else {
            return;
        };
        match ended.outcome {
            Ok(warm) => line.started(warm),
            Err(error) => {
                tracing::warn!(environment = ended.line, %error, "a sandbox did not start");
                line.failed();
                self.tell(&ended.line, error);
            }
        }
    }

    /// Tells the oldest request that waits for this environment.
    fn tell(&mut self, environment: &str, error: ServiceError) {
        self.forget_gone();
        let mut waiting = self.waiting.iter();
        let oldest = waiting.position(|demand| demand.environment() == Some(environment));
        if let Some(demand) = oldest.and_then(|oldest| self.waiting.remove(oldest)) {
            let _ = demand.answer.send(Err(error));
        }
    }

    fn environments_changed(&mut self, images: &Images) {
        let there = |name: &str| images.iter().any(|image| image.name == name);
        self.lines.retain(|name, _| there(name));
        for image in images.iter() {
            let size = self.rules.size(&image.name);
            let line = || Line::new(image.clone(), size);
            let line = self.lines.entry(image.name.clone()).or_insert_with(line);
            line.set_image(image.clone());
        }
        for demand in std::mem::take(&mut self.waiting) {
            if demand.environment().is_none_or(there) {
                self.waiting.push_back(demand);
                continue;
            }
            let error = ServiceError::Unavailable("the environment's image is gone".to_owned());
            let _ = demand.answer.send(Err(error));
        }
    }

    /// Hands out what there is, starts what is missing, and shows the result.
    fn settle(&mut self) {
        self.forget_gone();
        self.hand_out();
        self.lines.values_mut().for_each(Line::trim);
        while self.starts.count() < self.rules.starting() {
            match self.next_start() {
                Some(Next::Own(spec, answer)) => self.starts.begin_own(*spec, answer),
                Some(Next::Pooled(image)) => self.starts.begin(self.rules.defaults.spec(image)),
                None => break,
            }
        }
        self.show();
    }

    fn forget_gone(&mut self) {
        self.waiting.retain(|demand| !demand.answer.is_closed());
    }

    /// Gives the stock to the oldest requests.
    fn hand_out(&mut self) {
        for demand in std::mem::take(&mut self.waiting) {
            let line = demand
                .environment()
                .and_then(|name| self.lines.get_mut(name));
            let Some((line, warm)) = line.and_then(|line| line.take().map(|warm| (line, warm)))
            else {
                self.waiting.push_back(demand);
                continue;
            };
            if let Err(Ok(warm)) = demand.answer.send(Ok(warm)) {
                line.put_back(warm);
            }
        }
    }

    fn next_start(&mut self) -> Option<Next> {
        if let Some(index) = self.next_waiting() {
            return self.start_for(index);
        }
        let now = self.lines.values().find(|line| {
            let due = line.refill_at().is_none();
            due && self.lacks(line)
        });
        now.map(|line| Next::Pooled(line.image.clone()))
    }

    /// The oldest request that no start under way will serve.
    fn next_waiting(&self) -> Option<usize> {
        let mut served: BTreeMap<&str, usize> = BTreeMap::new();
        self.waiting.iter().position(|demand| {
            let Some(name) = demand.environment() else {
                return true;
            };
            let before = served.entry(name).or_default();
            *before += 1;
            *before > self.starts.count_for(name)
        })
    }

    /// The start for a request: its own takes the request along.
    fn start_for(&mut self, index: usize) -> Option<Next> {
        if let Some(name) = self.waiting[index].environment() {
            let line = self.lines.get(name)?;
            return Some(Next::Pooled(line.image.clone()));
        }
        let demand = self.waiting.remove(index)?;
        match demand.wanted {
            Wanted::Own(spec) => Some(Next::Own(spec, demand.answer)),
            Wanted::Pooled(image) => Some(Next::Pooled(image)),
        }
    }

    fn lacks(&self, line: &Line) -> bool {
        let name = Some(line.image.name.as_str());
        let waiting = self.waiting.iter();
        let waiting = waiting
            .filter(|demand| demand.environment() == name)
            .count();
        line.lacks(self.starts.count_for(&line.image.name), waiting)
    }

    /// When a refill that waits may start.
    fn refill_at(&self) -> Option<Instant> {
        let lacking = self.lines.values().filter(|line| self.lacks(line));
        lacking.filter_map(Line::refill_at).min()
    }

    fn show(&self) {
        let lines = self.lines.iter().map(|(name, line)| EnvironmentHealth {
            name: name.clone(),
            warm: line.warm(),
            starting: self.starts.count_for(name),
            size: line.size,
        });
        self.shown.send_replace(lines.collect());
    }
}

impl Demand {
    /// The environment whose line serves it.
    fn environment(&self) -> Option<&str> {
        match &self.wanted {
            Wanted::Pooled(image) => Some(&image.name),
            Wanted::Own(_) => None,
        }
    }
}

/// Ready while one in stock is dead.
async fn death(lines: &mut BTreeMap<String, Line>) {
    poll_fn(|context| {
        let mut death = Poll::Pending;
        for line in lines.values_mut() {
            if line.poll_death(context).is_ready() {
                death = Poll::Ready(());
            }
        }
        death
    })
    .await;
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
