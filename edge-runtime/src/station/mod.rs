//! The threads of a real line, and the queues between them.
//!
//! [`gate`] alone moves outputs and waits on nothing but time and the sensors; [`camera`] takes pictures; the workers of
//! `stage::workers` judge; [`mod@line`] is the desk's loop, on the thread that started the station, and ends all of them;
//! [`attendant`] looks after what is around the line; [`bundles`] makes another bundle ready while the line runs, and ends trials;
//! [`recipes`] makes another product ready;
//! [`plant`] tells the plant's process what happens;
//! [`budget`] says before the start whether verdicts can be there in time. What the threads do is in `stage`.

pub mod attendant;
pub mod budget;
pub mod bundles;
pub mod camera;
pub mod gate;
pub mod line;
pub mod plant;
pub mod recipes;
