//! What shells and `man` have of a command line, made from the command line itself.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

/// Completions for a shell.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

/// Pages for `man`.
#[derive(Debug, Args)]
pub struct Pages {
    /// Write a page of each command to this folder, instead of the first to stdout.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Completions {
    /// Prints them.
    ///
    /// # Errors
    /// Where they can't be written.
    pub fn print(&self, mut command: Command) -> io::Result<()> {
        let name = command.get_name().to_owned();
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut text);
        write_out(&text)
    }
}

impl Pages {
    /// Prints or writes them.
    ///
    /// # Errors
    /// Where they can't be written.
    pub fn print(&self, command: Command) -> io::Result<()> {
        let command = command.disable_help_subcommand(true);
        match &self.out {
            Some(dir) => clap_mangen::generate_to(command, dir),
            None => {
                let mut text = Vec::new();
                Man::new(command).render(&mut text)?;
                write_out(&text)
            }
        }
    }
}

/// Whoever reads no further has read enough.
fn write_out(text: &[u8]) -> io::Result<()> {
    match io::Write::write_all(&mut io::stdout(), text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
