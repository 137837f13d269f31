//! What is secret is in no refusal and in no log.

use super::*;

#[test]
fn a_file_that_is_no_toml_is_named_by_the_line_which_is_not_shown() {
    for (text, line) in [
        ("keys_secret = hidden", 1),
        ("port = 1\nadmin_password = \"hidden", 2),
        ("admin_password = 'hidden'\n\nadmin_password = 'hidden'", 3),
    ] {
        let refused = refusal(&[], &[], text);
        assert!(refused.starts_with(&format!("cleave.toml is not valid TOML in line {line}: ")), "{refused}");
        assert!(!refused.contains("hidden"), "{refused}");
    }
}

#[test]
fn what_holds_a_password_is_refused_without_being_shown() {
    for name in ["CLEAVE_DATABASE_URL", "CLEAVE_USER_DATABASE_URL", "CLEAVE_NOTIFICATION_DATABASE_URL"] {
        assert_eq!(
            refusal(&[], &[(name, "mysql://u:hidden@h/d")], ""),
            format!(
                "{name} is not a PostgreSQL URL (postgres://user:password@host:5432/database); without one, SQLite files \
                 in the data directory are used"
            )
        );
    }
    assert_eq!(
        refusal(&[("bus", "nats://u:hidden@h")], &[], ""),
        "--bus is neither in-process nor the URL of a broker (amqp://user:password@host:5672/vhost)"
    );
    assert_eq!(
        refusal(&[], &[("CLEAVE_INTERNAL_TOKEN", "hidden")], ""),
        "CLEAVE_INTERNAL_TOKEN must have 32 or more visible ASCII characters: make one with `openssl rand -hex 32`"
    );
}

#[test]
fn a_login_in_a_setting_that_takes_none_is_not_shown() {
    for (name, text) in [
        ("CLEAVE_USER_URL", "http://anna:hidden@h:1"),
        ("CLEAVE_USER_URL", "anna:hidden@h:1"),
        ("CLEAVE_DOMAINS", "user,task=http://anna:hidden@h:1|http://h:2"),
        ("CLEAVE_DOMAINS", "amqp://anna:hidden@h"),
        ("CLEAVE_PUBLIC_URL", "https://anna:hidden@h"),
        ("CLEAVE_TRUSTED_PROXIES", "http://anna:hidden@h"),
        ("CLEAVE_PORT", "postgres://anna:hidden@h"),
    ] {
        for line in [refusal(&[], &[(name, text)], ""), refusal(&[], &[], &in_file(name, text))] {
            assert!(line.contains("…@h") && !line.contains("hidden") && !line.contains("anna"), "{line}");
        }
    }
}

/// The line of the file that says the same as the variable.
fn in_file(name: &str, text: &str) -> String {
    format!("{} = \"{text}\"", name.trim_start_matches("CLEAVE_").to_lowercase())
}

#[test]
fn no_setting_shows_its_value_to_a_debugger() {
    let flags = ServeFlags { bus: Some("amqp://u:hidden@h".to_owned()), ..ServeFlags::default() };
    assert_eq!(format!("{flags:?}"), r#"ServeFlags { given: ["bus"], .. }"#);
    let settings = Settings::read(sources(&[("bus", "amqp://u:hidden@h")], &[("CLEAVE_KEYS_SECRET", "hidden")], ""));
    let shown = format!("{:?}", settings.unwrap());
    assert!(shown.contains(r#"key: "bus", source: Flag, set: true"#) && !shown.contains("hidden"), "{shown}");
}
