//! `cargo xtask fe-dev`: the client with live reload.

use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use crate::Result;
use crate::checkout::Checkout;
use crate::client;

/// Where vite looks for the engine.
const ENGINE: &str = "127.0.0.1:8080";

/// Serves until Ctrl-C, which the terminal sends to vite and the engine alike.
pub(crate) fn run(checkout: &Checkout) -> Result<ExitCode> {
    let vite = client::script(checkout, "dev")?;
    let _engine = if answers() {
        println!("The engine at {ENGINE} runs already.");
        None
    } else {
        println!("No engine at {ENGINE}: starting one.");
        let data = checkout.path("data");
        checkout.cargo(&["build", "--package", "whisper-engine", "--bin", "whisper"]).run()?;
        let engine = checkout.task(checkout.target("debug/whisper"));
        let engine = engine.args(["serve", "--listen", ENGINE, "--exempt", "127.0.0.0/8"]);
        Some(engine.args(["--data-dir"]).args([data]).spawn()?)
    };
    vite.run()?;
    Ok(ExitCode::SUCCESS)
}

fn answers() -> bool {
    let address = ENGINE.parse().expect("a literal address");
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}
