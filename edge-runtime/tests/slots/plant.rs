//! A plant's process, connected with a station.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use edge_plant::wire::{self, Decoder, PREFACE, ToPlant, ToStation};

pub struct Plant {
    stream: UnixStream,
    decoder: Decoder,
}

impl Plant {
    /// Waits for the station's socket.
    pub fn connect(socket: &Path) -> Self {
        for _ in 0..1_200 {
            if let Ok(mut stream) = UnixStream::connect(socket) {
                stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
                stream.write_all(&PREFACE).unwrap();
                return Self { stream, decoder: Decoder::default() };
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("{} is never opened", socket.display());
    }

    /// `None` when the station has ended.
    pub fn next(&mut self) -> Option<ToPlant> {
        loop {
            if let Some(word) = self.decoder.message().unwrap() {
                return Some(word);
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes).unwrap() {
                0 => return None,
                read => self.decoder.push(&bytes[..read]),
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

    fn ask(&mut self, request: &ToStation) {
        let mut out = Vec::new();
        wire::encode(request, &mut out).unwrap();
        self.stream.write_all(&out).unwrap();
    }
}
