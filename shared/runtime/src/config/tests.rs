//! Layers and refusals, without the process's own environment.

mod elsewhere;
mod shown;

use super::*;
use secrecy::ExposeSecret;

fn modules() -> Vec<Module> {
    ["user", "task", "notification"].map(Module::new).to_vec()
}

fn sources(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str) -> Sources<'static> {
    Sources {
        flags: flags.iter().map(|(key, text)| (*key, (*text).to_owned())).collect(),
        environment: environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        file: Some(file.to_owned()),
        binary: Vec::new(),
    }
}

fn load(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str) -> Result<Config, StartError> {
    Config::from_sources(sources(flags, environment, file), &modules())
}

fn refusal(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str) -> String {
    let line = load(flags, environment, file).expect_err("this must be refused").to_string();
    assert!(!line.contains('\n'), "one line: {line}");
    line
}

#[test]
fn the_defaults_alone_are_a_working_configuration() {
    let config = load(&[], &[], "").unwrap();
    assert_eq!((config.host.as_str(), config.port), ("127.0.0.1", 8000));
    assert_eq!(config.data_dir, PathBuf::from("./data"));
    assert_eq!(config.admin_email, "admin@cleave.invalid");
    assert_eq!((config.log.as_str(), config.log_format), ("info", LogFormat::Auto));
    assert!(config.registration_open && config.public_url.is_none() && config.domains.is_empty());
    assert!(config.admin_password.is_none() && config.keys_secret.is_none() && config.seal_secret.is_none());
    assert!(config.drain_delay.is_zero() && config.notices.is_empty());
}

#[test]
fn flags_lie_over_the_environment_over_the_file_over_the_binary_over_the_defaults() {
    let (flag, variable, line) = (("port", "1"), ("CLEAVE_PORT", "2"), "port = 3");
    assert_eq!(load(&[flag], &[variable], line).unwrap().port, 1);
    assert_eq!(load(&[], &[variable], line).unwrap().port, 2);
    assert_eq!(load(&[], &[], line).unwrap().port, 3);
    let binary = |file| Sources { binary: vec![("port", "8002".to_owned())], ..sources(&[], &[], file) };
    assert_eq!(Config::from_sources(binary(line), &modules()).unwrap().port, 3);
    assert_eq!(Config::from_sources(binary(""), &modules()).unwrap().port, 8002);
}

#[test]
fn every_flag_is_a_setting() {
    let text = || Some("x".to_owned());
    let flags = ServeFlags {
        host: text(),
        port: text(),
        public_url: text(),
        data_dir: text(),
        database_url: text(),
        bus: text(),
        domains: text(),
        user_url: text(),
        rate_limit: text(),
        log: text(),
    };
    let settings = Settings::read(Sources::default()).unwrap();
    for (key, _) in flags.given() {
        assert!(settings.get(key).is_ok(), "{key} is not in defaults.toml");
    }
    assert_eq!(flags.given().len(), 10);
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    assert_eq!(load(&[], &[("CLEAVE_PORT", "")], "port = 3").unwrap().port, 3);
    assert!(load(&[], &[("CLEAVE_USER_URL", "")], "").is_ok());
}

#[test]
fn a_refused_value_is_quoted_with_where_it_came_from() {
    assert_eq!(refusal(&[], &[("CLEAVE_PORT", "abc")], ""), "CLEAVE_PORT=abc is not a port (0 to 65535)");
    assert_eq!(refusal(&[("port", "70000")], &[], ""), "--port 70000 is not a port (0 to 65535)");
    assert_eq!(refusal(&[], &[], "port = -1"), "cleave.toml: port = \"-1\" is not a port (0 to 65535)");
}

#[test]
fn every_value_that_means_nothing_is_refused() {
    for (name, text, what) in [
        ("CLEAVE_PUBLIC_URL", "tasks.example.org", "is not a URL"),
        ("CLEAVE_PUBLIC_URL", "https://", "is not a URL"),
        ("CLEAVE_PUBLIC_URL", "https://user@example.org", "is not a URL"),
        ("CLEAVE_REGISTRATION", "maybe", "is not one of open, closed"),
        ("CLEAVE_LOG_FORMAT", "xml", "is not one of auto, text, json"),
        ("CLEAVE_DRAIN_DELAY", "3", "is not a duration"),
        ("CLEAVE_LOG", "task=loud", "is not a log filter"),
        ("CLEAVE_RATE_LIMIT", "100", "is not a rate limit"),
        ("CLEAVE_RATE_LIMIT", "0/60s", "is not a rate limit"),
        ("CLEAVE_LOGIN_LIMIT", "off", "is not a limit"),
        ("CLEAVE_LOGIN_LIMIT", "0/60s", "is not a limit"),
        ("CLEAVE_REGISTER_LIMIT", "5/0s", "is not a limit"),
        ("CLEAVE_DOMAINS", "user,tasks", "names tasks, which this binary does not hold (user, task, notification)"),
    ] {
        let line = refusal(&[], &[(name, text)], "");
        assert!(line.starts_with(&format!("{name}={} {what}", without_login(text))), "{line}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    assert_eq!(
        refusal(&[], &[("CLEAVE_PROT", "1")], ""),
        "CLEAVE_PROT is not a setting of Cleave: remove it, or did you mean CLEAVE_PORT?"
    );
    assert_eq!(
        refusal(&[], &[], "data-dir = \"x\""),
        "cleave.toml: data-dir is not a setting of Cleave: remove it, or did you mean data_dir?"
    );
    assert!(refusal(&[], &[("CLEAVE_port", "1")], "").starts_with("CLEAVE_port is not a setting"));
}

#[test]
fn failpoints_are_no_setting_and_one_that_means_nothing_stops_the_start() {
    let armed = |text: &str| {
        vec![("CLEAVE_FAILPOINTS".to_owned(), text.to_owned()), ("CLEAVE_PORT".to_owned(), "1".to_owned())]
    };
    assert!(without_failpoints(armed("nowhere=abort")).unwrap_err().to_string().contains("names nowhere"));
    assert_eq!(without_failpoints(armed("")).unwrap(), [("CLEAVE_PORT".to_owned(), "1".to_owned())]);
    // What a release build makes of it, which takes nothing out.
    let line = refusal(&[], &[("CLEAVE_FAILPOINTS", "relay::before_mark=abort")], "");
    assert!(line.starts_with("CLEAVE_FAILPOINTS is not a setting of Cleave"), "{line}");
}

#[test]
fn variables_of_the_test_suite_and_of_others_are_ignored() {
    assert!(load(&[], &[("CLEAVE_TEST_POSTGRES_URL", "postgres://"), ("PATH", "/bin")], "").is_ok());
}

#[test]
fn a_file_that_is_no_toml_or_holds_a_table_is_refused() {
    assert!(refusal(&[], &[], "port = ").starts_with("cleave.toml is not valid TOML"));
    let line = refusal(&[], &[], "[port]\nnumber = 1");
    assert_eq!(line, "cleave.toml: port must be a text, a number, true, false or a list of texts");
}

#[test]
fn a_domain_has_the_database_of_its_own_or_the_common_one_or_a_file() {
    let own = ("CLEAVE_TASK_DATABASE_URL", "postgres://own");
    let place = |config: &Config, domain: &str| match config.storage(domain) {
        Storage::File(path) => path.display().to_string(),
        Storage::Postgres { url, schema } => format!("{} {schema}", url.expose_secret()),
    };
    let config = load(&[], &[own], "").unwrap();
    assert_eq!([place(&config, "user"), place(&config, "task")], ["./data/user.db", "postgres://own task"]);
    let config = load(&[("database_url", "postgresql://all")], &[own], "").unwrap();
    assert_eq!([place(&config, "user"), place(&config, "task")], ["postgresql://all user", "postgres://own task"]);
    assert!(!format!("{config:?}").contains("//own"));
}

#[test]
fn a_domain_is_here_or_elsewhere_or_nowhere() {
    let text = "user, task=http://10.0.0.7:8002|https://tasks.internal/";
    let config = load(&[("domains", text)], &[], "").unwrap();
    assert_eq!(config.domains, ["user"]);
    let targets = vec!["http://10.0.0.7:8002".to_owned(), "https://tasks.internal".to_owned()];
    assert_eq!(config.remote, [RemoteDomain { name: "task".to_owned(), targets }]);
    let places = config.arrange(modules()).unwrap();
    let names = |modules: &[Module]| modules.iter().map(Module::name).collect::<Vec<_>>();
    assert_eq!((names(&places.mounted), names(&places.absent)), (vec!["user"], vec!["notification"]));
    assert_eq!(places.remote[0].0.name(), "task");
    assert_eq!(load(&[("domains", "task=http://h:1")], &[], "").unwrap().arrange(modules()).unwrap().mounted.len(), 0);
}

#[test]
fn an_address_of_a_service_is_an_address_and_nothing_else() {
    for targets in ["", "h:8002", "ftp://h", "http://u:p@h", "http://h/path", "http://h?x", "http://h:1|", "http://"] {
        let text = format!("task={targets}");
        assert_eq!(
            refusal(&[("domains", &text)], &[], ""),
            format!(
                "--domains {} must give each service as http://host:port, several of one service with | between",
                without_login(&text)
            )
        );
    }
    assert!(refusal(&[], &[("CLEAVE_USER_URL", "user:8001")], "").starts_with("CLEAVE_USER_URL=user:8001 must give"));
    assert_eq!(
        refusal(&[("domains", "task,task=http://h:1")], &[], ""),
        "--domains task,task=http://h:1 names task twice"
    );
}

#[test]
fn trusted_proxies_are_addresses_and_networks() {
    let config = load(&[], &[], "trusted_proxies = [\"10.0.0.7\", \"192.168.0.0/16\"]").unwrap();
    assert!(config.trusted_proxies.contains("192.168.3.4".parse().unwrap()));
    assert_eq!(
        refusal(&[], &[("CLEAVE_TRUSTED_PROXIES", "10.0.0.7, gateway")], ""),
        "CLEAVE_TRUSTED_PROXIES=10.0.0.7, gateway names gateway, which is neither an address nor a network (10.0.0.7, \
         10.0.0.0/8)"
    );
}

#[test]
fn domains_are_a_subset_and_a_list_in_the_file_is_the_same() {
    assert_eq!(load(&[("domains", "user, task,user")], &[], "").unwrap().domains, ["user", "task"]);
    assert_eq!(load(&[], &[], "domains = [\"task\", \"user\"]").unwrap().domains, ["task", "user"]);
}

#[test]
fn the_public_url_has_no_slash_at_the_end() {
    let config = load(&[("public_url", "https://tasks.example.org/")], &[], "").unwrap();
    assert_eq!(config.public_url.as_deref(), Some("https://tasks.example.org"));
}

#[test]
fn a_limit_is_a_count_in_a_time() {
    let quota = |count, seconds| Quota::new(count, Duration::from_secs(seconds)).unwrap();
    let config = load(&[], &[], "").unwrap();
    assert_eq!(config.rate_limit, Some(quota(100, 60)));
    assert_eq!((config.login_limit, config.register_limit), (quota(10, 60), quota(5, 3600)));
    assert_eq!(load(&[], &[("CLEAVE_RATE_LIMIT", "5/1min")], "").unwrap().rate_limit, Some(quota(5, 60)));
    assert_eq!(load(&[("rate_limit", "off")], &[], "").unwrap().rate_limit, None);
    assert_eq!(load(&[], &[("CLEAVE_LOGIN_LIMIT", "200/60s")], "").unwrap().login_limit, quota(200, 60));
    let alone = Sources { binary: of_binary(&modules()[..1]), ..sources(&[], &[], "") };
    assert_eq!(Config::from_sources(alone, &modules()).unwrap().rate_limit, None, "who stands behind a gateway");
}

#[test]
fn what_works_when_nothing_is_said_is_what_a_test_gets() {
    let (said, embedded) = (load(&[], &[], "").unwrap(), Config::embedded(PathBuf::new()));
    assert_eq!((said.login_limit, said.register_limit), (embedded.login_limit, embedded.register_limit));
}

#[test]
fn an_origin_is_written_as_a_browser_writes_it() {
    let config = load(&[], &[("CLEAVE_CORS_ORIGINS", "https://app.example.org, http://localhost:5173")], "").unwrap();
    assert!(
        config.cors_origins.names(b"https://app.example.org") && config.cors_origins.names(b"http://localhost:5173")
    );
    assert!(!config.cors_origins.names(b"https://app.example.org:8443"));
    assert!(load(&[], &[], "").unwrap().cors_origins.is_empty());
    for (text, why) in [
        ("https://App.example.org/", "names https://App.example.org/; a browser writes https://app.example.org"),
        ("https://app.example.org:443", "names https://app.example.org:443; a browser writes https://app.example.org"),
        ("*", "names *, which is no origin (https://app.example.org)"),
        ("null", "names null, which is no origin (https://app.example.org)"),
        ("app.example.org", "names app.example.org, which is no origin (https://app.example.org)"),
        ("file:///x", "names file:///x, which is no origin (https://app.example.org)"),
    ] {
        assert_eq!(refusal(&[], &[("CLEAVE_CORS_ORIGINS", text)], ""), format!("CLEAVE_CORS_ORIGINS={text} {why}"));
    }
}

#[test]
fn a_secret_comes_from_the_variable_or_from_a_file_and_is_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    std::fs::write(&path, "from a file\n").unwrap();
    let path = path.to_str().unwrap();
    let config = load(&[], &[("CLEAVE_ADMIN_PASSWORD_FILE", path)], "").unwrap();
    assert_eq!(config.admin_password.unwrap().expose_secret(), "from a file");
    let both = [("CLEAVE_ADMIN_PASSWORD", "hidden"), ("CLEAVE_ADMIN_PASSWORD_FILE", path)];
    let line = refusal(&[], &both, "");
    assert_eq!(line, "both CLEAVE_ADMIN_PASSWORD and CLEAVE_ADMIN_PASSWORD_FILE are set: remove one");
    let line = refusal(&[], &[("CLEAVE_KEYS_SECRET_FILE", &"hidden".repeat(6))], "");
    assert!(line.starts_with("the file that CLEAVE_KEYS_SECRET_FILE names cannot be read: "), "{line}");
    assert!(!line.contains("hidden"), "the secret in the variable of its file: {line}");
    let line = refusal(&[], &[("CLEAVE_KEYS_SECRET", "hidden")], "");
    assert!(line.starts_with("CLEAVE_KEYS_SECRET is not a secret: ") && !line.contains("hidden"), "{line}");
    let config = load(&[], &[("CLEAVE_KEYS_SECRET", &"hidden".repeat(6))], "").unwrap();
    assert!(!format!("{config:?}").contains("hidden"));
}

#[test]
fn a_given_secret_wins_over_the_data_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::embedded(directory.path().to_owned());
    let stored = config.secret("keys").unwrap();
    assert!(directory.path().join("secrets/keys").exists());
    config.keys_secret = Some("7".repeat(64).into());
    assert_eq!(config.secret("keys").unwrap(), [0x77; 32]);
    assert_ne!(config.secret("seal").unwrap(), stored);
}

#[test]
fn the_example_names_every_variable_with_its_default() {
    let example = include_str!("../../../../.env.example");
    let lines: Vec<&str> = example.lines().collect();
    let settings = Settings::read(Sources::default()).unwrap();
    for setting in settings.all() {
        let line = format!("{}={}", setting.name(), setting.text());
        assert!(lines.contains(&line.as_str()), ".env.example must have the line {line}");
    }
    let named = example.lines().filter(|line| line.starts_with("CLEAVE_")).count();
    assert_eq!(named, settings.all().count(), ".env.example names a variable that is no setting");
}
