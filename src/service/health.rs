//! The state of things, at a glance.

/// What `health` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether an execution could be served now: the engine answers and an environment is there.
    pub able: bool,
    /// The engine's version; None while it does not answer.
    pub engine: Option<String>,
    /// Each environment and its pool.
    pub environments: Vec<EnvironmentHealth>,
    /// Executions that run or wait.
    pub executions: usize,
}

/// One environment and its pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentHealth {
    /// Its name.
    pub name: String,
    /// Warm sandboxes.
    pub warm: usize,
    /// Sandboxes on their way.
    pub starting: usize,
    /// What `warm` should be.
    pub size: usize,
}
