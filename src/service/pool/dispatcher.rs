//! The task that runs the pool: it alone knows the lines, who waits, and what is being started.

use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::line::Line;
use super::starts::{Ended, Starts};
use super::waiting::Waiting;
use super::{Around, Demand, Wanted};
use crate::config;
use crate::sandbox::{EnvironmentImage, SandboxSpec};
use crate::service::ServiceError;
use crate::service::bound::{Bound, Slot};
use crate::service::environments::{Images, Known};
use crate::service::guard::{Guarded, Memory};
use crate::service::health::EnvironmentHealth;
use crate::service::spec::Defaults;

/// When it makes sense to try again, where there are as many sandboxes as there may be.
const RETRY_AFTER: Duration = Duration::from_secs(5);

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
    waiting: Waiting,
    starts: Starts,
    bound: Bound,
    slots: watch::Receiver<u32>,
    guarded: Guarded,
    memory: Memory,
}

enum Event {
    Demanded(Demand),
    StartEnded(Option<Ended>),
    Died,
    EnvironmentsChanged(Images),
    RefillDue,
    SlotsChanged,
    MemoryChanged(Memory),
    Stop,
}

/// The start that comes next.
enum Next {
    Own(Box<SandboxSpec>, super::Answer, Slot),
    Pooled(EnvironmentImage, Slot),
}

impl Dispatcher {
    pub(super) fn new(
        rules: Rules,
        around: Around,
        demanded: mpsc::Receiver<Demand>,
        shown: watch::Sender<Vec<EnvironmentHealth>>,
    ) -> Dispatcher {
        let starts = Starts::new(around.engine, rules.start_timeout);
        Dispatcher {
            rules,
            environments: around.environments,
            demanded,
            shown,
            lines: BTreeMap::new(),
            waiting: Waiting::default(),
            starts,
            slots: around.bound.watch(),
            bound: around.bound,
            memory: around.guarded.memory(),
            guarded: around.guarded,
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
                Event::MemoryChanged(memory) => self.memory = memory,
                // What there is to do now is done below, after every event.
                Event::StartEnded(None) | Event::RefillDue | Event::SlotsChanged => {}
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
            memory = self.guarded.changed() => Event::MemoryChanged(memory),
            // It ends with `self`, which has the other end too.
            Ok(()) = self.slots.changed() => Event::SlotsChanged,
        }
    }

    fn demanded(&mut self, demand: Demand) {
        if let Wanted::Pooled(image) = &demand.wanted {
            let size = self.rules.size(&image.name);
            let line = || Line::new(image.clone(), size);
            self.lines.entry(image.name.clone()).or_insert_with(line);
        }
        self.waiting.push(demand);
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

    /// Tells the next request that waits for this environment.
    fn tell(&mut self, environment: &str, error: ServiceError) {
        self.waiting.forget_gone();
        let is_next = |demand: &Demand| demand.environment() == Some(environment);
        let next = self.waiting.iter().position(is_next);
        if let Some(next) = next {
            self.refuse(next, error);
        }
    }

    fn refuse(&mut self, index: usize, error: ServiceError) {
        if let Some(demand) = self.waiting.serve(index) {
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
            line.try_again();
        }
        self.waiting.serve_each(|demand| {
            if demand.environment().is_none_or(there) {
                return Some(demand);
            }
            let error = ServiceError::Unavailable("the environment's image is gone".to_owned());
            let _ = demand.answer.send(Err(error));
            None
        });
    }

    /// Hands out what there is, starts what is missing, and shows the result.
    fn settle(&mut self) {
        self.waiting.forget_gone();
        self.hand_out();
        for line in self.lines.values_mut() {
            line.trim(stocked(line, self.memory));
        }
        while self.starts.count() < self.rules.starting() {
            match self.next_start() {
                Some(Next::Own(spec, answer, slot)) => self.starts.begin_own(*spec, answer, slot),
                Some(Next::Pooled(image, slot)) => {
                    self.starts.begin(self.rules.defaults.spec(image), slot)
                }
                None => break,
            }
        }
        self.show();
    }

    /// Gives the stock to the requests, in turn.
    fn hand_out(&mut self) {
        let lines = &mut self.lines;
        self.waiting.serve_each(|demand| {
            let line = demand.environment().and_then(|name| lines.get_mut(name));
            let Some((line, warm)) = line.and_then(|line| line.take().map(|warm| (line, warm)))
            else {
                return Some(demand);
            };
            if let Err(Ok(warm)) = demand.answer.send(Ok(warm)) {
                line.put_back(warm);
            }
            None
        });
    }

    fn next_start(&mut self) -> Option<Next> {
        while let Some(index) = self.next_waiting() {
            match self.make_room() {
                Some(slot) => return self.start_for(index, slot),
                None => self.refuse(index, full()),
            }
        }
        let now = self.lines.values().find(|line| {
            let due = line.refill_at().is_none();
            due && self.lacks(line)
        });
        Some(Next::Pooled(now?.image.clone(), self.bound.take()?))
    }

    /// A place for a request's sandbox, in that of a warm one if need be: one of the longest line.
    fn make_room(&mut self) -> Option<Slot> {
        let slot = self.bound.take();
        if slot.is_some() {
            return slot;
        }
        let longest = self.lines.values_mut().max_by_key(|line| line.warm())?;
        longest.give_up_one();
        self.bound.take()
    }

    /// The next request that no start under way will serve.
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
    fn start_for(&mut self, index: usize, slot: Slot) -> Option<Next> {
        if let Some(name) = self.waiting.iter().nth(index)?.environment() {
            let line = self.lines.get(name)?;
            return Some(Next::Pooled(line.image.clone(), slot));
        }
        let demand = self.waiting.serve(index)?;
        match demand.wanted {
            Wanted::Own(spec) => Some(Next::Own(spec, demand.answer, slot)),
            Wanted::Pooled(image) => Some(Next::Pooled(image, slot)),
        }
    }

    fn lacks(&self, line: &Line) -> bool {
        let name = Some(line.image.name.as_str());
        let waiting = self.waiting.iter();
        let waiting = waiting
            .filter(|demand| demand.environment() == name)
            .count();
        let size = stocked(line, self.memory);
        line.lacks(size, self.starts.count_for(&line.image.name), waiting)
    }

    /// When a refill that waits may start.
    fn refill_at(&self) -> Option<Instant> {
        let room = self.bound.room() > 0;
        let lacking = self.lines.values().filter(|line| room && self.lacks(line));
        lacking.filter_map(Line::refill_at).min()
    }

    fn show(&self) {
        let lines = self.lines.iter().map(|(name, line)| EnvironmentHealth {
            name: name.clone(),
            warm: line.warm(),
            starting: self.starts.count_for(name),
            size: line.size,
            failed: line.start_failed(),
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

/// How many of a line are kept warm.
fn stocked(line: &Line, memory: Memory) -> usize {
    match memory {
        Memory::Calm => line.size,
        Memory::Shrinking | Memory::Short => 0,
    }
}

fn full() -> ServiceError {
    ServiceError::Busy {
        retry_after: RETRY_AFTER,
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
