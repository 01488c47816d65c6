//! A plant's process, connected with a station.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use edge_plant::wire::{
    self, Decoder, MOST_PIECE, NotTaken, Offer, PREFACE, Products, Step, ToPlant, ToStation, Uploaded,
};

use super::seal::sha256;

pub struct Plant {
    stream: UnixStream,
    decoder: Decoder,
    /// What was heard of them last.
    pub products: Products,
}

/// Number of the steps of an upload.
const UPLOAD: u32 = 1_000;

impl Plant {
    /// Waits for the station's socket.
    pub fn connect(socket: &Path) -> Self {
        for _ in 0..1_200 {
            if let Ok(mut stream) = UnixStream::connect(socket) {
                stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
                stream.write_all(&PREFACE).unwrap();
                return Self { stream, decoder: Decoder::default(), products: Products::default() };
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("{} is never opened", socket.display());
    }

    /// `None` when the station has ended.
    pub fn next(&mut self) -> Option<ToPlant> {
        loop {
            if let Some(word) = self.decoder.message().unwrap() {
                if let ToPlant::Products(products) = &word {
                    self.products.clone_from(products);
                }
                return Some(word);
            }
            let mut bytes = [0; 4096];
            // A station that is killed may take with it what it has not read.
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(read) => self.decoder.push(&bytes[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Wants another product; the answer has its number.
    pub fn select(&mut self, product: u16) {
        self.ask(&ToStation::Select { number: u32::from(product), product });
    }

    /// Presses the reset button; the answer has the number 99.
    pub fn acknowledge(&mut self) {
        self.ask(&ToStation::Acknowledge { number: 99 });
    }

    /// Hands a bundle over, in pieces, until it ends.
    pub fn upload(&mut self, offer: Offer, bytes: &[u8]) -> Result<Uploaded, NotTaken> {
        let pieces = bytes.chunks(MOST_PIECE).map(|piece| Step::Piece(piece.to_vec()));
        let steps = std::iter::once(Step::Begin(offer)).chain(pieces).chain([Step::Finish { sha256: sha256(bytes) }]);
        steps.into_iter().find_map(|step| self.step(step)).expect("it ends with its last step")
    }

    /// The same with a station that may be killed meanwhile.
    pub fn upload_if_heard(&mut self, offer: Offer, bytes: &[u8]) {
        let pieces = bytes.chunks(MOST_PIECE).map(|piece| Step::Piece(piece.to_vec()));
        for step in std::iter::once(Step::Begin(offer)).chain(pieces).chain([Step::Finish { sha256: sha256(bytes) }]) {
            if !self.say(&ToStation::Upload { number: UPLOAD, step })
                || self.answered().is_none_or(|ended| ended.is_some())
            {
                return;
            }
        }
    }

    /// The next step of an upload; gives its end, if that is it.
    pub fn step(&mut self, step: Step) -> Option<Result<Uploaded, NotTaken>> {
        self.ask(&ToStation::Upload { number: UPLOAD, step });
        self.answered().expect("the station has not ended")
    }

    /// The answer to a step; `None` when the station has ended.
    fn answered(&mut self) -> Option<Option<Result<Uploaded, NotTaken>>> {
        loop {
            match self.next()? {
                ToPlant::Answer { number: UPLOAD, taken: true } => return Some(None),
                ToPlant::Uploaded { number: UPLOAD, outcome } => return Some(Some(*outcome)),
                _ => {}
            }
        }
    }

    fn ask(&mut self, request: &ToStation) {
        assert!(self.say(request), "the station has not ended");
    }

    /// Gives whether there is anybody to say it to.
    fn say(&mut self, request: &ToStation) -> bool {
        let mut out = Vec::new();
        wire::encode(request, &mut out).unwrap();
        self.stream.write_all(&out).is_ok()
    }
}
