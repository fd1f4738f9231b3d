//! One run of code, from request to result.

pub mod request;
pub mod result;
