//! One module for each command.

pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod configuration;
pub(crate) mod dist;
pub(crate) mod fe_dev;
pub(crate) mod fmt;
pub(crate) mod fuzz;
pub(crate) mod lint;
pub(crate) mod run;
pub(crate) mod services;
pub(crate) mod sim;
pub(crate) mod test;
pub(crate) mod types;
pub(crate) mod vectors;
