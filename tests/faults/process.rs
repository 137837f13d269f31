//! Where a process of a system under fault begins.

/// Passes at once, unless this binary was started as such a process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn served() {
    tests::faults::fleet::served(app::settings, app::serve).await;
}
