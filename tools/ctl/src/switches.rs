//! What is switched while the engine runs: lanes, challenges, how much is logged.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::admin::{Admin, AdminError};
use crate::print::{self, Care, Form, Why, columns, field, rows};

#[derive(Debug, Subcommand)]
pub(crate) enum Lanes {
    /// Say which lanes are open.
    Show {
        #[command(flatten)]
        form: Form,
    },
    /// Let people join lanes.
    Open {
        /// Lanes, as `adult/text/moderated`.
        #[arg(required = true, value_name = "LANE")]
        lanes: Vec<String>,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        form: Form,
    },
    /// Let nobody join lanes. Who waits in one is taken out of the queue; chats go on.
    Close {
        /// Lanes, as `adult/text/moderated`.
        #[arg(required = true, value_name = "LANE")]
        lanes: Vec<String>,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        care: Care,
        #[command(flatten)]
        form: Form,
    },
}

/// What to do with challenges to newcomers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Challenge {
    /// Say what is asked now.
    Show,
    /// Always ask.
    On,
    /// Never ask.
    Off,
    /// Ask while far more come than people do.
    Auto,
}

pub(crate) fn lanes(admin: &Admin, command: Lanes) -> Result<bool, AdminError> {
    let path = "/admin/lanes";
    let (form, state) = match command {
        Lanes::Show { form } => (form, admin.look(path)?),
        Lanes::Open { lanes, why, form } => {
            (form, admin.order(path, &json!({ "open": lanes, "why": why.why }))?)
        }
        Lanes::Close { lanes, why, care, form } => {
            if !care.goes_on(&format!("close {}", lanes.join(", ")), form)? {
                return Ok(true);
            }
            (form, admin.order(path, &json!({ "close": lanes, "why": why.why }))?)
        }
    };
    print::answer(form, &state, |state| {
        let row = |lane: &Value| {
            let open = lane["open"].as_bool().unwrap_or(false);
            [field(lane, "lane"), if open { "open" } else { "closed" }.to_owned()]
        };
        let all: Vec<_> = rows(state, "lanes").iter().map(row).collect();
        columns(["lane", "state"], &all)
    });
    Ok(true)
}

pub(crate) fn challenge(
    admin: &Admin,
    wish: Challenge,
    why: &Why,
    form: Form,
) -> Result<bool, AdminError> {
    let path = "/admin/challenge";
    let mode = match wish {
        Challenge::Show => None,
        Challenge::On => Some("on"),
        Challenge::Off => Some("off"),
        Challenge::Auto => Some("auto"),
    };
    let state = match mode {
        None => admin.look(path)?,
        Some(mode) => admin.order(path, &json!({ "mode": mode, "why": why.why }))?,
    };
    print::answer(form, &state, |state| {
        let effort = match state["effort"].as_u64() {
            Some(0) | None => "nothing is asked".to_owned(),
            Some(effort) => format!("effort {effort}"),
        };
        format!("{}, {effort}\n", field(state, "mode"))
    });
    Ok(true)
}

pub(crate) fn log_level(
    admin: &Admin,
    level: Option<String>,
    why: &Why,
    form: Form,
) -> Result<bool, AdminError> {
    let path = "/admin/log-level";
    let state = match level {
        None => admin.look(path)?,
        Some(level) => admin.order(path, &json!({ "level": level, "why": why.why }))?,
    };
    print::answer(form, &state, |state| format!("{}\n", field(state, "level")));
    Ok(true)
}
