//! A document with its kernel, as Jupyter Server describes one.

use serde::Serialize;

use crate::http::api::kernel_model::KernelModel;
use crate::service::session::SessionView;

/// A document with its kernel.
#[derive(Debug, Serialize)]
pub struct SessionModel {
    /// The document's, not the kernel's.
    pub id: String,
    path: String,
    name: String,
    r#type: String,
    kernel: KernelModel,
    /// The same again for old clients, of notebooks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    notebook: Option<OldNotebook>,
}

#[derive(Debug, Serialize)]
struct OldNotebook {
    path: String,
    name: String,
}

impl SessionModel {
    /// None: the session is no document's.
    pub fn of(view: &SessionView) -> Option<Self> {
        let document = view.notebook.clone()?;
        let is_notebook = document.kind == "notebook";
        let notebook = is_notebook.then(|| OldNotebook {
            path: document.path.clone(),
            name: document.name.clone(),
        });
        Some(Self {
            id: document.id,
            path: document.path,
            name: document.name,
            r#type: document.kind,
            kernel: KernelModel::of_view(view),
            notebook,
        })
    }
}
