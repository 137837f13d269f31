//! Where a process of a system with several of them begins.

/// Passes at once, unless this binary was started as such a process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    testkit::child(app::settings, app::serve).await;
}

/// The same of one that is told by variables alone, as an operator tells it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn served() {
    tests::faults::fleet::served(app::settings, app::serve).await;
}
