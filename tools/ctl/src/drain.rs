//! Emptying an engine, and watching it go.

use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::admin::{Admin, AdminError};
use crate::print::{self, Care, Form, Why};

/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(500);

/// What to do about it.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Within which time: a number and ms, s, m or h, as 120s; 0s for at once. Where it has begun, it
    /// goes on from there at another rate.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = length)]
    over: Duration,
    /// Don't wait for its end.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    care: Care,
    #[command(flatten)]
    form: Form,
}

fn length(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time: a number and ms, s, m or h, as 120s");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(wrong)
}

/// Has everybody go elsewhere, and the engine end; tells how it goes until then.
pub(crate) fn run(admin: &Admin, wish: &Drain) -> Result<bool, AdminError> {
    let Drain { over, no_wait, ref why, care, form } = *wish;
    let path = "/admin/drain";
    let order = |dry: bool| json!({ "overMs": over.as_millis(), "dryRun": dry, "why": why.why });
    let plan = admin.order(path, &order(true))?;
    if form.json && care.is_dry() {
        print::answer(form, &plan, |_| String::new());
        return Ok(true);
    }
    if !care.goes_on(&told(&plan, over), form)? {
        return Ok(true);
    }
    let mut state = admin.order(path, &order(false))?;
    loop {
        print::answer(form, &state, progress);
        if no_wait {
            return Ok(true);
        }
        thread::sleep(LOOK);
        state = match admin.look(path) {
            Ok(state) => state,
            // It answered a moment ago: it has ended, perhaps in the middle of an answer.
            Err(AdminError::Unreachable { .. } | AdminError::Foreign { .. }) => return Ok(true),
            Err(error) => return Err(error),
        };
    }
}

/// What is about to happen, in words.
fn told(plan: &Value, over: Duration) -> String {
    let number = |name: &str| plan[name].as_u64().unwrap_or(0);
    format!(
        "send {} people elsewhere within {} s ({} a second), {} who chat from {} s on, and end",
        number("people"),
        over.as_secs_f64(),
        number("perSecond"),
        number("chatting"),
        number("chatsInMs") / 1_000,
    )
}

/// One line.
fn progress(state: &Value) -> String {
    let number = |name: &str| state[name].as_u64().unwrap_or(0);
    let (people, chatting) = (number("people"), number("chatting"));
    format!("{people} people left, {chatting} of them chat; {} s\n", number("endsInMs") / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_unit() {
        for (text, ms) in [("120s", 120_000), ("0s", 0), ("250ms", 250), ("2m", 120_000)] {
            assert_eq!(length(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "5", "s", "-1s", "1d", "1.5s", "99999999999999999999s"] {
            assert!(length(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_would_happen_is_told_in_numbers() {
        let plan = json!({ "people": 100, "chatting": 60, "perSecond": 1, "chatsInMs": 48_000 });
        let told = told(&plan, Duration::from_secs(120));
        assert!(told.starts_with("send 100 people elsewhere within 120 s (1 a second), 60"));
        assert!(told.contains("from 48 s on"), "{told}");
    }
}
