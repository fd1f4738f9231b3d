//! The Jupyter protocol: messages, and folding them into results.
