//! Having a newer engine take over from the one that runs, and watching it.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::admin::{Admin, AdminError};
use crate::print::{self, Form, Why, field};

/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// Longer than an engine waits for the one that shall take over.
const OVER_MAX: Duration = Duration::from_secs(150);

/// What to do about it.
#[derive(Debug, Args)]
pub(crate) struct Upgrade {
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    form: Form,
}

/// Has the program that is installed take over; whether it has.
pub(crate) fn run(admin: &Admin, wish: &Upgrade) -> Result<bool, AdminError> {
    let path = "/admin/upgrade";
    let before = admin.order(path, &json!({ "why": wish.why.why }))?;
    let began = Instant::now();
    loop {
        thread::sleep(LOOK);
        let state = match admin.look(path) {
            Ok(state) => state,
            // Whoever ends doesn't always get to the end of an answer; the other one hears the next.
            Err(AdminError::Unreachable { .. } | AdminError::Foreign { .. })
                if began.elapsed() < OVER_MAX =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        let taken_over = state["pid"] != before["pid"];
        let is_over = taken_over || state["state"] != "underWay" || began.elapsed() > OVER_MAX;
        if is_over {
            print::answer(wish.form, &state, |state| told(state, taken_over));
            return Ok(taken_over);
        }
    }
}

/// How it went, in a line.
fn told(state: &Value, taken_over: bool) -> String {
    let (pid, version) = (field(state, "pid"), field(state, "version"));
    if !taken_over {
        let why = print::harmless(&field(state, "why"));
        return format!("process {pid} goes on, version {version}: {why}\n");
    }
    let paused = state["pausedMs"].as_f64().unwrap_or(0.0);
    let sockets = field(state, "sockets");
    format!("process {pid} serves, version {version}: {sockets} connections, {paused:.0} ms\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_who_serves() {
        let state = json!({ "pid": 7, "version": "2", "sockets": 9, "pausedMs": 12.3 });
        assert_eq!(told(&state, true), "process 7 serves, version 2: 9 connections, 12 ms\n");
        let state = json!({ "pid": 6, "version": "1", "why": "reactor 0: no" });
        assert_eq!(told(&state, false), "process 6 goes on, version 1: reactor 0: no\n");
    }
}
