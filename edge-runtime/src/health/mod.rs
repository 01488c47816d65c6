//! How the station itself is: [`alarms`] says what is wrong with it and what follows, [`readings`] how hot the board is and how much room
//! its disk has, [`watchdog`] proves that it lives.

pub mod alarms;
pub mod readings;
pub mod watchdog;
