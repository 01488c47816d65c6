//! How often something may be tried.
//!
//! A [`Pace`] is one moment in time: the one up to which what was done is paid for. So a table of them needs the same memory whoever asks, and an
//! address shares its place with others that fall on it: at worst somebody waits for what somebody else did.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;

use shared::units::Micros;

/// So many at once, and one more each time that so much has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At once.
    pub burst: u32,
    /// One more after this.
    pub every: Micros,
}

impl Limit {
    const fn room(self) -> u64 {
        self.every.0.saturating_mul(self.burst as u64)
    }
}

/// What was done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    paid: u64,
}

impl Pace {
    /// Counts one more. Where it is too many, gives how long to wait, and counts nothing.
    ///
    /// # Errors
    /// The time after which it may be tried again.
    pub fn take(&mut self, at: Micros, limit: Limit) -> Result<(), Micros> {
        let paid = self.paid.max(at.0).saturating_add(limit.every.0);
        let most = at.0.saturating_add(limit.room());
        if paid > most {
            return Err(Micros(paid - most));
        }
        self.paid = paid;
        Ok(())
    }

    /// Takes one back that was counted.
    pub fn give_back(&mut self, limit: Limit) {
        self.paid = self.paid.saturating_sub(limit.every.0);
    }
}

/// Places for addresses: more than machines that people sign in from.
const PLACES: usize = 1_024;

/// Tries of one address: a few mistakes at once, then three a minute.
pub const OF_ONE: Limit = Limit { burst: 6, every: Micros(20_000_000) };

/// Tries of all: a shift that begins at once, then twenty a minute, so that a thousand machines guess no faster.
pub const OF_ALL: Limit = Limit { burst: 30, every: Micros(3_000_000) };

/// Tries to sign in, by address and in all.
#[derive(Debug)]
pub struct Tries {
    places: Box<[Pace]>,
    all: Pace,
    hasher: RandomState,
}

impl Default for Tries {
    fn default() -> Self {
        Self { places: vec![Pace::default(); PLACES].into(), all: Pace::default(), hasher: RandomState::new() }
    }
}

impl Tries {
    fn place(&mut self, address: IpAddr) -> &mut Pace {
        // Whoever has one address of version 6 has at least all that share its first half.
        let hash = match address {
            IpAddr::V4(address) => self.hasher.hash_one(address.octets()),
            IpAddr::V6(address) => self.hasher.hash_one(&address.segments()[..4]),
        };
        &mut self.places[hash as usize % PLACES]
    }

    /// Counts a try. Those at the machine itself do not count among all, so that nobody far away can keep them out.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(&mut self, at: Micros, address: IpAddr) -> Result<(), Micros> {
        let address = address.to_canonical();
        self.place(address).take(at, OF_ONE)?;
        if address.is_loopback() {
            return Ok(());
        }
        self.all.take(at, OF_ALL).inspect_err(|_| self.place(address).give_back(OF_ONE))
    }

    /// A try that was right does not count.
    pub fn right(&mut self, address: IpAddr) {
        let address = address.to_canonical();
        self.place(address).give_back(OF_ONE);
        if !address.is_loopback() {
            self.all.give_back(OF_ALL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn one_address_tries_a_few_times_and_then_slowly() {
        let mut tries = Tries::default();
        let address: IpAddr = "10.0.0.7".parse().unwrap();
        for _ in 0..OF_ONE.burst {
            assert_eq!(tries.take(Micros(SECOND), address), Ok(()));
        }
        assert_eq!(tries.take(Micros(SECOND), address), Err(OF_ONE.every));
        assert_eq!(tries.take(Micros(20 * SECOND), address), Err(Micros(SECOND)));
        assert_eq!(tries.take(Micros(21 * SECOND), address), Ok(()));
        assert!(tries.take(Micros(21 * SECOND), address).is_err());
        tries.right(address);
        assert_eq!(tries.take(Micros(21 * SECOND), address), Ok(()));
        assert!(tries.take(Micros(21 * SECOND), "::ffff:10.0.0.7".parse().unwrap()).is_err(), "the same machine");
    }

    #[test]
    fn many_addresses_are_no_faster_than_all_may_be_and_keep_nobody_at_the_machine_out() {
        let mut tries = Tries::default();
        let taken = (0..100_000u32).filter(|number| {
            let at = Micros(u64::from(*number) * 600);
            let address = 0x0a00_0000 | number.wrapping_mul(2_654_435_761) >> 8;
            tries.take(at, IpAddr::from(address.to_be_bytes())).is_ok()
        });
        // A minute: the burst, and twenty more.
        let taken = taken.count();
        assert!((40..=OF_ALL.burst as usize + 20).contains(&taken), "{taken}");
        for here in ["127.0.0.1", "::1", "::ffff:127.0.0.2"] {
            assert_eq!(tries.take(Micros(60 * SECOND), here.parse().unwrap()), Ok(()), "{here}");
        }
    }

    #[test]
    fn half_of_an_address_of_version_6_is_one_machine() {
        let mut tries = Tries::default();
        let of = |last: u32| -> IpAddr { format!("2001:db8:1:2::{last:x}").parse().unwrap() };
        let taken = (1..50).filter(|last| tries.take(Micros(0), of(*last)).is_ok());
        assert_eq!(taken.count(), OF_ONE.burst as usize);
    }
}
