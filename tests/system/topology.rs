//! The table of streams is what the domains do.

use contracts::topology;
use testkit::{System, Topology};
use tests::wiring::{objections, published};

#[tokio::test]
async fn every_domain_listens_to_what_exists_and_what_the_table_gives_it() {
    let system = System::start(app::serve, Topology::EMBEDDED).await;
    let mut listeners = 0;
    for domain in system.server().domains() {
        let listens_to = domain.messaging.listens_to();
        let heard = topology::heard_by(domain.name);
        listeners += listens_to.len();
        assert_eq!(objections(domain.name, listens_to, heard, &published()), Vec::<String>::new());
    }
    assert!(listeners > 5, "the listeners were found: {listeners}");
}
