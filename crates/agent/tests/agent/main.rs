//! What the agent guarantees, seen from the other end of its link.

#[cfg(test)]
mod fake;
#[cfg(test)]
mod files;
#[cfg(test)]
mod kernel;
#[cfg(test)]
mod support;
