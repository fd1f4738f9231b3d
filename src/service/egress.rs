//! The way out of sandboxes: what each may reach, decided and dialled here, outside of it.
//!
//! ```text
//! policy    may this request ask for these hosts?            before anything runs
//! serve     takes the connections that a sandbox asks for    while its code runs
//! dial      resolves a name once, looks at its addresses, connects to one of those
//! address   which addresses are everybody's
//! meter     bytes and connections, counted and capped
//! record    one line in the log about each connection, and one more in the numbers (meters)
//! ```
//!
//! What passes is not opened: TLS is between the sandbox and the host, so a redirect is a new
//! connection, judged like the first. A sandbox without hosts has no proxy, and nothing here is there for it.

mod address;
mod dial;
mod meter;
mod meters;
mod policy;
mod record;
mod refusal;
mod serve;

pub(super) use dial::Dialer;
pub use dial::{Resolver, SystemResolver};
pub(super) use policy::{Allowed, allowed};
pub(super) use record::OnBehalf;
pub(super) use serve::Route;
