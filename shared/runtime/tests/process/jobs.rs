//! Repeating work.

use crate::support::{place, with};
use runtime::{Job, Mounted};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_job_runs_at_the_start_and_when_it_is_woken() {
    let (ran, mut runs) = mpsc::unbounded_channel();
    let module = with("notes", &["/api/v1/notes"], move || {
        let ran = ran.clone();
        Mounted::new().job(Job::every(NEVER, "count", move |db| {
            let ran = ran.clone();
            Box::pin(async move { ran.send(db.location()).map_err(|error| error.to_string()) })
        }))
    });
    let (_directory, config) = place();
    let server = runtime::serve(config, vec![module]).await.unwrap();
    assert!(runs.recv().await.unwrap().ends_with("notes.db"));
    server.wake_all();
    runs.recv().await.unwrap();
    assert!(runs.try_recv().is_err(), "nobody else woke it");
    server.stop().await;
}

#[tokio::test]
async fn a_job_that_fails_or_panics_runs_again() {
    let (ran, mut runs) = mpsc::unbounded_channel();
    let count = Arc::new(AtomicU32::new(0));
    let module = with("notes", &["/api/v1/notes"], move || {
        let (ran, count) = (ran.clone(), Arc::clone(&count));
        Mounted::new().job(Job::every(Duration::from_millis(1), "fail", move |_| {
            let run = count.fetch_add(1, Ordering::Relaxed);
            ran.send(run).unwrap();
            match run {
                0 => panic!("before the first await"),
                1 => Box::pin(async { panic!("inside") }),
                2 => Box::pin(async { Err("failed".to_owned()) }),
                _ => Box::pin(std::future::pending()),
            }
        }))
    });
    let (_directory, config) = place();
    let server = runtime::serve(config, vec![module]).await.unwrap();
    for expected in 0..4 {
        assert_eq!(runs.recv().await, Some(expected));
    }
    drop(server);
}
