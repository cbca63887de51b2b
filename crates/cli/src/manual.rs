//! `synfin completions` and `synfin man`: what shells and `man` need, made from the arguments themselves.

use crate::failure::{Failure, Outcome, print};
use clap::{Args, Command};
use clap_complete::Shell;
use std::process::ExitCode;

/// Print what a shell needs to complete commands and options
#[derive(Args)]
#[command(after_help = "Examples:
  synfin completions bash > ~/.local/share/bash-completion/completions/synfin
  synfin completions zsh > ~/.zfunc/_synfin      with ~/.zfunc in $fpath
  synfin completions fish > ~/.config/fish/completions/synfin.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page of synfin, or of one of its commands
#[derive(Args)]
#[command(after_help = "Examples:
  synfin man | man -l -                   read it
  synfin man explain | man -l -           that of one command
  synfin man > synfin.1                   for a package
  synfin man explain > synfin-explain.1")]
pub(crate) struct Man {
    /// The command; without it, the page of synfin itself
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Completions {
    pub(crate) fn run(&self, mut whole: Command) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut whole, "synfin", &mut script);
        print(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Man {
    pub(crate) fn run(&self, mut whole: Command) -> Outcome {
        // so that the pages of commands know the options of all
        whole.build();
        let page = match self.command.as_deref() {
            None => whole,
            Some(name) => self.page_of(name, &whole)?,
        };
        let mut text = Vec::new();
        clap_mangen::Man::new(page)
            .manual("synfin")
            .render(&mut text)
            .map_err(|error| Failure::io("write the page", &error))?;
        print(&String::from_utf8_lossy(&text))?;
        Ok(ExitCode::SUCCESS)
    }

    fn page_of(&self, name: &str, whole: &Command) -> Result<Command, Failure> {
        match whole.find_subcommand(name) {
            Some(command) => Ok(command.clone()),
            None => {
                let known: Vec<&str> = whole.get_subcommands().map(Command::get_name).collect();
                Err(Failure::usage(format!("synfin has no command {name}; it has {}", known.join(", "))))
            }
        }
    }
}
