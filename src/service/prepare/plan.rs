//! What a request comes to in its environment: decided before anything is installed, started or run.

use bytesize::ByteSize;

use super::{Preparer, SandboxRequest, permission};
use crate::config::host_rule::HostRule;
use crate::sandbox::EnvironmentImage;
use crate::service::ServiceError;
use crate::service::egress::{self, OnBehalf, Route};
use crate::service::owner::Owner;
use crate::service::packages::Requirements;

/// Where to run, with which packages, and what may be reached.
pub(super) struct Plan {
    pub(super) environment: EnvironmentImage,
    /// None: no packages.
    pub(super) requirements: Option<Requirements>,
    /// None: nothing may be reached.
    pub(super) route: Option<Route>,
    /// The most memory that the owner's key allows; None: what the settings allow.
    pub(super) memory: Option<ByteSize>,
    /// For the log of connections.
    pub(super) behalf: OnBehalf,
}

impl Preparer {
    /// Refuses what the environment or the operator does not allow.
    pub(super) async fn plan(
        &self,
        owner: &Owner,
        request: &SandboxRequest,
    ) -> Result<Plan, ServiceError> {
        let grant = self.quotas.grant(owner);
        permission::check(&grant, request)?;
        let environment = self.environments.find(&request.environment).await?;
        let behalf = OnBehalf {
            request_id: request.request_id.clone(),
            owner: owner.to_string(),
        };
        let route = self.route(owner, &environment.name, &request.network, behalf.clone())?;
        if route.is_some() {
            self.quotas.has_traffic(owner)?;
        }
        let requirements = self.packages.check(&environment, &request.packages)?;
        Ok(Plan {
            route,
            environment,
            requirements,
            memory: grant.limits.memory,
            behalf,
        })
    }

    /// The way to these hosts; None: to none.
    pub(in crate::service) fn route(
        &self,
        owner: &Owner,
        environment: &str,
        hosts: &[HostRule],
        behalf: OnBehalf,
    ) -> Result<Option<Route>, ServiceError> {
        permission::hosts(&self.quotas.grant(owner), hosts)?;
        let allowed = egress::allowed(&self.egress, owner, environment, hosts)?;
        Ok(allowed.map(|allowed| Route {
            allowed,
            dialer: self.dialer.clone(),
            max_bytes: self.egress.max_bytes.as_u64(),
            max_connections: self.egress.max_connections,
            traffic: Some(self.quotas.traffic(owner)),
            behalf,
        }))
    }
}
