//! Several processes behind one prefix.

use crate::stub::{Act, Stub, answer};
use crate::support::{NOTES, client, gateway, until};
use futures_util::future::join_all;

#[tokio::test]
async fn they_take_turns() {
    let stubs = [Stub::start(|_| answer("200 OK", "", "a")), Stub::start(|_| answer("200 OK", "", "b"))];
    let gateway = gateway(&[stubs[0].url(), stubs[1].url()]).await;
    let mut bodies = Vec::new();
    for _ in 0..10 {
        bodies.push(gateway.get(NOTES).await.body.as_str().unwrap().to_owned());
    }
    assert!(bodies.windows(2).all(|pair| pair[0] != pair[1]), "{bodies:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn one_is_killed_and_what_may_be_repeated_sees_no_failure() {
    let stay = Stub::start(|_| answer("200 OK", "", "alive"));
    let killed = Stub::start(|_| answer("200 OK", "", "alive"));
    let gateway = gateway(&[stay.url(), killed.url()]).await;
    let http = client();
    let ask = |method: &'static str| {
        let request = http.request(method.parse().unwrap(), gateway.url(NOTES)).body("x");
        let request = if method == "POST" { request.header("idempotency-key", "k") } else { request };
        async { gateway.send(request).await.status }
    };
    let mut killed = Some(killed);
    for round in 0..20 {
        if round == 5 {
            // In the middle: requests are under way to it.
            let under_way = join_all((0..20).map(|n| ask(["GET", "PUT", "DELETE", "POST"][n % 4])));
            let (statuses, ()) = tokio::join!(under_way, async { drop(killed.take()) });
            assert_eq!(statuses, vec![200; 20]);
        }
        let statuses = join_all((0..20).map(|n| ask(["GET", "PUT", "DELETE", "POST"][n % 4]))).await;
        assert_eq!(statuses, vec![200; 20], "round {round}");
    }
    until("degraded", async || gateway.get("/health").await.body["services"]["notes"] == "degraded").await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_that_gives_no_answer_is_not_asked_twice() {
    let bad = Stub::start(|_| Act::Close);
    let good = Stub::start(|_| answer("200 OK", "", "good"));
    let gateway = gateway(&[bad.url(), good.url()]).await;
    for _ in 0..10 {
        assert_eq!(gateway.get(NOTES).await.body, "good");
    }
    assert_eq!((good.seen().len(), bad.seen().len()), (10, 5), "the second try goes to the other one");
    gateway.stop().await;
}
