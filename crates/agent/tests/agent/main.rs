//! What the agent guarantees, seen from the other end of its link.

#[cfg(test)]
mod fake;
#[cfg(test)]
mod files;
#[cfg(test)]
mod kernel;
#[cfg(test)]
mod process;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod single_files;
#[cfg(test)]
mod support;
