//! The commands of both programs, with their options and exit codes.
//!
//! Takes the commands as clap knows them, as `--help` and the man pages do; gives a page.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};
use edge_runtime::cli::exit::Exit;

use super::Page;

/// The paragraph of a command's help that is an example.
const EXAMPLE: &str = "Example: ";

/// Every command.
pub fn commands() -> Page {
    let mut text = "# Reference: commands\n\nStandard output is data, standard error is talk. `--help` of each says the same as this page.\n".to_owned();
    program(&mut text, &edge_runtime::cli::commands::Cli::command());
    text += "\n| exit code of `edge-runtime` | meaning |\n|---|---|\n";
    for exit in Exit::ALL {
        let _ = writeln!(text, "| {} | {} |", exit as u8, exit.meaning());
    }
    program(&mut text, &edge_plant::cli::Cli::command());
    Page { name: "commands.md", text }
}

fn program(text: &mut String, program: &Command) {
    let mut program = program.clone().disable_help_subcommand(true);
    program.build();
    let about = program.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(text, "\n## `{}`\n\n{about}\n", program.get_name());
    for command in program.get_subcommands() {
        one(text, &format!("{} {}", program.get_name(), command.get_name()), command);
    }
}

fn one(text: &mut String, name: &str, command: &Command) {
    let help = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = write!(text, "\n### `{name}`\n");
    for paragraph in help.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")) {
        match paragraph.strip_prefix(EXAMPLE) {
            Some(example) => {
                let _ = write!(text, "\n```console\n$ {example}\n```\n");
            }
            None => {
                let _ = write!(text, "\n{paragraph}\n");
            }
        }
    }
    let arguments: Vec<&Arg> =
        command.get_arguments().filter(|it| !it.is_hide_set() && it.get_id() != "help").collect();
    if arguments.is_empty() {
        return;
    }
    *text += "\n| option | does |\n|---|---|\n";
    for argument in arguments {
        let value = argument.get_value_names().filter(|_| argument.get_action().takes_values());
        let value = value.and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
        let shown = argument.get_long().map_or_else(|| value.clone(), |long| format!("--{long} {value}"));
        let help = argument.get_help().unwrap_or_else(|| panic!("{name} {shown} has no help")).to_string();
        let values = argument.get_default_values().iter().filter(|_| argument.get_action().takes_values());
        let usual: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        let usual =
            if usual.is_empty() { String::new() } else { format!("; `{}` where it is left out", usual.join(" ")) };
        let _ = writeln!(
            text,
            "| `{}` | {}{usual} |",
            shown.trim().replace('|', "\\|"),
            help.replace('\n', " ").replace('|', "\\|")
        );
    }
}
