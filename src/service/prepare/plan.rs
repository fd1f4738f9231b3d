//! What a request comes to in its environment: decided before anything is installed, started or run.

use super::{Preparer, SandboxRequest};
use crate::sandbox::EnvironmentImage;
use crate::service::ServiceError;
use crate::service::egress::{self, Allowed, OnBehalf, Route};
use crate::service::owner::Owner;
use crate::service::packages::Requirements;

/// Where to run, with which packages, and what may be reached.
pub(super) struct Plan {
    pub(super) environment: EnvironmentImage,
    /// None: no packages.
    pub(super) requirements: Option<Requirements>,
    /// None: nothing may be reached.
    pub(super) route: Option<Route>,
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
        let environment = self.environments.find(&request.environment).await?;
        let allowed = egress::allowed(&self.egress, owner, &environment.name, &request.network)?;
        let requirements = self.packages.check(&environment, &request.packages)?;
        let behalf = OnBehalf {
            request_id: request.request_id.clone(),
            owner: owner.to_string(),
        };
        Ok(Plan {
            route: allowed.map(|allowed| self.route(allowed, behalf.clone())),
            environment,
            requirements,
            behalf,
        })
    }

    fn route(&self, allowed: Allowed, behalf: OnBehalf) -> Route {
        Route {
            allowed,
            dialer: self.dialer.clone(),
            max_bytes: self.egress.max_bytes.as_u64(),
            max_connections: self.egress.max_connections,
            behalf,
        }
    }
}
