//! A broker that says what the test wants it to say.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish};
use rumqttc::mqttbytes::{Error, QoS};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::rig::{Rig, SECRET};
use crate::{PATIENCE, until};

/// One connection of the program's.
struct Client<S> {
    stream: S,
    inbox: BytesMut,
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

impl Client<TcpStream> {
    fn accept(listener: &TcpListener) -> (Self, Connect) {
        Self::open(accept(listener))
    }
}

impl<S: Read + Write> Client<S> {
    fn open(stream: S) -> (Self, Connect) {
        let mut client = Self { stream, inbox: BytesMut::new() };
        let Packet::Connect(connect) = client.next() else { panic!("it introduces itself first") };
        client.say(&Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false)));
        (client, connect)
    }

    fn say(&mut self, packet: &Packet) {
        let mut out = BytesMut::new();
        packet.write(&mut out, usize::MAX).unwrap();
        self.stream.write_all(&out).unwrap();
    }

    fn next(&mut self) -> Packet {
        loop {
            match Packet::read(&mut self.inbox, 1 << 20) {
                Ok(packet) => return packet,
                Err(Error::InsufficientBytes(_)) => {}
                Err(error) => panic!("{error}"),
            }
            let mut bytes = [0; 4096];
            let read = self.stream.read(&mut bytes).unwrap();
            assert!(read > 0, "it went away");
            self.inbox.extend_from_slice(&bytes[..read]);
        }
    }

    /// The next message on a topic below `draem/north/`; those on others are acknowledged on the way.
    fn heard(&mut self, name: &str) -> Publish {
        loop {
            match self.next() {
                Packet::Publish(publish) if publish.topic == format!("draem/north/{name}") => return publish,
                Packet::Publish(publish) => self.acknowledge(&publish),
                Packet::PingReq => self.say(&Packet::PingResp),
                _ => {}
            }
        }
    }

    fn acknowledge(&mut self, publish: &Publish) {
        if publish.qos == QoS::AtLeastOnce {
            self.say(&Packet::PubAck(PubAck::new(publish.pkid)));
        }
    }

    /// The numbers of the next so many parts, which are acknowledged.
    fn parts(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        for _ in 0..count {
            let publish = self.heard("part");
            numbers.push(number(&publish));
            self.acknowledge(&publish);
        }
        numbers
    }
}

fn json(publish: &Publish) -> serde_json::Value {
    serde_json::from_slice(&publish.payload).unwrap()
}

fn number(publish: &Publish) -> u64 {
    json(publish)["part"].as_u64().unwrap()
}

fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A message on the command's topic.
fn command(payload: &str, retain: bool) -> Packet {
    let mut publish = Publish::new("draem/north/command/acknowledge", QoS::AtMostOnce, payload);
    publish.retain = retain;
    Packet::Publish(publish)
}

#[test]
fn a_part_is_told_until_it_is_acknowledged_and_not_again_after_a_restart() {
    let (listener, port) = listen();
    let rig = Rig::new(port, "");
    rig.store.leave(3, [1, 2]);
    let plant = rig.start();
    let (mut client, connect) = Client::accept(&listener);
    assert!(connect.clean_session && connect.client_id == "draem-north" && connect.login.is_none());
    let will = connect.last_will.unwrap();
    assert_eq!((will.topic.as_str(), &*will.message, will.retain), ("draem/north/online", &b"offline"[..], true));
    let online = client.heard("online");
    assert_eq!((&*online.payload, online.retain, online.qos), (&b"online"[..], true, QoS::AtLeastOnce));
    client.acknowledge(&online);
    until("it has set its mark", || rig.mark().contains("\"run\":3"));

    rig.store.leave(3, [3, 4, 6]);
    assert_eq!(client.parts(1), [3], "the first two were there before");
    assert_eq!(number(&client.heard("part")), 4);
    drop(client);
    let (mut client, _) = Client::accept(&listener);
    rig.store.leave(3, [5]);
    let mut numbers = client.parts(3);
    numbers.sort_unstable();
    assert_eq!(numbers, [4, 5, 6], "not acknowledged, out of turn, and not heard of");
    rig.alarms(&["BIN_FULL"]);
    let alarm = client.heard("alarm/BIN_FULL");
    assert!(alarm.retain && json(&alarm)["raised"] == true);
    client.acknowledge(&alarm);
    // Answered behind all that was said before.
    client.say(&command("", false));
    client.heard("answer");
    plant.end();

    rig.store.leave(3, [7]);
    rig.alarms(&[]);
    let _plant = rig.start();
    let (mut client, _) = Client::accept(&listener);
    let cleared = loop {
        let alarm = client.heard("alarm/BIN_FULL");
        client.acknowledge(&alarm);
        if json(&alarm)["raised"] == false {
            break alarm;
        }
    };
    assert!(cleared.retain);
    assert_eq!(client.parts(1), [7], "and none of those that were acknowledged");
}

#[test]
fn a_command_presses_the_button_with_the_secret_alone_and_no_packet_ends_the_connection() {
    let (listener, port) = listen();
    let rig = Rig::new(port, "[roles]\nfolder = \"state\"\n");
    let _plant = rig.start();
    let (mut client, _) = Client::accept(&listener);
    // A station is connected.
    while json(&client.heard("state"))["line"] != "run" {}
    let right = format!(r#"{{"secret":"{SECRET}","id":"7"}}"#);
    for (payload, retain, result) in [
        ("", false, "malformed"),
        (r#"{"secret":"open sesame"}"#, false, "refused"),
        (&*right, true, "retained"),
        (&"x".repeat(300_000), false, "nothing"),
        (&right, false, "acknowledged"),
    ] {
        client.say(&command(payload, retain));
        if result != "nothing" {
            let answer = client.heard("answer");
            client.acknowledge(&answer);
            assert_eq!(json(&answer)["result"], result, "{payload}");
        }
    }
    assert_eq!(rig.pressed.try_iter().count(), 1);
    let log = rig.folder.path().join("state/log");
    let log = log.read_dir().unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let log: String = log.collect();
    let presses: Vec<_> = log.lines().filter(|line| line.contains("\"acknowledge\"")).collect();
    assert!(presses.len() == 1 && presses[0].contains("\"mqtt\""), "{log}");
}

#[test]
fn a_broker_that_says_rubbish_is_left_and_tried_again() {
    let (listener, port) = listen();
    let rig = Rig::new(port, "keep_alive_s = 2\n");
    let _plant = rig.start();
    for rubbish in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0x40, 2, 0x12, 0x34], &[0x32, 4, 0, 1, b'x', 0], &[0xff; 64]]
    {
        let (mut client, _) = Client::accept(&listener);
        client.stream.write_all(rubbish).unwrap();
        let mut rest = Vec::new();
        // Until it closes the connection, however it does.
        let _ = client.stream.read_to_end(&mut rest);
    }
    let (mut client, _) = Client::accept(&listener);
    client.heard("online");
}

const CERTIFICATE: &str = include_str!("tls/certificate.pem");
const KEY: &str = include_str!("tls/key.pem");

/// A broker's side of TLS that asks for a certificate.
fn tls(stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let provider = Arc::new(ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let asks = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = config.with_client_cert_verifier(asks).with_single_cert(vec![certificate], key).unwrap();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream)
}

#[test]
fn over_tls_both_show_who_they_are_and_a_stranger_hears_nothing() {
    let (listener, port) = listen();
    let ours = "tls_certificate_file = \"certificate.pem\"\ntls_key_file = \"key.pem\"\nuser = \"north\"\npassword_file = \"secret\"\n";
    let rig = Rig::new(port, "");
    for (name, text) in
        [("certificate.pem", CERTIFICATE), ("stranger.pem", include_str!("tls/stranger.pem")), ("key.pem", KEY)]
    {
        let path = rig.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    }
    rig.configure(port, &format!("tls_ca_file = \"stranger.pem\"\n{ours}"));
    let plant = rig.start();
    let mut stranger = tls(accept(&listener));
    let heard = stranger.read(&mut [0; 256]);
    assert!(heard.is_err(), "whoever is not believed hears neither password nor parts, but {heard:?}");
    drop((plant, stranger));

    rig.configure(port, &format!("tls_ca_file = \"certificate.pem\"\n{ours}"));
    let _plant = rig.start();
    // The one before may have come once more.
    let (mut client, connect) = loop {
        let mut stream = tls(accept(&listener));
        if stream.conn.complete_io(&mut stream.sock).is_ok() {
            break Client::open(stream);
        }
    };
    let login = connect.login.unwrap();
    assert_eq!((login.username.as_str(), login.password.as_str()), ("north", SECRET));
    assert_eq!(&*client.heard("online").payload, b"online");
}
