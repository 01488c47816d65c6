//! The people who may sign in: a file of names, roles and hashes of passwords, for its owner alone.
//!
//! Reads it whole and strictly; writes it whole or not at all. Passwords are hashed with Argon2id, each with a salt of its own; the file does not
//! tell them. Who is right about a name and who about a password takes the same time.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, Params};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::role::Role;

/// Name of the file in its folder.
const FILE: &str = "passwords.toml";

/// What stands at its head.
const HEAD: &str = "# Written by edge-plant set-password and remove-password.\n";

/// People at most: a file that is read at every sign-in stays small.
const MOST: usize = 64;

/// Bytes of the file at most: of so many people, and some room.
const MOST_BYTES: u64 = 64 << 10;

/// Characters of a password: one that is shorter is guessed too soon, and one that is longer is none.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=256;

/// KiB of memory that a hash in the file may ask for: some times what this program asks for, so that a file cannot use all of it up.
const MOST_MEMORY_KIB: u32 = 64 << 10;

/// A hash of no password, for names that nobody has.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name to sign in with, and in the log.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The hash of the password, as `$argon2id$…`.
    pub hash: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    person: Vec<Person>,
}

/// Why there are no people, or they cannot be changed.
#[derive(Debug, Error)]
pub enum PeopleError {
    /// The disk, or its rights.
    #[error("{path}: {source}")]
    Disk {
        /// File or folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is none that this program wrote.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// No name.
    #[error("{got:?} is no name: 1 to 32 letters, digits, dots, hyphens and underscores are one")]
    Name {
        /// What was given.
        got: String,
    },
    /// No password.
    #[error("a password has {} to {} characters, this one has {got}", LENGTH.start(), LENGTH.end())]
    Password {
        /// Its characters.
        got: usize,
    },
    /// Too many people.
    #[error("{MOST} people have a password already")]
    Full,
    /// Nobody of that name.
    #[error("nobody named {name:?} has a password")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Without an admin everybody at this machine may do what an operator may.
    #[error("{name:?} is the only admin: give another one a password first")]
    LastAdmin {
        /// The name.
        name: String,
    },
    /// The operating system gives no randomness, or the hash cannot be made.
    #[error("no hash can be made: {0}")]
    Hash(String),
}

fn disk(path: &Path) -> impl Fn(std::io::Error) -> PeopleError + '_ {
    |source| PeopleError::Disk { path: path.display().to_string(), source }
}

/// Whether it can be a name.
fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// What is wrong with a hash.
fn checked(hash: &str) -> Result<(), String> {
    let parsed = PasswordHash::new(hash).map_err(|error| error.to_string())?;
    let params = Params::try_from(&parsed).map_err(|error| error.to_string())?;
    if parsed.algorithm.as_str() != "argon2id" || parsed.hash.is_none() || params.m_cost() > MOST_MEMORY_KIB {
        return Err("no hash of argon2id within 64 MiB".to_owned());
    }
    Ok(())
}

/// All of them.
///
/// # Invariants
/// Names are names and differ, hashes can be checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People(Vec<Person>);

impl People {
    /// The file in a folder.
    #[must_use]
    pub fn file(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Reads the people of a folder; nobody where there is no file.
    ///
    /// # Errors
    /// [`PeopleError::Disk`], [`PeopleError::Malformed`].
    pub fn read(folder: &Path) -> Result<Self, PeopleError> {
        let path = Self::file(folder);
        let malformed = |reason: String| PeopleError::Malformed { path: path.display().to_string(), reason };
        let text = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Ok(about) if about.len() > MOST_BYTES => {
                return Err(malformed(format!("{} bytes are too many", about.len())));
            }
            _ => std::fs::read_to_string(&path).map_err(disk(&path))?,
        };
        let Raw { person } = toml::from_str(&text).map_err(|error| malformed(error.message().to_owned()))?;
        if person.len() > MOST {
            return Err(malformed(format!("{} people are too many", person.len())));
        }
        for (at, Person { name, hash, .. }) in person.iter().enumerate() {
            if !is_name(name) || person[..at].iter().any(|other| other.name == *name) {
                return Err(malformed(format!("{name:?} is no name, or is there twice")));
            }
            checked(hash).map_err(|why| malformed(format!("the hash of {name:?}: {why}")))?;
        }
        Ok(Self(person))
    }

    /// Somebody by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.name == name)
    }

    /// Whether one of them is an admin: from then on nobody does anything without signing in.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.0.iter().any(|person| person.role == Role::Admin)
    }

    /// Whether it is somebody's password. Takes some tens of milliseconds and 19 MiB, for names that nobody has too.
    #[must_use]
    pub fn verify(&self, name: &str, password: &str) -> Option<&Person> {
        let person = self.get(name);
        let hash = person.map_or(NOBODYS, |person| person.hash.as_str());
        let right = Argon2::default().verify_password(password.as_bytes(), hash).is_ok();
        person.filter(|_| right)
    }

    /// Gives somebody a password and a role.
    ///
    /// # Errors
    /// [`PeopleError`]; nothing is changed then.
    pub fn set(&mut self, name: &str, role: Role, password: &str) -> Result<(), PeopleError> {
        if !is_name(name) {
            return Err(PeopleError::Name { got: name.to_owned() });
        }
        let got = password.chars().count();
        if !LENGTH.contains(&got) {
            return Err(PeopleError::Password { got });
        }
        let before = self.get(name).map(|person| person.role);
        if before.is_none() && self.0.len() >= MOST {
            return Err(PeopleError::Full);
        }
        if role != Role::Admin {
            self.not_the_last_admin(name)?;
        }
        let failed = |error: &dyn std::fmt::Display| PeopleError::Hash(error.to_string());
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| failed(&error))?;
        let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        let hash = hash.map_err(|error| failed(&error))?.to_string();
        self.0.retain(|person| person.name != name);
        self.0.push(Person { name: name.to_owned(), role, hash });
        Ok(())
    }

    /// Takes somebody's password away.
    ///
    /// # Errors
    /// [`PeopleError::Unknown`], [`PeopleError::LastAdmin`].
    pub fn remove(&mut self, name: &str) -> Result<Person, PeopleError> {
        let unknown = || PeopleError::Unknown { name: name.to_owned() };
        let at = self.0.iter().position(|person| person.name == name).ok_or_else(unknown)?;
        self.not_the_last_admin(name)?;
        Ok(self.0.remove(at))
    }

    fn not_the_last_admin(&self, name: &str) -> Result<(), PeopleError> {
        let others = self.0.iter().any(|person| person.role == Role::Admin && person.name != name);
        let is_admin = self.get(name).is_some_and(|person| person.role == Role::Admin);
        if is_admin && !others { Err(PeopleError::LastAdmin { name: name.to_owned() }) } else { Ok(()) }
    }

    /// Writes them to a folder that is there, whole or not at all. The file belongs to whom the folder belongs to, whoever writes it.
    ///
    /// # Errors
    /// [`PeopleError::Disk`].
    pub fn write(&self, folder: &Path) -> Result<(), PeopleError> {
        let (path, new) = (Self::file(folder), folder.join(format!("{FILE}.new")));
        let text = toml::to_string(&Raw { person: self.0.clone() });
        let text = text
            .map_err(|error| PeopleError::Malformed { path: path.display().to_string(), reason: error.to_string() })?;
        let written = || -> std::io::Result<()> {
            // One that was left behind may have other rights.
            match std::fs::remove_file(&new) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            let (owner, now) = (std::fs::metadata(folder)?, file.metadata()?);
            if (owner.uid(), owner.gid()) != (now.uid(), now.gid()) {
                fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
            }
            file.write_all(HEAD.as_bytes())?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            File::open(folder)?.sync_all()
        };
        written().map_err(disk(&path))
    }
}

/// Holds a folder, which is made where it is missing, while its people are changed: a second program waits.
///
/// # Errors
/// [`PeopleError::Disk`].
pub fn hold(folder: &Path) -> Result<File, PeopleError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let held = made.and_then(|()| File::open(folder)).and_then(|held| held.lock().map(|()| held));
    held.map_err(disk(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_what_it_was_set_for_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let mut people = People::read(folder.path()).unwrap();
        assert!(!people.closed());
        people.set("anna", Role::Operator, "correct horse").unwrap();
        assert!(!people.closed(), "an operator's password alone closes nothing");
        people.set("admin", Role::Admin, "battery staple").unwrap();
        people.write(folder.path()).unwrap();
        let again = People::read(folder.path()).unwrap();
        assert_eq!(again, people);
        assert!(again.closed());
        assert_eq!(again.verify("anna", "correct horse").map(|person| person.role), Some(Role::Operator));
        for (name, password) in [("anna", "battery staple"), ("admin", ""), ("emil", "correct horse"), ("", "")] {
            assert_eq!(again.verify(name, password), None, "{name} {password}");
        }
        let text = std::fs::read_to_string(People::file(folder.path())).unwrap();
        assert!(!text.contains("horse") && text.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        let mode = std::fs::metadata(People::file(folder.path())).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_same_password_has_another_hash_each_time_and_a_new_one_takes_the_place() {
        let mut people = People::default();
        people.set("anna", Role::Admin, "correct horse").unwrap();
        let before = people.get("anna").unwrap().hash.clone();
        people.set("anna", Role::Admin, "correct horse").unwrap();
        assert_ne!(people.get("anna").unwrap().hash, before);
        assert_eq!(people.0.len(), 1);
    }

    #[test]
    fn the_hash_for_names_that_nobody_has_costs_what_all_others_do() {
        let mut people = People::default();
        people.set("anna", Role::Admin, "correct horse").unwrap();
        let params = |hash: &str| {
            checked(hash).unwrap();
            let parsed = PasswordHash::new(hash).unwrap();
            let params = Params::try_from(&parsed).unwrap();
            (params.m_cost(), params.t_cost(), params.p_cost(), params.output_len())
        };
        assert_eq!(params(NOBODYS), params(&people.get("anna").unwrap().hash));
    }

    #[test]
    fn what_is_no_name_or_no_password_is_refused_and_the_last_admin_stays() {
        let mut people = People::default();
        for name in ["", "anna b", "änne", "a/../b", &"a".repeat(33)] {
            assert!(matches!(people.set(name, Role::Admin, "correct horse"), Err(PeopleError::Name { .. })), "{name}");
        }
        for password in ["", "1234567", &"x".repeat(257)] {
            let set = people.set("anna", Role::Admin, password);
            assert!(matches!(set, Err(PeopleError::Password { .. })), "{password}");
        }
        people.set("admin", Role::Admin, "correct horse").unwrap();
        assert!(matches!(people.remove("admin"), Err(PeopleError::LastAdmin { .. })));
        assert!(matches!(people.set("admin", Role::Operator, "correct horse"), Err(PeopleError::LastAdmin { .. })));
        assert!(matches!(people.remove("emil"), Err(PeopleError::Unknown { .. })));
        people.set("boss", Role::Admin, "correct horse").unwrap();
        assert_eq!(people.remove("admin").unwrap().role, Role::Admin);
    }

    #[test]
    fn a_file_that_is_none_is_refused_and_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let person =
            |name: &str, hash: &str| format!("[[person]]\nname = \"{name}\"\nrole = \"admin\"\nhash = \"{hash}\"\n");
        let one = person("anna", NOBODYS);
        for (text, expected) in [
            ("person = 1".to_owned(), "invalid type"),
            (one.replace("role", "roll"), "roll"),
            (one.replace("\"admin\"", "\"nobody\""), "nobody"),
            (one.clone() + &one, "twice"),
            (person("a b", NOBODYS), "is no name"),
            (person("anna", "secret"), "the hash of"),
            (person("anna", &NOBODYS.replace("19456", "9999999")), "64 MiB"),
            (person("anna", &NOBODYS.replace("argon2id", "argon2d")), "argon2id"),
            ("#".repeat(MOST_BYTES as usize + 1), "too many"),
        ] {
            std::fs::write(People::file(folder.path()), text).unwrap();
            let message = People::read(folder.path()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
