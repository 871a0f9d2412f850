//! A result as one page that needs nothing else: plots of rate and latency, and all numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::result::RunResult;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// What the page is made of.
#[derive(Serialize)]
struct Data<'a> {
    result: &'a RunResult,
    /// Latency by percentile: shares of 1 and microseconds.
    curves: &'a BTreeMap<&'static str, Vec<(f64, f64)>>,
}

/// The page of a result.
pub(super) fn page(
    result: &RunResult,
    curves: &BTreeMap<&'static str, Vec<(f64, f64)>>,
) -> serde_json::Result<String> {
    // Nothing in it may look like the end of its element.
    let data = serde_json::to_string(&Data { result, curves })?.replace('<', "\\u003c");
    let parts = [("/* STYLE */", STYLE), ("/* SCRIPT */", SCRIPT), ("/* DATA */", &data)];
    let page = parts.iter().fold(PAGE.to_owned(), |page, (place, part)| {
        // Once each, the data last: it may say anything.
        page.replacen(place, part.trim_end(), 1)
    });
    Ok(page)
}
