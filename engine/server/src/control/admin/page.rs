//! The operators' live page: files that are part of the program, so that page and doors are of one
//! version. They show nothing of anybody: what the page shows it asks of the other doors, with the
//! token that its reader types. That token is in no cookie: a browser brings cookies to every port
//! of a host, the people's too, and of its own accord.

use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// Where the page stands.
pub(super) const PAGE: &str = "/ops";

/// Where its parts do.
pub(super) const PARTS: &str = "/ops/{part}";

/// Nothing from elsewhere, nothing inline, no text taken for markup, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

macro_rules! file {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../frontend/", $path))
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The parts, by name. The look is the client's.
const FILES: [(&str, &str, &str); 12] = [
    ("look.css", CSS, file!("src/app.css")),
    ("icon.svg", SVG, file!("static/favicon.svg")),
    ("ops.css", CSS, file!("ops/ops.css")),
    ("main.js", JS, file!("ops/main.js")),
    ("chart.js", JS, file!("ops/chart.js")),
    ("doors.js", JS, file!("ops/doors.js")),
    ("element.js", JS, file!("ops/element.js")),
    ("figures.js", JS, file!("ops/figures.js")),
    ("now.js", JS, file!("ops/now.js")),
    ("openmetrics.js", JS, file!("ops/openmetrics.js")),
    ("reports.js", JS, file!("ops/reports.js")),
    ("verdict.js", JS, file!("ops/verdict.js")),
];

pub(super) async fn page() -> Response {
    answer(HTML, file!("ops/index.html"))
}

pub(super) async fn part(Path(part): Path<String>) -> Response {
    match FILES.iter().find(|(name, ..)| *name == part) {
        Some((_, content_type, text)) => answer(content_type, text),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
        // Another version of the program has other files.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
