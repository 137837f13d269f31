//! What a process must be told whose domains are not all its own.

use super::*;

/// Why these domains cannot be served so; the first of the modules brings keys.
fn cannot_serve(change: impl FnOnce(&mut Config)) -> Option<String> {
    let mut config = Config::embedded(PathBuf::from("data"));
    change(&mut config);
    let [user, task, notification] = ["user", "task", "notification"].map(Module::new);
    config.places(vec![user.brings_keys(), task, notification]).err().map(|error| error.to_string())
}

fn elsewhere(names: &[&str]) -> Vec<RemoteDomain> {
    names.iter().map(|name| RemoteDomain { name: (*name).to_owned(), targets: vec!["http://h:1".to_owned()] }).collect()
}

fn broker() -> BusSetting {
    BusSetting::RabbitMq("amqp://h".into())
}

#[test]
fn a_domain_elsewhere_needs_a_broker() {
    let line = cannot_serve(|config| {
        config.domains = vec!["user".to_owned(), "notification".to_owned()];
        config.remote = elsewhere(&["task"]);
    });
    assert_eq!(
        line.unwrap(),
        "CLEAVE_DOMAINS says that task is served elsewhere, and with CLEAVE_BUS=in-process no event would reach it: set \
         CLEAVE_BUS to the broker of all processes (amqp://user:password@host:5672)"
    );
    let line = cannot_serve(|config| {
        config.domains = vec!["user".to_owned(), "notification".to_owned()];
        config.remote = elsewhere(&["task"]);
        config.bus = broker();
    });
    assert_eq!(line, None);
}

#[test]
fn who_serves_routes_needs_keys_and_the_token_to_ask_for_them() {
    let serving = |change: fn(&mut Config)| {
        cannot_serve(|config| {
            config.domains = vec!["task".to_owned()];
            config.bus = broker();
            change(config);
        })
    };
    assert_eq!(
        serving(|_| {}).unwrap(),
        "no served domain brings the keys that tokens are verified with: add user to CLEAVE_DOMAINS, or set \
         CLEAVE_USER_URL to where it is served"
    );
    let without_token = "CLEAVE_INTERNAL_TOKEN is missing: the user domain is served elsewhere, and shows its revocations \
                         to nobody else; make it with `openssl rand -hex 32` and give it to every process";
    assert_eq!(serving(|config| config.user_urls = vec!["http://h:1".to_owned()]).unwrap(), without_token);
    assert_eq!(serving(|config| config.remote = elsewhere(&["user"])).unwrap(), without_token);
    let with_token = |config: &mut Config| {
        config.remote = elsewhere(&["user"]);
        config.internal_token = Some("7".repeat(64).into());
    };
    assert_eq!(serving(with_token), None);
}

#[test]
fn who_only_hands_on_needs_no_keys() {
    let line = cannot_serve(|config| {
        config.remote = elsewhere(&["task", "notification"]);
        config.bus = broker();
    });
    assert_eq!(line, None);
}

#[test]
fn with_postgres_the_secret_of_the_keys_is_given_and_not_made() {
    let on_postgres = |config: &mut Config| config.database_url = Some("postgres://h/d".into());
    assert_eq!(
        cannot_serve(on_postgres).unwrap(),
        "CLEAVE_KEYS_SECRET is missing, and with PostgreSQL it is not made by itself: make it with `openssl rand -hex 32` \
         and give it to every process that serves user"
    );
    let line = cannot_serve(|config| {
        on_postgres(config);
        config.keys_secret = Some("7".repeat(64).into());
    });
    assert_eq!(line, None);
    let line = cannot_serve(|config| {
        on_postgres(config);
        config.domains = vec!["task".to_owned()];
        config.user_urls = vec!["http://h:1".to_owned()];
        config.internal_token = Some("7".repeat(64).into());
    });
    assert_eq!(line, None, "who does not serve user has no business with it");
}

#[test]
fn a_domains_own_binary_looks_for_the_user_domain_beside_it() {
    let of = |module: Module| {
        let modules = [module];
        let sources = Sources { binary: of_binary(&modules), ..sources(&[], &[], "") };
        Config::from_sources(sources, &modules).unwrap()
    };
    let task = of(Module::new("task").port(8002));
    assert_eq!((task.port, task.user_urls), (8002, vec!["http://127.0.0.1:8001".to_owned()]));
    assert!(of(Module::new("user").port(8001).brings_keys()).user_urls.is_empty());
}
