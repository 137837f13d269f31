//! Layers and refusals, without the process's own environment.

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
        ("CLEAVE_DOMAINS", "user,tasks", "names tasks, which this binary does not hold (user, task, notification)"),
    ] {
        let line = refusal(&[], &[(name, text)], "");
        assert!(line.starts_with(&format!("{name}={text} {what}")), "{line}");
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
fn what_this_version_lacks_is_refused_by_name_and_its_value_is_not_shown() {
    for (name, text) in [
        ("CLEAVE_DATABASE_URL", "postgres://u:hidden@h/d"),
        ("CLEAVE_USER_DATABASE_URL", "postgres://u:hidden@h/d"),
        ("CLEAVE_TASK_DATABASE_URL", "postgres://u:hidden@h/d"),
        ("CLEAVE_NOTIFICATION_DATABASE_URL", "postgres://u:hidden@h/d"),
        ("CLEAVE_USER_URL", "http://hidden"),
        ("CLEAVE_INTERNAL_TOKEN", "hidden"),
        ("CLEAVE_TRUSTED_PROXIES", "hidden"),
        ("CLEAVE_CORS_ORIGINS", "hidden"),
        ("CLEAVE_METRICS_ADDR", "hidden"),
    ] {
        let line = refusal(&[], &[(name, text)], "");
        assert!(line.starts_with(&format!("{name} is not available in this version: ")), "{line}");
        assert!(!line.contains("hidden"), "{line}");
    }
    let line = refusal(&[("bus", "amqp://rabbit")], &[], "");
    assert_eq!(line, "--bus is not available in this version with that value: use in-process");
    let line = refusal(&[], &[("CLEAVE_DOMAINS", "user,task=http://10.0.0.7:8002")], "");
    assert!(line.contains("names a remote domain, which is not available in this version"), "{line}");
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
fn a_rate_limit_of_the_operator_is_told_to_do_nothing() {
    let config = load(&[], &[("CLEAVE_RATE_LIMIT", "5/1min")], "").unwrap();
    assert_eq!(config.notices, ["CLEAVE_RATE_LIMIT is accepted and does nothing in this version"]);
    assert_eq!(load(&[("rate_limit", "off")], &[], "").unwrap().notices.len(), 1);
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
    assert!(refusal(&[], &[("CLEAVE_KEYS_SECRET_FILE", "/nowhere")], "").contains("cannot be read"));
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
