//! The connection file: where the kernel is to listen, and the key that signs its messages.
//!
//! It is made for one kernel and removed after it. User code can read it, being the same user: with it, it can
//! forge the output of its own kernel, which it could print just as well.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::ports::bind;
use crate::random::random;

/// The connection of one kernel. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct Connection {
    path: PathBuf,
    description: Description,
}

/// What stands in the file.
#[derive(Debug, Serialize)]
pub(super) struct Description {
    transport: &'static str,
    ip: Ipv4Addr,
    signature_scheme: &'static str,
    kernel_name: String,
    pub(super) key: String,
    pub(super) shell_port: u16,
    pub(super) control_port: u16,
    pub(super) stdin_port: u16,
    pub(super) iopub_port: u16,
    hb_port: u16,
}

impl Connection {
    /// Chooses ports and a key and writes the file into the first of `directories` that takes it.
    pub(super) fn create(kernelspec: &str, directories: &[PathBuf]) -> io::Result<Connection> {
        let description = Description::new(kernelspec)?;
        let contents = serde_json::to_vec(&description)?;
        let name = format!("kernel-{}.json", random_hex::<16>()?);
        let mut refused = io::Error::from(io::ErrorKind::NotFound);
        for directory in directories {
            match write(directory, &name, &contents) {
                Ok(path) => return Ok(Connection { path, description }),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn description(&self) -> &Description {
        &self.description
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // User code may have been faster.
        let _ = fs::remove_file(&self.path);
    }
}

impl Description {
    fn new(kernelspec: &str) -> io::Result<Description> {
        // All are bound at once, so that they are five; the kernel binds them again.
        let bound: [TcpListener; 5] = [bind()?, bind()?, bind()?, bind()?, bind()?];
        let mut ports = [0; 5];
        for (port, listener) in ports.iter_mut().zip(&bound) {
            *port = listener.local_addr()?.port();
        }
        let [shell_port, control_port, stdin_port, iopub_port, hb_port] = ports;
        Ok(Description {
            transport: "tcp",
            ip: Ipv4Addr::LOCALHOST,
            signature_scheme: "hmac-sha256",
            kernel_name: kernelspec.to_owned(),
            key: random_hex::<32>()?,
            shell_port,
            control_port,
            stdin_port,
            iopub_port,
            hb_port,
        })
    }
}

fn write(directory: &Path, name: &str, contents: &[u8]) -> io::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let path = directory.join(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(contents)?;
    Ok(path)
}

/// Random bytes in hex.
pub(super) fn random_hex<const BYTES: usize>() -> io::Result<String> {
    random::<BYTES>().map(hex::encode)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_private_complete_and_gone_afterwards() {
        let directory = tempfile::tempdir().unwrap();
        // What cannot be made is passed over.
        let places = [
            PathBuf::from("/proc/none"),
            directory.path().join("runtime"),
        ];
        let connection = Connection::create("python3", &places).unwrap();
        let path = connection.path().to_owned();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let file: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(file["transport"], "tcp");
        assert_eq!(file["ip"], "127.0.0.1");
        assert_eq!(file["signature_scheme"], "hmac-sha256");
        assert_eq!(file["key"].as_str().unwrap().len(), 64);
        let ports = [
            "shell_port",
            "control_port",
            "stdin_port",
            "iopub_port",
            "hb_port",
        ];
        let ports: std::collections::BTreeSet<_> =
            ports.map(|port| file[port].as_u64().unwrap()).into();
        assert_eq!(ports.len(), 5);
        assert!(ports.iter().all(|port| (10_000..32_000).contains(port)));
        drop(connection);
        assert!(!path.exists());
    }
}
