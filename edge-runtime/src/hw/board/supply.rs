//! Pictures of a camera that may go and come back.
//!
//! Takes a machine that opens cameras, tells the time and waits; gives pictures, and each fault once. From then on every
//! call opens the camera again when an attempt is due, and otherwise waits as for a picture. It knows no V4L2 and reads no
//! clock.

use edge_video::VideoError;
use shared::units::Micros;

use super::backoff::Backoff;
use crate::hw::roles::{HwFault, Picture};

/// What the camera has done since it was opened for the first time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pictures given.
    pub pictures: u64,
    /// Pictures that the driver counted and did not deliver.
    pub missed: u64,
    /// Pictures that came damaged.
    pub damaged: u64,
    /// Times that the camera came back.
    pub reopened: u64,
}

/// What [`Supply`] needs of the machine.
pub(super) trait Machine {
    type Source: Source;

    fn now(&self) -> Micros;

    /// Blocks until then, or for a shorter time.
    fn wait(&self, until: Micros);

    fn open(&self) -> Result<Self::Source, VideoError>;
}

/// What came from a source.
pub(super) enum Given {
    Picture { picture: Picture, missed: u32 },
    Damaged { evidence: String, missed: u32 },
    Nothing,
}

pub(super) trait Source {
    fn next(&mut self, until: Micros) -> Result<Given, VideoError>;
}

/// Pictures of a source that may go and come back.
///
/// # Invariants
/// `told` is the last fault that was reported, so that a camera that is away, or is there and cannot be used, is reported
/// once and not at every attempt. Without a `source` there are `waits`; they grow until a picture comes, since a camera with
/// a bad plug or too little power opens again and again and gives none.
#[derive(Debug)]
pub(super) struct Supply<M: Machine> {
    machine: M,
    source: Option<M::Source>,
    waits: Option<Backoff>,
    told: String,
    counts: Counts,
}

impl<M: Machine> Supply<M> {
    /// Opens the source.
    pub(super) fn open(machine: M) -> Result<Self, VideoError> {
        let source = Some(machine.open()?);
        Ok(Self { machine, source, waits: None, told: String::new(), counts: Counts::default() })
    }

    /// The source, while it is open.
    pub(super) fn source(&self) -> Option<&M::Source> {
        self.source.as_ref()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// As [`FrameStream::next`](crate::hw::roles::FrameStream::next).
    pub(super) fn next(&mut self, until: Micros) -> Result<Option<Picture>, HwFault> {
        loop {
            if let Some(source) = &mut self.source {
                match source.next(until) {
                    Ok(given) => return self.counted(given),
                    Err(error) => {
                        self.source = None;
                        let first = self.waits.is_none();
                        self.put_off();
                        self.tell(&error, first)?;
                    }
                }
            }
            let now = self.machine.now();
            let due = self.waits.map_or(now, |waits| waits.due());
            if now < due {
                if now >= until {
                    return Ok(None);
                }
                self.machine.wait(due.min(until));
                continue;
            }
            match self.machine.open() {
                Ok(source) => {
                    tracing::info!("the camera is back");
                    self.source = Some(source);
                    self.counts.reopened += 1;
                }
                Err(error) => {
                    self.put_off();
                    // That it is away was told when it went.
                    if !error.is_absent() {
                        self.tell(&error, false)?;
                    }
                }
            }
        }
    }

    /// Puts the next attempt off, for longer each time until a picture comes.
    fn put_off(&mut self) {
        let now = self.machine.now();
        match &mut self.waits {
            Some(waits) => waits.failed(now),
            None => self.waits = Some(Backoff::begin(now)),
        }
    }

    /// Reports a fault unless it is the one that was reported last; a `first` one after a picture in any case.
    fn tell(&mut self, error: &VideoError, first: bool) -> Result<(), HwFault> {
        let evidence = error.to_string();
        if !first && evidence == self.told {
            return Ok(());
        }
        self.told.clone_from(&evidence);
        Err(HwFault::Camera { evidence })
    }

    fn counted(&mut self, given: Given) -> Result<Option<Picture>, HwFault> {
        match given {
            Given::Nothing => Ok(None),
            Given::Picture { picture, missed } => {
                self.waits = None;
                self.counts.pictures += 1;
                self.counts.missed += u64::from(missed);
                Ok(Some(picture))
            }
            Given::Damaged { evidence, missed } => {
                self.counts.damaged += 1;
                self.counts.missed += u64::from(missed);
                Err(HwFault::Picture { evidence })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use std::io;
    use std::rc::Rc;

    use super::*;
    use crate::hw::roles::PictureFormat;

    /// What a scripted camera does, in order. After the last it has gone.
    #[derive(Clone, Copy, Debug)]
    enum Does {
        Opens,
        IsAbsent,
        IsBusy,
        Gives(u64),
        Damages,
        Goes,
    }

    /// A machine whose time passes while it is waited for.
    struct Script {
        now: Rc<Cell<u64>>,
        does: Rc<RefCell<VecDeque<Does>>>,
        attempts: RefCell<Vec<u64>>,
    }

    struct Scripted(Rc<Cell<u64>>, Rc<RefCell<VecDeque<Does>>>);

    impl Machine for Script {
        type Source = Scripted;

        fn now(&self) -> Micros {
            Micros(self.now.get())
        }

        fn wait(&self, until: Micros) {
            self.now.set(until.0.max(self.now.get()));
        }

        fn open(&self) -> Result<Scripted, VideoError> {
            self.attempts.borrow_mut().push(self.now.get() / 1_000);
            let device = "/dev/video0".into();
            match self.does.borrow_mut().pop_front() {
                Some(Does::Opens) => Ok(Scripted(Rc::clone(&self.now), Rc::clone(&self.does))),
                Some(Does::IsBusy) => Err(VideoError::Busy { device, doing: "setting the format" }),
                _ => Err(VideoError::Open { device, source: io::ErrorKind::NotFound.into() }),
            }
        }
    }

    impl Source for Scripted {
        fn next(&mut self, until: Micros) -> Result<Given, VideoError> {
            let Self(now, does) = self;
            let next = does.borrow_mut().pop_front();
            match next {
                Some(Does::Gives(at)) if at > until.0 => {
                    does.borrow_mut().push_front(Does::Gives(at));
                    now.set(until.0.max(now.get()));
                    Ok(Given::Nothing)
                }
                Some(Does::Gives(at)) => {
                    now.set(at.max(now.get()));
                    let format = PictureFormat::Jpeg;
                    let picture = Picture { exposed_at: Micros(at), format, width: 1, height: 1, bytes: Vec::new() };
                    Ok(Given::Picture { picture, missed: 2 })
                }
                Some(Does::Damages) => Ok(Given::Damaged { evidence: "torn".into(), missed: 0 }),
                Some(Does::Goes) | None => {
                    Err(VideoError::Gone { device: "/dev/video0".into(), evidence: "poll says HUP".into() })
                }
                Some(other) => panic!("{other:?} is for a closed camera"),
            }
        }
    }

    fn supply(does: &[Does]) -> Supply<Script> {
        let does = Rc::new(RefCell::new(does.iter().copied().collect()));
        Supply::open(Script { now: Rc::default(), does, attempts: RefCell::default() }).unwrap()
    }

    /// What a call says: the time of a picture in milliseconds, `-` for none, or the fault.
    fn call(supply: &mut Supply<Script>, until_ms: u64) -> String {
        match supply.next(Micros::from_millis(until_ms)) {
            Ok(Some(picture)) => format!("picture of {}", picture.exposed_at.0 / 1_000),
            Ok(None) => format!("- at {}", supply.machine.now.get() / 1_000),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn an_unplugged_camera_is_told_once_and_taken_up_again() {
        use Does::{Gives, Goes, IsAbsent, Opens};
        let mut supply = supply(&[Opens, Gives(50_000), Goes, IsAbsent, IsAbsent, IsAbsent, Opens, Gives(3_100_000)]);
        for (until, says) in [
            (100, "picture of 50"),
            (100, "camera: /dev/video0: the camera has gone (poll says HUP)"),
            (100, "- at 100"),
            (200, "- at 200"),
            (1_000, "- at 1000"),
            (3_000, "- at 3000"),
            (4_000, "picture of 3100"),
        ] {
            assert_eq!(call(&mut supply, until), says, "until {until}");
        }
        assert_eq!(*supply.machine.attempts.borrow(), [0, 250, 650, 1_450, 3_050]);
        assert_eq!(supply.counts, Counts { pictures: 2, missed: 4, damaged: 0, reopened: 1 });
    }

    #[test]
    fn a_camera_that_is_back_and_cannot_be_used_is_told_once_too() {
        use Does::{Gives, Goes, IsAbsent, IsBusy, Opens};
        let mut supply = supply(&[Opens, Goes, IsAbsent, IsBusy, IsBusy, Opens, Gives(9_000_000)]);
        for (until, says) in [
            (100, "camera: /dev/video0: the camera has gone (poll says HUP)"),
            (2_000, "camera: /dev/video0: is in use by another program (setting the format)"),
            (2_000, "- at 2000"),
            (9_000, "picture of 9000"),
        ] {
            assert_eq!(call(&mut supply, until), says, "until {until}");
        }
    }

    #[test]
    fn a_camera_that_opens_and_dies_at_once_is_told_once_and_asked_ever_more_rarely() {
        use Does::{Gives, Goes, Opens};
        let dies = [Opens, Goes].repeat(6);
        let mut supply = supply(&[&dies[..], &[Opens, Gives(14_000_000), Goes, Opens, Gives(14_300_000)]].concat());
        let gone = "camera: /dev/video0: the camera has gone (poll says HUP)";
        for (until, says) in [
            (100, gone),
            (10_000, "- at 10000"),
            (20_000, "picture of 14000"),
            (20_000, gone),
            (20_000, "picture of 14300"),
        ] {
            assert_eq!(call(&mut supply, until), says, "until {until}");
        }
        assert_eq!(*supply.machine.attempts.borrow(), [0, 200, 600, 1_400, 3_000, 6_200, 11_200, 14_200]);
        assert_eq!(supply.counts.reopened, 7);
    }

    #[test]
    fn a_damaged_picture_is_a_fault_and_the_stream_goes_on() {
        use Does::{Damages, Gives, Opens};
        let mut supply = supply(&[Opens, Damages, Gives(40_000)]);
        assert_eq!(call(&mut supply, 100), "a picture: torn");
        assert_eq!(call(&mut supply, 100), "picture of 40");
        assert_eq!(supply.counts, Counts { pictures: 1, missed: 2, damaged: 1, reopened: 0 });
    }

    #[test]
    fn a_camera_that_is_not_there_at_the_start_is_an_error() {
        let machine = Script { now: Rc::default(), does: Rc::default(), attempts: RefCell::default() };
        assert!(Supply::open(machine).is_err());
    }
}
