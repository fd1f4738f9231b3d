//! Many at once.

use futures::StreamExt;
use futures::stream;

use crate::support::Service;

const EXECUTIONS: usize = 200;
const CLIENTS: usize = 16;

#[tokio::test]
async fn two_hundred_executions_from_sixteen_clients_all_succeed_and_only_the_pool_is_left() {
    let service = Service::start_with_pool(&["python", "bash"], &[]).await;
    service.pool_is_full().await;
    let pool = service.containers().len();
    let executions = stream::iter(0..EXECUTIONS).map(|number| {
        let service = &service;
        async move {
            let answer = service.execute("bash", &format!("echo {number}")).await;
            assert_eq!(answer["stdout"], format!("{number}\n"), "{answer:#}");
        }
    });
    let done = executions.buffer_unordered(CLIENTS).count().await;
    assert_eq!(done, EXECUTIONS);
    service.pool_is_full().await;
    service.has_containers(pool).await;
    assert_eq!(service.get("/jupyter/health").await["executions"], 0);
}
