//! An e-mail address. Rule: what is accepted here can be written into a mail's header as it is, and two spellings
//! that reach one mailbox in practice (upper and lower case) are one address.

use schemars::json_schema;
use web::FieldRule;

/// A valid address, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

/// A text that is no address we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EmailRefused;

/// The longest address that fits the path of an SMTP command (RFC 5321, erratum 1690).
const LONGEST: usize = 254;
const LONGEST_LOCAL: usize = 64;
const LONGEST_LABEL: usize = 63;

/// What [`is_local`] and [`is_domain`] accept.
const PATTERN: &str = concat!(
    r"^(?![^@]{65})[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*@",
    "(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+",
    "(?![0-9]+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
);

web::schemas! {
    Email => json_schema!({ "type": "string", "format": "email", "maxLength": LONGEST, "pattern": PATTERN });
}

impl Email {
    pub(crate) fn parse(raw: &str) -> Result<Self, EmailRefused> {
        let (local, domain) = raw.split_once('@').ok_or(EmailRefused)?;
        // lettre is asked too, because it is what will have to send to it; alone it accepts quoted local parts, hosts
        // without a dot and IP addresses.
        if raw.len() > LONGEST || !is_local(local) || !is_domain(domain) || raw.parse::<lettre::Address>().is_err() {
            return Err(EmailRefused);
        }
        Ok(Self(raw.to_owned()))
    }

    /// What the store holds was parsed before it was written.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which addresses are compared. All characters are ASCII, so both databases and every library
    /// lower them alike.
    pub(crate) fn canonical(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// Atoms of RFC 5322 between single dots; ASCII alone, so that no letter can pass for another.
fn is_local(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty() && atom.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    };
    local.len() <= LONGEST_LOCAL && local.split('.').all(is_atom)
}

/// A public host name: two labels at least, and no number at the end, which would be an IP address.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let Some((_, last)) = domain.rsplit_once('.') else { return false };
    domain.split('.').all(is_label) && !last.chars().all(|c| c.is_ascii_digit())
}

impl FieldRule for EmailRefused {
    fn code(&self) -> &'static str {
        "invalid_email"
    }

    fn detail(&self) -> String {
        "must be an e-mail address of at most 254 bytes".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_accepted() {
        for address in
            ["a@x.org", "A.b+c_d@Mail.Example.co.uk", "o'brien@x-y.de", "admin@cleave.invalid", "a@xn--nxasmq6b.gr"]
        {
            assert_eq!(Email::parse(address).map(|email| email.as_str().to_owned()), Ok(address.to_owned()));
        }
    }

    #[test]
    fn the_canonical_form_ignores_case() {
        assert_eq!(Email::parse("Anna@X.ORG").unwrap().canonical(), "anna@x.org");
    }

    #[test]
    fn what_could_reach_a_header_or_fool_a_reader_is_refused() {
        let long = format!("a@{}.org", format!("{}.", "x".repeat(60)).repeat(4));
        assert!(long.len() <= LONGEST);
        assert!(Email::parse(&long.replace("..", ".")).is_ok(), "the length alone is the reason below");
        let too_long = format!("{}@{}", "a".repeat(20), &long.replace("..", ".")[2..]);
        for address in [
            "",
            "@",
            "a@",
            "@x.org",
            "a@b@x.org",
            "a@localhost",
            "a@x..org",
            "a@.x.org",
            "a@x.org.",
            ".a@x.org",
            "a.@x.org",
            "a..b@x.org",
            "a@x.org\n",
            "a@x.org\r\nBcc: v@y.org",
            "a@x\r\nBcc: v[127.0.0.1]",
            "a@<script>alert(1)</script>[1.1.1.1]",
            "a@[127.0.0.1]",
            "a@[::1]",
            "a@127.0.0.1",
            "a\0@x.org",
            "\"a b\"@x.org",
            "a b@x.org",
            "а@x.org",
            "a@ех.org",
            "<a@x.org>",
            "Anna <a@x.org>",
            "a@-x.org",
            "a@x-.org",
            "a@x.org,b@x.org",
            &format!("{}@x.org", "a".repeat(65)),
            &format!("a@{}.org", "x".repeat(64)),
            &too_long.repeat(2),
            &too_long,
        ] {
            assert_eq!(Email::parse(address), Err(EmailRefused), "{address:?}");
        }
    }
}
