//! Libraries: those that an image has loaded before it is asked, and those that were installed for the request.

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::floor;
use crate::support::Service;
use crate::table::{Samples, Table};

/// Runs of each.
const SOME_ROUNDS: usize = 10;

/// What `python_scientific` has loaded, and a plot.
const PLOT_CODE: &str = "import pandas, numpy, matplotlib.pyplot as plt
pandas.DataFrame({'a': numpy.arange(100) ** 2}).plot()
plt.show()";

/// A plot by a warm sandbox, beside `jupyter_client` and a fresh kernel in the same image.
pub async fn plots(table: &mut Table) {
    let floor = floor::later_cells("cellblock/python_scientific", SOME_ROUNDS, PLOT_CODE);
    let service = Service::start_with_pool(&["python_scientific"], &[]).await;
    let mut samples = Samples::default();
    for _ in 0..SOME_ROUNDS {
        service.pool_is_full().await;
        let begin = Instant::now();
        let answer = service.execute("python_scientific", PLOT_CODE).await;
        samples.push(begin.elapsed());
        let outputs = answer["outputs"].as_array().unwrap();
        let drawn = |output: &Value| output["data"]["image/png"].is_string();
        assert!(outputs.iter().any(drawn), "{answer:#}");
    }
    table.times("pandas, numpy and a plot, warm", &samples, &floor);
}

/// A cold one-shot with packages that were installed before, beside one without.
pub async fn packages(table: &mut Table, without: &Samples) {
    let service = Service::start(&[]).await;
    let asked = json!({ "packages": ["humanize==4.*"] });
    let mut samples = Samples::default();
    for round in 0..=SOME_ROUNDS {
        let begin = Instant::now();
        let answer = service.execute_with("python", "print(\"hi\")", asked.clone());
        assert_eq!(answer.await["output"], "hi");
        // The first installs them.
        if round > 0 {
            samples.push(begin.elapsed());
        }
        service.has_containers(0).await;
    }
    table.times("one-shot with installed packages", &samples, without);
}
