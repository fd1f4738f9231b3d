//! Serves the connections that a sandbox asks for, while somebody polls it. Dropping that future ends them all.

use std::future::pending;
use std::io;

use futures::future::join_all;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::dial::Dialer;
use super::meter::Meter;
use super::policy::Allowed;
use super::record::{OnBehalf, Record};
use super::refusal::Refusal;
use crate::config::host_rule::Host;
use crate::sandbox::{Outbound, Sandbox, SandboxId, Wire};
use crate::service::quota::Traffic;

/// Connections of a sandbox at once. npm opens 15.
const LANES: usize = 24;

/// What is passed on at once.
const PIECE: usize = 32 << 10;

/// A sandbox's way out.
#[derive(Clone)]
pub(in crate::service) struct Route {
    /// Where to.
    pub(in crate::service) allowed: Allowed,
    /// How.
    pub(in crate::service) dialer: Dialer,
    /// Bytes, both ways together.
    pub(in crate::service) max_bytes: u64,
    /// Connections, refused ones included.
    pub(in crate::service) max_connections: u32,
    /// Counts bytes against what the owner may have in a day. None: they are not the owner's.
    pub(in crate::service) traffic: Option<Traffic>,
    /// For whom.
    pub(in crate::service) behalf: OnBehalf,
}

impl Route {
    /// Does `work` and serves the sandbox's connections meanwhile.
    pub(in crate::service) async fn while_doing<T>(
        &self,
        sandbox: &dyn Sandbox,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::select! {
            biased;
            done = work => done,
            () = self.serve(sandbox) => unreachable!("serving does not end"),
        }
    }

    /// Never ends, so that a lost sandbox is found out by whoever works with it.
    async fn serve(&self, sandbox: &dyn Sandbox) {
        let meter = Meter::new(self.max_bytes, self.max_connections.into())
            .counted_for(self.traffic.clone());
        join_all((0..LANES).map(|_| self.lane(sandbox, &meter))).await;
        pending().await
    }

    /// One connection after the other.
    async fn lane(&self, sandbox: &dyn Sandbox, meter: &Meter) {
        while let Ok(outbound) = sandbox.next_connection().await {
            match meter.connection() {
                Ok(()) => self.handle(sandbox.id(), outbound, meter).await,
                // Without a line in the log, or there would be no end of them.
                Err(refusal) => {
                    self.dialer.meters.ended(refusal.name());
                    drop(outbound.refuse(refusal.into()).await);
                }
            }
        }
    }

    async fn handle(&self, sandbox: &SandboxId, outbound: Outbound, meter: &Meter) {
        let mut record = Record::begin(self, sandbox, &outbound.host, outbound.port);
        let connection = match self.connect(&outbound.host, outbound.port).await {
            Ok(connection) => connection,
            Err(refusal) => {
                // Who does not wait for it any more need not know.
                let _ = outbound.refuse(refusal.into()).await;
                return record.refused(refusal);
            }
        };
        let Ok(wire) = outbound.accept().await else {
            return record.broken();
        };
        match carry(wire, connection, meter, &mut record).await {
            Ok(()) => record.closed(),
            Err(Cut::Broken) => record.broken(),
            Err(Cut::Refused(refusal)) => record.refused(refusal),
        }
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Refusal> {
        let host: Host = host.parse().map_err(|_| Refusal::Malformed)?;
        if !self.allowed.allows(&host, port) {
            return Err(Refusal::NotAllowed);
        }
        self.dialer.dial(&host, port).await
    }
}

/// Why a connection ended before both sides had said everything.
enum Cut {
    Broken,
    Refused(Refusal),
}

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Cut {
        Cut::Broken
    }
}

/// Until both sides have said everything; a side that has may still hear.
async fn carry(
    wire: Wire,
    mut connection: TcpStream,
    meter: &Meter,
    record: &mut Record<'_>,
) -> Result<(), Cut> {
    let (from_sandbox, to_sandbox) = tokio::io::split(wire);
    let (from_host, to_host) = connection.split();
    let (sent, received) = (&mut record.sent, &mut record.received);
    tokio::try_join!(
        pass(from_sandbox, to_host, meter, sent),
        pass(from_host, to_sandbox, meter, received),
    )?;
    Ok(())
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    meter: &Meter,
    passed: &mut u64,
) -> Result<(), Cut> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok(to.shutdown().await?);
        }
        meter.bytes(read as u64).map_err(Cut::Refused)?;
        to.write_all(&piece[..read]).await?;
        to.flush().await?;
        *passed += read as u64;
    }
}
