//! Room for connections.
//!
//! Bounded in all and for each address. Where there is none left, the oldest connection that has never asked for anything makes room: so ten thousand
//! that only stand there keep nobody out, who asks as soon as a browser does. Knows no sockets and no time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Connections at once: some ten viewers with some connections each.
pub const MOST: usize = 256;

/// Connections of one address at once: nobody takes all of them.
pub const OF_ONE: usize = MOST / 2;

#[derive(Debug)]
struct Row {
    of: IpAddr,
    asked: bool,
    end: Arc<Notify>,
}

/// In the order in which they came.
#[derive(Debug, Default)]
struct Rows {
    next: u64,
    rows: BTreeMap<u64, Row>,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<Rows>>);

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub struct Place {
    all: Connections,
    number: u64,
    end: Arc<Notify>,
}

impl Connections {
    /// No thread leaves the rows half done.
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection of an address, or none.
    #[must_use]
    pub fn enter(&self, of: IpAddr) -> Option<Place> {
        let mut all = self.rows();
        let of_one = all.rows.values().filter(|row| row.of == of).count();
        if of_one >= OF_ONE {
            all.make_room(|row| row.of == of)?;
        } else if all.rows.len() >= MOST {
            all.make_room(|_| true)?;
        }
        let (number, end) = (all.next, Arc::new(Notify::new()));
        all.next += 1;
        all.rows.insert(number, Row { of, asked: false, end: Arc::clone(&end) });
        Some(Place { all: self.clone(), number, end })
    }
}

impl Rows {
    /// Ends the oldest connection that has never asked, among those that are meant.
    fn make_room(&mut self, meant: impl Fn(&Row) -> bool) -> Option<()> {
        let oldest = self.rows.iter().find(|(_, row)| !row.asked && meant(row)).map(|(number, _)| *number)?;
        self.rows.remove(&oldest)?.end.notify_one();
        Some(())
    }
}

impl Place {
    /// The connection has asked for something: it is not ended for another any more.
    pub fn asked(&self) {
        if let Some(row) = self.all.rows().rows.get_mut(&self.number) {
            row.asked = true;
        }
    }

    /// Waits until the connection has to make room.
    pub async fn ended(&self) {
        self.end.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.rows().rows.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: usize) -> IpAddr {
        IpAddr::from([10, 0, (last >> 8) as u8, last as u8])
    }

    /// Whether it had to make room.
    fn ended(place: &Place) -> bool {
        use futures_util::FutureExt as _;
        place.ended().now_or_never().is_some()
    }

    #[test]
    fn who_only_stands_there_makes_room_the_oldest_first() {
        let all = Connections::default();
        let places: Vec<_> = (0..MOST).map(|number| all.enter(address(number)).unwrap()).collect();
        places[0].asked();
        let newest = all.enter(address(MOST)).unwrap();
        let gone: Vec<_> = places.iter().map(ended).enumerate().filter(|(_, ended)| *ended).collect();
        assert_eq!(gone, [(1, true)]);
        for place in &places[2..] {
            place.asked();
        }
        newest.asked();
        assert!(all.enter(address(0)).is_none(), "all are asking");
        drop(newest);
        assert!(all.enter(address(0)).is_some());
        drop(places);
        assert!(all.rows().rows.is_empty(), "nothing is left of them");
    }

    #[test]
    fn one_address_takes_half_and_makes_room_for_itself_alone() {
        let all = Connections::default();
        let other = all.enter(address(1)).unwrap();
        let mut places: Vec<_> = (0..OF_ONE).map(|_| all.enter(address(0)).unwrap()).collect();
        places.push(all.enter(address(0)).unwrap());
        assert!(!ended(&other) && ended(&places[0]) && !ended(&places[1]));
        assert_eq!(all.rows().rows.len(), OF_ONE + 1);
        places.iter().for_each(Place::asked);
        assert!(all.enter(address(0)).is_none());
        assert!(all.enter(address(2)).is_some());
    }

    #[test]
    fn ten_thousand_that_only_stand_there_keep_nobody_out() {
        let all = Connections::default();
        let mut standing = Vec::new();
        for number in 0..10_000 {
            standing.push(all.enter(address(number)).unwrap());
        }
        let asking = all.enter(address(0)).unwrap();
        asking.asked();
        standing.extend((0..10_000).map(|number| all.enter(address(number)).unwrap()));
        assert!(!ended(&asking));
        assert_eq!(all.rows().rows.len(), MOST);
    }
}
