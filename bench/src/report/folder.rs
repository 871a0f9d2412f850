//! The folder of a result: `result.json` for programs, `report.html` for people, `latency.hlog` and
//! a listing of percentiles for each latency for the tools of HdrHistogram.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Report;
use super::distribution::{curve, percentiles};
use super::page::page;
use super::result::RunResult;

/// Where the files of a result go.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

/// Why a result can't be kept.
#[derive(Debug, Error)]
#[error("can't write {}: {error}", path.display())]
pub(crate) struct FolderError {
    path: PathBuf,
    error: io::Error,
}

impl Folder {
    /// Makes the folder where there is none, before anything is measured in vain.
    ///
    /// # Errors
    /// Where it can't be made.
    pub(crate) fn make(path: &Path) -> Result<Self, FolderError> {
        let made = std::fs::create_dir_all(path);
        made.map_err(|error| FolderError { path: path.to_owned(), error })?;
        Ok(Self(path.to_owned()))
    }

    /// Writes all files; those of an earlier result are replaced.
    ///
    /// # Errors
    /// Where one can't be written.
    pub(crate) fn write(&self, report: &Report, result: &RunResult) -> Result<(), FolderError> {
        let mut json = serde_json::to_string_pretty(result).unwrap_or_default();
        json.push('\n');
        self.file("result.json", &json)?;
        self.file("latency.hlog", &report.series.log.text(report.started))?;
        for (name, times) in &report.latencies {
            self.file(&format!("{name}.hgrm"), &percentiles(times))?;
        }
        let curves = report.latencies.iter().map(|(name, times)| (*name, curve(times))).collect();
        self.file("report.html", &page(result, &curves).unwrap_or_default())
    }

    fn file(&self, name: &str, content: &str) -> Result<(), FolderError> {
        let path = self.0.join(name);
        std::fs::write(&path, content).map_err(|error| FolderError { path, error })
    }
}
