//! A bundle handed over from the page, beside a station that says what a test wants it to say of it.

use edge_plant::wire::{Arriving, Bundle, MOST_PIECE, NotTaken, Offer, Product, Products, Step, Uploaded};

use super::*;

/// How the station ends an upload: never by itself, or at a step.
type End = fn(&Heard) -> Option<Result<Uploaded, NotTaken>>;

/// What the station has heard of the upload that is under way, or was last.
#[derive(Debug, Default, Clone)]
struct Heard {
    offer: Offer,
    bytes: Vec<u8>,
    longest: usize,
    finished: Option<[u8; 32]>,
    abandoned: bool,
}

fn taken(heard: &Heard) -> Option<Result<Uploaded, NotTaken>> {
    let sha256 = heard.finished?;
    Some(Ok(Uploaded {
        recipe: heard.offer.recipe.clone(),
        number: 7,
        new: true,
        running: false,
        product: "<i>rings</i>".to_owned(),
        sha256,
        bytes: heard.bytes.len() as u64,
        format: 3,
        signer: "13f8b1f793c3dab4".to_owned(),
        created: 1_780_000_000,
        preset: "nano".to_owned(),
        widths: [8, 8],
        input: [256, 256],
        steps: 1_000,
        pictures: 200,
        threshold: Score::new(0.25).unwrap(),
        good_parts: 99,
        tested: 4,
        worst: Score::new(0.0001).unwrap(),
        tolerance: Score::new(0.001).unwrap(),
    }))
}

fn untrusted(heard: &Heard) -> Option<Result<Uploaded, NotTaken>> {
    let (signer, trusted) = ("0123".to_owned(), "trusted are 4567 (line.pub)".to_owned());
    (!heard.bytes.is_empty()).then_some(Err(NotTaken::NotTrusted { signer, trusted }))
}

fn older(heard: &Heard) -> Option<Result<Uploaded, NotTaken>> {
    heard.finished.map(|_| Err(NotTaken::Older { created: 0, present: 86_400 }))
}

fn busy(_: &Heard) -> Option<Result<Uploaded, NotTaken>> {
    Some(Err(NotTaken::Busy))
}

/// The station's side, until it is dropped.
struct Script {
    stream: UnixStream,
    heard: Arc<Mutex<Heard>>,
    end: Arc<Mutex<End>>,
}

impl Script {
    fn accept(listener: &UnixListener) -> Self {
        let (mut stream, _) = listener.accept().unwrap();
        let mut out = PREFACE.to_vec();
        let [software, station, product, store] = ["0.1.0", "north", "caps", "nowhere"].map(str::to_owned);
        let (bundle_sha256, threshold, clock_at_start) = ([0; 32], Score::default(), Micros(0));
        let (run, simulation, started_us) = (3, true, 0);
        let greeting = Greeting {
            software,
            station,
            product,
            bundle_sha256,
            threshold,
            run,
            simulation,
            store,
            started_us,
            clock_at_start,
        };
        wire::encode(&ToPlant::Greeting(greeting), &mut out).unwrap();
        let broken = Product { name: "rings".to_owned(), number: Some(7), bundle: Err("away".to_owned()) };
        let arriving = Some(Arriving { recipe: "lids".to_owned(), percent: 35 });
        let usable = |name: &str, number, sha256| {
            let (product, signer, threshold) = (name.to_owned(), "0123".to_owned(), Score::default());
            let bundle = Bundle { product, sha256, threshold, created: 0, good_parts: 9, signer };
            Product { name: name.to_owned(), number: Some(number), bundle: Ok(bundle) }
        };
        let list = vec![usable("own", 0, CAPS), broken, usable("lids", 9, [0x1d; 32])];
        let products = Products { list, arriving, ..Products::default() };
        wire::encode(&ToPlant::Products(Box::new(products)), &mut out).unwrap();
        stream.write_all(&out).unwrap();
        let (mut reader, mut writer) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
        reader.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let heard = Arc::<Mutex<Heard>>::default();
        let end = Arc::new(Mutex::new(taken as End));
        let (hears, ends) = (Arc::clone(&heard), Arc::clone(&end));
        std::thread::spawn(move || {
            let (mut decoder, mut bytes) = (Decoder::default(), vec![0; 64 << 10]);
            let standing = ToPlant::Standing(Box::default());
            loop {
                let mut out = Vec::new();
                wire::encode(&standing, &mut out).unwrap();
                match reader.read(&mut bytes) {
                    Ok(0) => return,
                    Ok(read) => decoder.push(&bytes[..read]),
                    Err(_) => {}
                }
                while let Some(word) = decoder.message().unwrap() {
                    let (number, step) = match word {
                        ToStation::Upload { number, step } => (number, step),
                        ToStation::Select { number, .. } => {
                            wire::encode(&ToPlant::Answer { number, taken: true }, &mut out).unwrap();
                            continue;
                        }
                        word => panic!("{word:?}"),
                    };
                    let mut heard = hears.lock().unwrap();
                    let abandons = step == Step::Abandon;
                    heard.take(step);
                    let answer = match (ends.lock().unwrap())(&heard).filter(|_| !abandons) {
                        Some(outcome) => ToPlant::Uploaded { number, outcome: Box::new(outcome) },
                        None => ToPlant::Answer { number, taken: true },
                    };
                    wire::encode(&answer, &mut out).unwrap();
                }
                if writer.write_all(&out).is_err() {
                    return;
                }
            }
        });
        Self { stream, heard, end }
    }

    fn ends(&self, end: End) {
        *self.end.lock().unwrap() = end;
    }

    fn heard(&self) -> Heard {
        self.heard.lock().unwrap().clone()
    }

    fn until_abandoned(&self) {
        let left = (0..600).any(|_| {
            std::thread::park_timeout(Duration::from_millis(100));
            self.heard().abandoned
        });
        assert!(left, "the station still waits");
    }
}

impl Heard {
    fn take(&mut self, step: Step) {
        match step {
            Step::Begin(offer) => *self = Self { offer, ..Self::default() },
            Step::Piece(bytes) => {
                self.longest = self.longest.max(bytes.len());
                self.bytes.extend_from_slice(&bytes);
            }
            Step::Finish { sha256 } => self.finished = Some(sha256),
            Step::Abandon => self.abandoned = true,
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.stream.shutdown(std::net::Shutdown::Both));
    }
}

/// A form with a file, whose bytes are letters.
fn form(fields: &[(&str, &str)], file: &str, bytes: &str) -> String {
    let part = |name: &str, more: &str, text: &str| {
        format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{text}\r\n")
    };
    let fields: String = fields.iter().map(|(name, text)| part(name, "", text)).collect();
    let named = format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream");
    format!("{fields}{}--frontier--\r\n", part("file", &named, bytes))
}

const KIND: &str = "Content-Type: multipart/form-data; boundary=frontier\r\nAccept: text/html\r\n";

fn send(plant: &Plant, cookie: &str, body: &str) -> Answer {
    plant.ask("POST", "/products/upload", &format!("{KIND}{cookie}"), body)
}

/// Larger than some pieces, and no multiple of one.
fn bundle() -> String {
    "a bundle, as far as this test cares. ".repeat(3_000)
}

#[test]
fn an_engineer_hands_a_bundle_over_and_what_becomes_of_it_is_said_and_logged() {
    let folder = peopled("");
    let listener = UnixListener::bind(folder.path().join("plant.sock")).unwrap();
    let plant = Plant::serve(folder.path());
    let (cookie, csrf) = plant.signed_in(PEOPLE[1].0, PEOPLE[1].1);
    let fields = |csrf: &'_ str, reason: &'_ str| {
        [("csrf", csrf), ("recipe", "rings"), ("like", "0"), ("reason", reason)].map(|(a, b)| (a, b.to_owned()))
    };
    let body = |csrf: &str, reason: &str, more: &[(&str, &str)], file: &str| {
        let fields = fields(csrf, reason);
        let fields: Vec<_> =
            fields.iter().map(|(name, text)| (*name, text.as_str())).chain(more.iter().copied()).collect();
        form(&fields, file, &bundle())
    };
    assert_eq!(send(&plant, &cookie, &body(&csrf, "new lamp", &[], "r.draem")).status, 503, "no station");
    let script = Script::accept(&listener);
    plant.until("/products", "35 %");

    let (operator, operators) = plant.signed_in(PEOPLE[0].0, PEOPLE[0].1);
    let page = plant.ask("GET", "/products", &operator, "").body;
    assert!(page.contains("An engineer who is signed in may upload") && !page.contains("type=\"file\""), "{page}");
    assert_eq!(send(&plant, &operator, &body(&operators, "mine", &[], "r.draem")).status, 403);
    assert!(plant.ask("GET", "/products", &cookie, "").body.contains("enctype=\"multipart/form-data\""));
    let refused = [
        (body(&operators, "new lamp", &[], "r.draem"), 403),
        (body("", "new lamp", &[], "r.draem"), 403),
        (body(&csrf, " ", &[], "r.draem"), 422),
        (body(&csrf, "new lamp", &[], ""), 422),
        (body(&csrf, "new lamp", &[("like", "none")], "r.draem"), 422),
        (form(&[], "r.draem", "before what it is for"), 403),
        (body(&csrf, "new lamp", &[], "r.draem").replace("name=\"file\"", "name=\"other\""), 413),
        (body(&csrf, "new lamp", &[], "r.draem").replace("\r\n--frontier--", ""), 400),
    ];
    for (number, (body, status)) in refused.iter().enumerate() {
        let answer = send(&plant, &cookie, body);
        assert_eq!(answer.status, *status, "{number}: {}", answer.body);
        assert!(script.heard().finished.is_none(), "{number}");
    }
    script.until_abandoned();
    // What is larger than any bundle is not waited for.
    let mut stream = TcpStream::connect(&plant.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let host = &plant.address;
    let head = format!(
        "POST /products/upload HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 9000000000\r\n"
    );
    let large = answer(&mut stream, &format!("{head}{KIND}{cookie}Connection: close\r\n\r\n"), "/products/upload");
    assert!(large.status == 413 && large.body.contains("larger than any bundle"), "{}", large.body);

    let answer = send(&plant, &cookie, &body(&csrf, "new lamp", &[("older", "yes")], "rings-2.draem"));
    assert_eq!(answer.status, 201, "{}", answer.body);
    for expected in ["&lt;i&gt;rings", "7 · rings", "0.2500", "1.0e-4", "13f8b1f793c3dab4", "2026-05-28", "nano (8, 8)"]
    {
        assert!(answer.body.contains(expected), "{expected} is not in {}", answer.body);
    }
    let heard = script.heard();
    let offer = Offer { recipe: "rings".to_owned(), like: 0, allow_older: true };
    assert!(heard.bytes == bundle().as_bytes() && heard.longest == MOST_PIECE, "{} bytes", heard.bytes.len());
    assert_eq!(
        (heard.offer, heard.finished.map(|sha256| edge_plant::log::chain::hex(&sha256))),
        (offer, Some(sha256()))
    );

    // Refused before its end, at its end, and at once: the browser gets its answer in any case, and the log the file's hash.
    for (end, status, words) in [
        (untrusted as End, 422, "nobody signed it whom this station trusts"),
        (older as End, 422, "1970-01-02 00:00:00"),
        (busy as End, 409, "another bundle is on its way"),
    ] {
        script.ends(end);
        let answer = send(&plant, &cookie, &body(&csrf, "try", &[], "bad.draem"));
        assert!(answer.status == status && answer.body.contains(words), "{}: {}", answer.status, answer.body);
    }
    // Over the wire somebody pulls: the station is told, and the next one comes.
    script.ends(taken);
    let whole = body(&csrf, "cut", &[], "cut.draem");
    let mut stream = TcpStream::connect(&plant.address).unwrap();
    let (host, length) = (&plant.address, whole.len());
    let head = format!(
        "POST /products/upload HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: {length}\r\n"
    );
    stream.write_all(format!("{head}{KIND}{cookie}\r\n{}", &whole[..whole.len() / 2]).as_bytes()).unwrap();
    drop(stream);
    script.until_abandoned();
    assert_eq!(send(&plant, &cookie, &body(&csrf, "again", &[], "again.draem")).status, 201);

    // What cannot be written down does not happen.
    let (log, away) = (folder.path().join("state/log"), folder.path().join("away"));
    std::fs::rename(&log, &away).unwrap();
    let answer = send(&plant, &cookie, &body(&csrf, "in secret", &[], "secret.draem"));
    assert!(answer.status == 503 && answer.body.contains("cannot be written to the log"), "{}", answer.body);
    script.until_abandoned();
    assert_eq!(script.heard().finished, None);
    std::fs::rename(&away, &log).unwrap();
    drop((plant, script));

    let entries = read::newest(&log, None, 99).unwrap().into_iter().map(Result::unwrap);
    let mut said: Vec<_> =
        entries.filter(|entry| entry.what == "upload").map(|entry| (entry.role, entry.before, entry.after)).collect();
    said.reverse();
    let (there, sha256) = ("rings: no bundle that can be used".to_owned(), sha256());
    let file = |file: &str, more: &str| format!("rings: {file}, {} bytes, sha256 {sha256}{more}", bundle().len());
    let not = |why: &str| format!("not taken: {why}");
    let written = said.iter().position(|(_, before, _)| *before == there).unwrap();
    assert_eq!(said[0].2, "not taken: no station is connected");
    assert!(said[..written].iter().any(|(.., after)| *after == not("broken off")), "{said:?}");
    let expected = [
        (there.clone(), file("rings-2.draem", ", even if older: new lamp")),
        (file("bad.draem", ": try"), not("signed by key 0123; trusted are 4567 (line.pub)")),
        (there.clone(), file("bad.draem", ": try")),
        (file("bad.draem", ": try"), not("made 0 s after 1970, the one that is there 86400 s")),
        (file("bad.draem", ": try"), not("another bundle is on its way")),
    ];
    let seen: Vec<_> = said[written..].iter().map(|(_, before, after)| (before.clone(), after.clone())).collect();
    assert_eq!(seen[..expected.len()], expected);
    assert!(said.iter().all(|(role, ..)| role == "engineer"));
    assert_eq!(seen[expected.len()].1, not("broken off"));
    assert_eq!(seen[expected.len() + 1..], [(there, file("again.draem", ": again"))]);
}

#[test]
fn a_change_of_products_is_logged_with_the_bundles_before_and_after() {
    let folder = peopled("");
    let listener = UnixListener::bind(folder.path().join("plant.sock")).unwrap();
    let plant = Plant::serve(folder.path());
    let script = Script::accept(&listener);
    plant.until("/products", "lids");
    let (cookie, csrf) = plant.signed_in(PEOPLE[0].0, PEOPLE[0].1);
    assert_eq!(plant.form("/products", &cookie, &format!("csrf={csrf}&product=9")).status, 303);
    assert_eq!(plant.form("/products", &cookie, &format!("csrf={csrf}&product=8")).status, 404);
    drop((plant, script));
    let entries = read::newest(&folder.path().join("state/log"), None, 99).unwrap().into_iter().map(Result::unwrap);
    let said: Vec<_> = entries.filter(|entry| entry.what == "changeover").collect();
    let said: Vec<_> = said.iter().map(|entry| (&*entry.role, &*entry.before, &*entry.after)).collect();
    let (own, lids) = ("0 own (own, bundle cacacacacacacaca)", "9 lids (lids, bundle 1d1d1d1d1d1d1d1d)");
    assert_eq!(said, [("operator", own, lids)]);
}

fn sha256() -> String {
    edge_plant::log::chain::hash(bundle().as_bytes())
}
