//! Writes the man pages and the shell completions of `edge-runtime` into a folder: `manual FOLDER`.
//!
//! All of it comes from the commands as clap knows them, so that it cannot say anything but `--help`. Each command has a page.
//! Does not install anything: `scripts/package.sh` puts the files into the package.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use edge_runtime::cli::commands::Cli;
use edge_runtime::cli::exit::Exit;

/// The paragraph of a command's help that is the section EXAMPLES of its page.
const EXAMPLE: &str = "Example: ";

/// What the program reads and writes where nothing else is said, and what is there.
const FILES: [(&str, &str); 5] = [
    ("/etc/draem-edge/station.toml", "The configuration that the service runs."),
    ("/var/lib/draem-edge", "Records, pictures, kept minutes and bundles of the service."),
    (
        "/etc/draem-edge/trusted/*.pub, ~/.config/draem-edge/trusted/*.pub",
        "Public keys that are trusted where neither option nor configuration names one.",
    ),
    ("/usr/share/doc/edge-runtime/README.md", "How a board is wired, installed and looked after."),
    (
        "/usr/share/doc/edge-runtime/examples",
        "A simulated line with its bundle, and a board's configuration to begin with.",
    ),
];

/// A file to write: its name and its text.
type File = (String, Vec<u8>);

fn main() -> Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).context("usage: manual FOLDER")?.into();
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (name, text) in pages()?.into_iter().chain(completions()) {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The program as clap knows it, without the command `help`, which is a word for the option.
fn program() -> Command {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    program
}

/// A page for the program and for each of its commands.
fn pages() -> Result<Vec<File>> {
    let program = program();
    let mut pages = vec![page(&program, &program)?];
    for command in program.get_subcommands() {
        pages.push(page(&program, command)?);
    }
    Ok(pages)
}

fn page(program: &Command, command: &Command) -> Result<File> {
    let whole = command.get_name() == program.get_name();
    let (about, example) = described(command);
    let usage = command.clone().render_usage().to_string();
    let mut command = command.clone().override_usage(usage.trim_start_matches("Usage: ").to_owned());
    if let Some(about) = about {
        command = command.long_about(about);
    }
    let source = format!("{} {}", program.get_name(), program.get_version().unwrap_or_default());
    let man = Man::new(command).source(source).manual("draem-edge");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if whole {
        man.render_subcommands_section(&mut text)?;
    }
    let mut rest = Roff::new();
    if let Some(example) = example {
        rest.control("SH", ["EXAMPLES"]);
        rest.control("EX", []);
        rest.text([roman(example)]);
        rest.control("EE", []);
    }
    rest.control("SH", ["EXIT STATUS"]);
    for exit in Exit::ALL {
        rest.control("TP", []);
        rest.text([bold((exit as u8).to_string())]);
        rest.text([roman(exit.meaning())]);
    }
    if whole {
        rest.control("SH", ["FILES"]);
        for (path, what) in FILES {
            rest.control("TP", []);
            rest.text([bold(path)]);
            rest.text([roman(what)]);
        }
    } else {
        rest.control("SH", ["SEE ALSO"]);
        rest.text([bold(program.get_name()), roman("(1)")]);
    }
    rest.to_writer(&mut text)?;
    Ok((man.get_filename(), text))
}

/// A command's help without its example, and the example.
fn described(command: &Command) -> (Option<String>, Option<String>) {
    let Some(long) = command.get_long_about().map(ToString::to_string) else { return (None, None) };
    let (examples, about): (Vec<&str>, Vec<&str>) = long.split("\n\n").partition(|part| part.starts_with(EXAMPLE));
    (Some(about.join("\n\n")), examples.first().and_then(|part| part.strip_prefix(EXAMPLE)).map(str::to_owned))
}

/// Each under the name by which its shell's own generator knows it.
fn completions() -> impl Iterator<Item = File> {
    [(Shell::Bash, "edge-runtime.bash"), (Shell::Zsh, "_edge-runtime"), (Shell::Fish, "edge-runtime.fish")]
        .into_iter()
        .map(|(shell, name)| {
            let mut text = Vec::new();
            let mut program = Cli::command();
            let called = program.get_name().to_owned();
            clap_complete::generate(shell, &mut program, called, &mut text);
            (name.to_owned(), text)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands under a heading.
    fn section<'a>(page: &'a str, heading: &str) -> &'a str {
        let quoted = if heading.contains(' ') { format!("\"{heading}\"") } else { heading.to_owned() };
        let after = page.split(&format!("\n.SH {quoted}\n")).nth(1).unwrap_or_default();
        after.split("\n.SH ").next().unwrap_or_default()
    }

    fn text_of(files: &[File], name: &str) -> String {
        let (_, text) = files.iter().find(|(file, _)| file == name).unwrap_or_else(|| panic!("no file {name}"));
        // How roff writes dashes and apostrophes that are to stay what they are.
        String::from_utf8(text.clone()).unwrap().replace("\\-", "-").replace("\\*(Aq", "'")
    }

    #[test]
    fn every_command_has_a_page_with_its_name_its_usage_and_its_options() {
        let (program, pages) = (program(), pages().unwrap());
        assert_eq!(pages.len(), 1 + program.get_subcommands().count());
        let whole = text_of(&pages, "edge-runtime.1");
        for command in program.get_subcommands() {
            let name = format!("edge-runtime-{}", command.get_name());
            let page = text_of(&pages, &format!("{name}.1"));
            let about = command.get_about().unwrap().to_string();
            assert!(section(&page, "NAME").starts_with(&format!("{name} - {about}")), "{page}");
            assert!(section(&page, "SYNOPSIS").contains(&format!("edge-runtime {}", command.get_name())), "{page}");
            for argument in command.get_arguments() {
                let shown = argument.get_long().map_or_else(
                    || argument.get_value_names().map_or_else(String::new, |names| names[0].to_string()),
                    |long| format!("--{long}"),
                );
                assert!(!shown.is_empty(), "{argument:?}");
                assert!(section(&page, "OPTIONS").contains(&shown), "{name}: {shown}\n{page}");
                assert!(argument.get_help().is_some(), "{name} {shown} has no help");
            }
            assert!(section(&page, "EXAMPLES").contains(&format!("edge-runtime {}", command.get_name())), "{page}");
            assert!(!page.contains(EXAMPLE), "{page}");
            assert!(section(&whole, "SUBCOMMANDS").contains(&format!("{name}(1)")), "{whole}");
        }
        for exit in Exit::ALL {
            assert!(section(&whole, "EXIT STATUS").contains(exit.meaning()), "{whole}");
        }
    }

    #[test]
    fn every_shell_completes_every_command_and_its_options() {
        let files: Vec<File> = completions().collect();
        for name in ["edge-runtime.bash", "_edge-runtime", "edge-runtime.fish"] {
            let text = text_of(&files, name);
            for command in program().get_subcommands() {
                let word =
                    |word: &str| text.split(|c: char| !c.is_alphanumeric() && !"-_".contains(c)).any(|it| it == word);
                assert!(word(command.get_name()), "{name}: {}", command.get_name());
                for option in command.get_opts().filter_map(clap::Arg::get_long) {
                    assert!(word(&format!("--{option}")) || word(option), "{name}: --{option}");
                }
            }
        }
    }
}
