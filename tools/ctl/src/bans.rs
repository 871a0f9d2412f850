//! Bans, by hand.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::admin::{Admin, AdminError};
use crate::print::{self, Care, Form, Why, ahead, columns, field};

/// How long, and what the person is told.
#[derive(Debug, Args)]
pub(crate) struct Sentence {
    /// For how long: a number and m, h or d, as 24h; or `ever`.
    #[arg(long = "for", value_name = "TIME", default_value = "24h", value_parser = length)]
    length: Length,
    /// What the person is told.
    #[arg(long, default_value = "Against the rules")]
    pub(crate) reason: String,
}

/// Of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Minutes(u64),
    Ever,
}

impl Sentence {
    /// None for ever.
    pub(crate) fn seconds(&self) -> Option<u64> {
        match self.length {
            Length::Minutes(minutes) => Some(minutes.saturating_mul(60)),
            Length::Ever => None,
        }
    }

    /// For a sentence.
    pub(crate) fn length(&self) -> String {
        match self.length {
            Length::Minutes(minutes) => match (minutes / (24 * 60), minutes / 60) {
                (days @ 2.., _) if minutes % (24 * 60) == 0 => format!("for {days} days"),
                (_, hours @ 2..) if minutes % 60 == 0 => format!("for {hours} hours"),
                _ => format!("for {minutes} minutes"),
            },
            Length::Ever => "for ever".into(),
        }
    }
}

fn length(text: &str) -> Result<Length, String> {
    let wrong = || format!("{text:?} is no time: a number and m, h or d, as 24h; or ever");
    if text == "ever" {
        return Ok(Length::Ever);
    }
    let unit = match text.chars().next_back() {
        Some('m') => 1,
        Some('h') => 60,
        Some('d') => 24 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let minutes = number.checked_mul(unit).filter(|minutes| *minutes > 0).ok_or_else(wrong)?;
    Ok(Length::Minutes(minutes))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Withheld {
    /// They stay in force, and are written there again.
    Restore {
        #[command(flatten)]
        form: Form,
    },
    /// They were meant to go.
    Release {
        #[command(flatten)]
        care: Care,
        #[command(flatten)]
        form: Form,
    },
}

/// Bans somebody.
pub(crate) fn ban(
    admin: &Admin,
    whom: &str,
    sentence: &Sentence,
    (code, why): (Option<&str>, Option<&str>),
    (care, form): (Care, Form),
) -> Result<bool, AdminError> {
    if !care.goes_on(&format!("ban {whom} {}", sentence.length()), form)? {
        return Ok(true);
    }
    let (seconds, reason) = (sentence.seconds(), &sentence.reason);
    let mut wish = json!({ "subject": whom, "reason": reason, "seconds": seconds });
    if let Some(code) = code {
        wish["code"] = code.into();
    }
    if let Some(why) = why {
        wish["why"] = why.into();
    }
    print::answer(form, &admin.order("/admin/bans", &wish)?, |answer| {
        format!("banned {whom}, to be quoted: {}\n", field(answer, "appeal"))
    });
    Ok(true)
}

/// Lifts a ban.
pub(crate) fn unban(
    admin: &Admin,
    name: &str,
    why: &Why,
    (care, form): (Care, Form),
) -> Result<bool, AdminError> {
    if !care.goes_on(&format!("lift the ban {name}"), form)? {
        return Ok(true);
    }
    let wish = json!({ "subject": name, "why": why.why });
    let answer = admin.order("/admin/bans/lift", &wish)?;
    print::answer(form, &answer, |answer| format!("bans lifted: {}\n", field(answer, "lifted")));
    Ok(answer["lifted"] != 0)
}

/// Lists the bans in force.
pub(crate) fn list(admin: &Admin, form: Form) -> Result<bool, AdminError> {
    print::answer(form, &admin.look("/admin/bans")?, |answer| {
        let row = |it: &Value| {
            [
                field(it, "key"),
                field(it, "appeal"),
                ahead(it["until"].as_u64()),
                field(it, "standing"),
                field(it, "code"),
                field(it, "reason"),
            ]
        };
        let all: Vec<_> = answer.as_array().into_iter().flatten().map(row).collect();
        columns(["key", "appeal", "ends in", "standing", "code", "reason"], &all)
    });
    Ok(true)
}

/// Decides on bans that are gone from the shared store with many others.
pub(crate) fn withheld(admin: &Admin, decision: Withheld) -> Result<bool, AdminError> {
    let (name, form) = match decision {
        Withheld::Restore { form } => ("restore", form),
        Withheld::Release { care, form } => {
            if !care.goes_on("let all go that are withheld", form)? {
                return Ok(true);
            }
            ("release", form)
        }
    };
    let answer = admin.order("/admin/bans/withheld", &json!({ "decision": name }))?;
    print::answer(form, &answer, |answer| format!("{name}: {} bans\n", field(answer, "decided")));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_as_people_say_them() {
        let told = [
            ("24h", "for 24 hours"),
            ("30d", "for 30 days"),
            ("49h", "for 49 hours"),
            ("1h", "for 60 minutes"),
            ("90m", "for 90 minutes"),
            ("ever", "for ever"),
        ];
        for (typed, said) in told {
            let length = length(typed).expect("a length");
            assert_eq!(Sentence { length, reason: String::new() }.length(), said);
        }
    }

    #[test]
    fn lengths_are_numbers_with_a_unit() {
        assert_eq!(length("90m"), Ok(Length::Minutes(90)));
        assert_eq!(length("2h"), Ok(Length::Minutes(120)));
        assert_eq!(length("30d"), Ok(Length::Minutes(43_200)));
        assert_eq!(length("ever"), Ok(Length::Ever));
        for wrong in ["", "h", "0h", "-1h", "1w", "1.5h", "99999999999999999999d", "5é"] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
    }
}
