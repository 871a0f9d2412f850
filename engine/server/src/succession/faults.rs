//! Points at which a process can be made to fail, so that tests see what becomes of its people: in
//! debug builds, by `WHISPER_FAULT=STEP:HOW`. In a release they are nothing.

/// A step has been reached.
#[cfg(debug_assertions)]
pub(crate) fn reached(step: &str) {
    let Some(how) = told(step) else { return };
    tracing::warn!(step, how, "failing as told");
    match &*how {
        // As SIGKILL: nothing is tidied up.
        "die" => std::process::abort(),
        "hang" => loop {
            std::thread::park();
        },
        _ => {}
    }
}

/// The formats that an heir says it reads, where these are no others.
#[cfg(debug_assertions)]
pub(crate) fn formats(formats: (u16, u16)) -> (u16, u16) {
    match told("new:formats").as_deref() {
        Some("later") => (formats.0 + 1_000, formats.1 + 1_001),
        _ => formats,
    }
}

#[cfg(debug_assertions)]
fn told(step: &str) -> Option<String> {
    let fault = std::env::var("WHISPER_FAULT").ok()?;
    fault.strip_prefix(step)?.strip_prefix(':').map(str::to_owned)
}

/// A step has been reached.
#[cfg(not(debug_assertions))]
pub(crate) fn reached(_step: &str) {}

/// The formats that an heir says it reads.
#[cfg(not(debug_assertions))]
pub(crate) fn formats(formats: (u16, u16)) -> (u16, u16) {
    formats
}
