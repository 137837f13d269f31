//! Where a process of a system with several of them begins.

/// Passes at once, unless this binary was started as such a process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    testkit::child(app::settings, app::serve).await;
}
