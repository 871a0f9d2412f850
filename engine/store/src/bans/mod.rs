//! Who may not come in, until when, and what they are told.
//!
//! [`Subject`]s are whom a ban is on, [`Ban`]s what it says. A [`Ledger`] is the truth of this
//! process, kept in memory and decided without waiting; it gives [`BanSet`]s, which workers look
//! newcomers up in. A [`Book`] is its copy in the SQLite file.

mod appeal;
mod book;
mod identity;
mod ledger;
mod set;
mod subject;

use std::sync::Arc;

pub use self::appeal::AppealId;
pub use self::book::{Book, MIGRATIONS, Written};
pub use self::identity::{Identity, Keys};
pub use self::ledger::{Ledger, Loss, Scan, Standing};
pub use self::set::{BanSet, Verdict};
pub use self::subject::{BadKey, Subject, near};

/// Most bans that are kept; what comes past that is refused, and the alarm raised.
pub const BANS_MAX: usize = 1_000_000;

/// Most characters of a reason; the rest is cut.
pub const REASON_MAX: usize = 200;

/// The code of a ban that says none.
pub const CODE_DEFAULT: &str = "banned";

/// Somebody may not come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// What it is kept under: `banned:ips:192.0.2.7`. Two keys may mean the same subject.
    pub key: Box<str>,
    /// Whom it is on.
    pub subject: Subject,
    /// Why, for the person: one line.
    pub reason: Box<str>,
    /// The kind of ban: letters, digits and `_`.
    pub code: Box<str>,
    /// Until when, in Unix milliseconds; None for good.
    pub until: Option<u64>,
    /// The id that it shares with the bans on other keys that were decided with it. None for one that
    /// somebody typed: its key gives it one; see [`Keys::appeal_of`].
    pub appeal: Option<AppealId>,
}

impl Ban {
    /// A ban on a subject, under its own key. The reason is made one line of at most
    /// [`REASON_MAX`] characters, and what is no letter, digit or `_` left out of the code.
    pub fn new(subject: Subject, reason: &str, code: &str, until: Option<u64>) -> Self {
        let key = subject.to_string().into();
        let (reason, code) = (one_line(reason), word(code));
        Self { key, subject, reason, code, until, appeal: None }
    }

    /// Reads what stands under a key: a plain reason, as people type it, `code|reason`, or
    /// `code-appeal|reason`, as engines write it.
    ///
    /// # Errors
    /// [`BadKey`], where that is no key of a ban.
    pub fn read(key: &str, value: &str, until: Option<u64>) -> Result<Self, BadKey> {
        let subject = Subject::from_key(key)?;
        let coded = value.split_once('|').and_then(|(kind, reason)| {
            let (code, appeal) = match kind.rsplit_once('-') {
                Some((code, appeal)) => (code, Some(AppealId::read(appeal)?)),
                None => (kind, None),
            };
            is_word(code).then_some((code, appeal, reason))
        });
        let (code, appeal, reason) = coded.unwrap_or((CODE_DEFAULT, None, value));
        let (reason, code) = (one_line(reason), word(code));
        Ok(Self { key: key.into(), subject, reason, code, until, appeal })
    }

    /// What is to stand under its key; see [`Ban::read`].
    pub fn value(&self) -> String {
        let Self { code, reason, appeal, .. } = self;
        match appeal {
            Some(appeal) => format!("{code}-{appeal}|{reason}"),
            None => format!("{code}|{reason}"),
        }
    }

    /// Whether it has ended by then.
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.until.is_some_and(|until| until <= now_ms)
    }

    /// Whether it says the same as another, but for what clocks and networks add to its end.
    pub fn is_like(&self, other: &Self) -> bool {
        const NEAR_MS: u64 = 2_000;
        let same_end = match (self.until, other.until) {
            (Some(one), Some(other)) => one.abs_diff(other) < NEAR_MS,
            (one, other) => one == other,
        };
        same_end
            && (&self.key, &self.reason, &self.code, self.appeal)
                == (&other.key, &other.reason, &other.code, other.appeal)
    }
}

/// The ban of the two that lasts longer.
fn longer<'a>(one: &'a Arc<Ban>, other: &'a Arc<Ban>) -> &'a Arc<Ban> {
    let end = |ban: &Ban| ban.until.unwrap_or(u64::MAX);
    if end(other) > end(one) { other } else { one }
}

fn one_line(text: &str) -> Box<str> {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let cut: String = shown.take(REASON_MAX).collect();
    match cut.trim() {
        "" => "No reason was given.".into(),
        reason => reason.into(),
    }
}

fn is_word(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn word(text: &str) -> Box<str> {
    if is_word(text) { text.into() } else { CODE_DEFAULT.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_types_is_a_reason_and_what_we_write_has_a_code() {
        let typed = Ban::read("banned:ips:192.0.2.7", "Spam", Some(5)).expect("a ban");
        assert_eq!((&*typed.reason, &*typed.code, typed.until), ("Spam", "banned", Some(5)));
        let ours = Ban { code: "spam".into(), ..typed };
        let read = Ban::read(&ours.key, &ours.value(), Some(1_000)).expect("a ban");
        assert!(read.is_like(&ours) && read != ours, "ends are as near as clocks are");
        for odd in ["a b|c\nd", "spam-x|c d", "a b-ABCDEFG2|c d", "spam-ABCDEFG1|c d"] {
            let read = Ban::read("banned:ips:192.0.2.7", odd, None).expect("a ban");
            assert_eq!((&*read.reason, &*read.code), (&*odd.replace('\n', " "), "banned"));
        }
        assert_eq!(
            &*Ban::read("banned:users:x", "", None).expect("a ban").reason,
            "No reason was given."
        );
    }
}
