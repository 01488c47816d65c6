//! The person at the terminal: questions on standard error, answers from standard input.
//!
//! A thread reads, so that Ctrl-C and the gate never wait for a key. What was typed before a question is no answer to it, unless the
//! answers come from a file or a program.

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use super::drive::{Heard, Talk};

/// Lines that may wait: those of one who types ahead. Further ones wait where they are.
const TYPED_AHEAD: usize = 64;

/// A terminal, or what stands in for one.
pub(super) struct Terminal {
    typed: Receiver<String>,
    by_hand: bool,
}

impl Terminal {
    /// Begins to read standard input.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn open() -> std::io::Result<Self> {
        let (line, typed) = sync_channel(TYPED_AHEAD);
        std::thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            for read in std::io::stdin().lock().lines() {
                // Nobody listens any more once the test has ended.
                let Ok(read) = read else { return };
                if line.send(read).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { typed, by_hand: std::io::stdin().is_terminal() })
    }
}

impl Talk for Terminal {
    fn say(&mut self, text: &str) {
        eprintln!("{text}");
    }

    fn ask(&mut self, question: &str) {
        if self.by_hand {
            while self.typed.try_recv().is_ok() {}
        }
        eprintln!("\n{question} [y/n]");
    }

    fn answer(&mut self) -> Heard {
        match self.typed.try_recv() {
            Ok(line) => {
                let answer = understood(&line);
                if answer == Heard::Nothing {
                    eprintln!("y or n? Ctrl-C ends the test.");
                }
                answer
            }
            Err(TryRecvError::Empty) => Heard::Nothing,
            Err(TryRecvError::Disconnected) => Heard::Gone,
        }
    }
}

fn understood(line: &str) -> Heard {
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Heard::Answer(true),
        "n" | "no" => Heard::Answer(false),
        _ => Heard::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_and_no_are_answers() {
        for (line, heard) in [
            ("y", Heard::Answer(true)),
            (" Yes\r", Heard::Answer(true)),
            ("n", Heard::Answer(false)),
            ("NO", Heard::Answer(false)),
            ("", Heard::Nothing),
            ("yn", Heard::Nothing),
        ] {
            assert_eq!(understood(line), heard, "{line:?}");
        }
    }

    #[test]
    fn what_was_typed_before_the_question_is_no_answer_from_a_hand() {
        let terminal = |by_hand| {
            let (line, typed) = sync_channel(2);
            line.send("y".to_owned()).unwrap();
            (Terminal { typed, by_hand }, line)
        };
        let (mut hand, _kept) = terminal(true);
        hand.ask("Fire?");
        assert_eq!(hand.answer(), Heard::Nothing);
        let (mut file, end) = terminal(false);
        file.ask("Fire?");
        assert_eq!(file.answer(), Heard::Answer(true));
        drop(end);
        assert_eq!(file.answer(), Heard::Gone);
    }
}
