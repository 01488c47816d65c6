//! How the station itself is: [`alarms`] says what is wrong with it and what follows, [`watchdog`] proves that it lives.

pub mod alarms;
pub mod watchdog;
