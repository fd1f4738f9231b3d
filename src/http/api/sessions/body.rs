//! What is sent of documents and their kernels.

use serde::Deserialize;
use uuid::Uuid;

use crate::http::api::body::malformed;
use crate::http::problem::Problem;
use crate::service::session::{Notebook, SessionId};

/// Bytes of each word that is kept of a document. Paths have as many at most on any system.
const LONGEST: usize = 4096;

/// A document that is to have a kernel.
#[derive(Debug, Deserialize)]
pub struct NewSession {
    path: Option<String>,
    name: Option<String>,
    r#type: Option<String>,
    kernel: Option<NamedKernel>,
}

/// What is to be different. None: nothing.
#[derive(Debug, Deserialize)]
pub struct Changes {
    path: Option<String>,
    name: Option<String>,
    r#type: Option<String>,
    kernel: Option<NamedKernel>,
}

#[derive(Debug, Default, Deserialize)]
struct NamedKernel {
    id: Option<String>,
    name: Option<String>,
}

/// Which kernel a document is to have.
#[derive(Debug, PartialEq, Eq)]
pub enum KernelChoice {
    /// A new one, of this name or the usual one.
    New {
        /// Of its kernelspec.
        name: Option<String>,
    },
    /// One that runs.
    There {
        /// Its id.
        id: String,
    },
    /// That of the session whose file the document is, even if it was shut down.
    Beside {
        /// The session's id.
        id: SessionId,
    },
}

impl KernelChoice {
    /// Whether it is the one that runs under this id.
    pub fn is(&self, id: &str) -> bool {
        matches!(self, Self::There { id: there } if there.eq_ignore_ascii_case(id))
    }
}

impl NamedKernel {
    /// An id comes before a name. What is empty is not said.
    fn choice(self) -> Option<KernelChoice> {
        let said = |text: &String| !text.is_empty();
        let there = self.id.filter(said).map(|id| KernelChoice::There { id });
        let named = || {
            Some(KernelChoice::New {
                name: Some(self.name.filter(said)?),
            })
        };
        there.or_else(named)
    }
}

impl NewSession {
    /// The document, with an id of its own, and the kernel that it is to have.
    ///
    /// # Errors
    ///
    /// What is missing, or too long.
    pub fn check(self) -> Result<(Notebook, KernelChoice), Problem> {
        let notebook = Notebook {
            id: Uuid::new_v4().to_string(),
            path: required("path", self.path)?,
            kind: required("type", self.r#type)?,
            name: bounded("name", self.name.unwrap_or_default())?,
        };
        let kernel = self.kernel.unwrap_or_default().choice();
        Ok((notebook, kernel.unwrap_or(KernelChoice::New { name: None })))
    }
}

impl Changes {
    /// The document as it is to be, and the kernel that it is to have instead of its own, if any.
    ///
    /// # Errors
    ///
    /// What is too long.
    pub fn apply(self, before: Notebook) -> Result<(Notebook, Option<KernelChoice>), Problem> {
        let notebook = Notebook {
            id: before.id,
            path: bounded("path", self.path.unwrap_or(before.path))?,
            name: bounded("name", self.name.unwrap_or(before.name))?,
            kind: bounded("type", self.r#type.unwrap_or(before.kind))?,
        };
        Ok((notebook, self.kernel.and_then(NamedKernel::choice)))
    }
}

fn required(name: &str, field: Option<String>) -> Result<String, Problem> {
    let field = field.ok_or_else(|| malformed(format!("The field `{name}` is missing.")))?;
    bounded(name, field)
}

fn bounded(name: &str, field: String) -> Result<String, Problem> {
    if field.len() <= LONGEST {
        return Ok(field);
    }
    Err(malformed(format!(
        "The field `{name}` is longer than {LONGEST} bytes."
    )))
}
