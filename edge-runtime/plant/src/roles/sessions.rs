//! Who is signed in.
//!
//! Takes tokens that are random already, and moments; keeps only hashes of the tokens. In memory alone: a restart signs everybody out. The number
//! of sessions is bounded, and whoever has not been seen for longest makes room.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use shared::units::Micros;

use super::people::Person;

/// Sessions at once: some tablets and desks for each of the people.
const MOST: usize = 256;

/// A session that asks for nothing ends: a tablet that was left behind.
pub const IDLE: Micros = Micros(3_600_000_000);

/// No session is longer: a shift, and some.
pub const LONGEST: Micros = Micros(12 * 3_600_000_000);

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who, with role and the hash of the password as they were then.
    pub person: Person,
    /// What every change has to say beside the cookie, which a browser sends by itself.
    pub csrf: String,
    begun: Micros,
    seen: Micros,
}

impl Session {
    fn alive(&self, at: Micros) -> bool {
        at.0.saturating_sub(self.seen.0) < IDLE.0 && at.0.saturating_sub(self.begun.0) < LONGEST.0
    }
}

/// All who are signed in.
#[derive(Debug, Default)]
pub struct Sessions(HashMap<[u8; 32], Session>);

/// Looked up by hash, so that how long a look takes says nothing about a token.
fn key(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Whether two secrets are the same, in a time that says nothing about where they differ.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    key(one) == key(other)
}

impl Sessions {
    /// Signs somebody in.
    pub fn begin(&mut self, at: Micros, token: &str, csrf: String, person: Person) {
        self.0.retain(|_, session| session.alive(at));
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, session)| session.seen.0).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(key(token), Session { person, csrf, begun: at, seen: at });
    }

    /// Whose token it is. Counts as being seen.
    pub fn seen(&mut self, at: Micros, token: &str) -> Option<&Session> {
        let session = self.0.get_mut(&key(token)).filter(|session| session.alive(at))?;
        session.seen = at;
        Some(session)
    }

    /// Whether a session goes on. Does not count as being seen.
    #[must_use]
    pub fn alive(&self, at: Micros, token: &str) -> bool {
        self.0.get(&key(token)).is_some_and(|session| session.alive(at))
    }

    /// Signs out.
    pub fn end(&mut self, token: &str) {
        self.0.remove(&key(token));
    }

    /// Signs out those of whom something else is true now.
    pub fn keep(&mut self, still: impl Fn(&Person) -> bool) {
        self.0.retain(|_, session| still(&session.person));
    }
}

#[cfg(test)]
mod tests {
    use super::super::role::Role;
    use super::*;

    fn anna() -> Person {
        Person { name: "anna".to_owned(), role: Role::Engineer, hash: "h".to_owned() }
    }

    fn begin(sessions: &mut Sessions, at: Micros, token: &str) {
        sessions.begin(at, token, "c".to_owned(), anna());
    }

    #[test]
    fn a_session_ends_when_nobody_asks_and_in_any_case_after_a_shift() {
        let mut sessions = Sessions::default();
        begin(&mut sessions, Micros(5), "t");
        assert!(sessions.seen(Micros(4 + IDLE.0), "t").is_some(), "even by a clock that was behind");
        assert!(sessions.alive(Micros(3 + 2 * IDLE.0), "t"));
        assert!(sessions.seen(Micros(4 + 2 * IDLE.0), "t").is_none());
        begin(&mut sessions, Micros(0), "u");
        let mut at = 0;
        while sessions.seen(Micros(at), "u").is_some() {
            at += IDLE.0 / 2;
        }
        assert_eq!(at, LONGEST.0);
        assert!(sessions.seen(Micros(0), "").is_none() && sessions.seen(Micros(0), "v").is_none());
    }

    #[test]
    fn too_many_push_out_who_was_not_seen_for_longest_and_no_more_are_kept() {
        let mut sessions = Sessions::default();
        for number in 0..MOST as u64 {
            begin(&mut sessions, Micros(number), &number.to_string());
        }
        assert!(sessions.seen(Micros(MOST as u64), "0").is_some());
        begin(&mut sessions, Micros(MOST as u64 + 1), "one more");
        assert!(!sessions.alive(Micros(0), "1") && sessions.alive(Micros(0), "0") && sessions.0.len() == MOST);
    }

    #[test]
    fn who_signs_out_or_is_another_now_is_signed_out() {
        let mut sessions = Sessions::default();
        begin(&mut sessions, Micros(0), "t");
        begin(&mut sessions, Micros(0), "u");
        sessions.end("t");
        assert!(!sessions.alive(Micros(0), "t") && sessions.alive(Micros(0), "u"));
        sessions.keep(|person| person == &anna());
        assert!(sessions.alive(Micros(0), "u"));
        sessions.keep(|person| person.role == Role::Admin);
        assert!(!sessions.alive(Micros(0), "u"));
        assert!(same("a", "a") && !same("a", "b") && !same("a", ""));
    }
}
