//! Cellblock: runs code nobody trusts.
