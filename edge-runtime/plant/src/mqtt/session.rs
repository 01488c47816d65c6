//! One connection with the broker, from its first packet to its end: MQTT 3.1.1 over any stream.
//!
//! Takes a stream that is open; sends what the outbox has, with a bounded number of messages on their way, and hears acknowledgements and
//! commands. A session is always a new one for the broker: what was on its way is sent again by the outbox, and a command that was given
//! while nobody listened is not heard later. Packets are rumqttc's; its own event loop is not used, since it holds a queue that outlives
//! connections and cannot say which message an acknowledgement is for.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use rumqttc::mqttbytes::v4::{
    Connect, ConnectReturnCode, LastWill, Login, Packet, Publish, Subscribe, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{self, QoS, check};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::outbox::{Message, ONLINE, Receipt};
use super::settings::Settings;

/// Messages that may wait for the broker's acknowledgement: more than a broker takes in a round trip within a plant.
pub const WINDOW: usize = 32;

/// Bytes of a packet that is looked at. Larger ones are passed over: whoever sends them shall not end the connection.
pub const MOST_BYTES: usize = 16 * 1024;

/// Bytes of what we send: a part's message has some five hundred.
const MOST_SENT: usize = 1 << 20;

/// A broker answers a connection within this time.
const ANSWER: Duration = Duration::from_secs(10);

/// The topic below the base on which commands come.
pub const COMMAND: &str = "command/acknowledge";

/// Why a connection is over, or there is none.
#[derive(Debug, Error)]
pub enum SessionError {
    /// There is none.
    #[error("{broker}: {source}")]
    Connect {
        /// Name and port.
        broker: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The broker does not let us in.
    #[error("the broker refuses the connection: {0:?}")]
    Refused(ConnectReturnCode),
    /// The broker closed it.
    #[error("the broker has closed the connection")]
    Closed,
    /// The broker says nothing, or takes nothing.
    #[error("the broker does not answer any more")]
    Silent,
    /// It has not acknowledged a message.
    #[error("the broker does not acknowledge what it is sent")]
    Unacknowledged,
    /// The socket fails.
    #[error("{0}")]
    Socket(#[from] std::io::Error),
    /// What it says is no MQTT.
    #[error("the broker says what is no MQTT: {0}")]
    Packet(#[from] mqttbytes::Error),
    /// It says what it may not say now.
    #[error("the broker says what it may not say now: {0}")]
    Strange(&'static str),
    /// A fault of this program.
    #[error("the connection's task panicked")]
    Panicked,
}

/// What comes from the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It has a message.
    Acknowledged(Receipt),
    /// Somebody published on the command's topic.
    Command {
        /// What.
        payload: Vec<u8>,
        /// Whether that was some time ago.
        retained: bool,
    },
    /// It does not let us hear commands.
    NoCommands,
}

/// A connection.
#[derive(Debug)]
pub struct Session<S> {
    stream: S,
    keep_alive: Duration,
    command: String,
    inbox: BytesMut,
    out: BytesMut,
    /// Bytes of a packet that is too large, still to come.
    passed_over: usize,
    flying: VecDeque<(u16, Receipt, Instant)>,
    last_id: u16,
    heard_at: Instant,
    ping_at: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Introduces us, with the last will, and hears that the broker takes it.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn open(stream: S, settings: &Settings) -> Result<Self, SessionError> {
        let now = Instant::now();
        let keep_alive = settings.keep_alive;
        let mut session = Self {
            stream,
            keep_alive,
            command: settings.topics.of(COMMAND),
            inbox: BytesMut::new(),
            out: BytesMut::new(),
            passed_over: 0,
            flying: VecDeque::new(),
            last_id: 0,
            heard_at: now,
            ping_at: now + keep_alive / 2,
        };
        let mut connect = Connect::new(&settings.client_id);
        connect.keep_alive = u16::try_from(keep_alive.as_secs()).unwrap_or(u16::MAX);
        connect.last_will = Some(LastWill::new(settings.topics.of("online"), ONLINE[0], QoS::AtLeastOnce, true));
        connect.login = settings.login.as_ref().map(|(user, password)| Login::new(user, password.expose()));
        session.put(&Packet::Connect(connect))?;
        let opened = async {
            session.flush().await?;
            loop {
                if let Some(packet) = session.packet()? {
                    return match packet {
                        Packet::ConnAck(answer) if answer.code == ConnectReturnCode::Success => Ok(()),
                        Packet::ConnAck(answer) => Err(SessionError::Refused(answer.code)),
                        _ => Err(SessionError::Strange("an answer before the connection's")),
                    };
                }
                session.fill().await?;
            }
        };
        timeout(ANSWER, opened).await.map_err(|_| SessionError::Silent)??;
        if settings.command_secret.is_some() {
            let mut subscribe = Subscribe::new(&session.command, QoS::AtMostOnce);
            subscribe.pkid = session.id();
            session.put(&Packet::Subscribe(subscribe))?;
        }
        Ok(session)
    }

    /// Whether there is room for another message that has to be acknowledged.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.flying.len() < WINDOW
    }

    /// Puts a message behind those that are to be sent.
    ///
    /// # Errors
    /// [`SessionError::Packet`] where it is none.
    pub fn publish(&mut self, message: Message) -> Result<(), SessionError> {
        let Message { topic, payload, retain, assured, receipt } = message;
        let quality = if assured { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        let mut publish = Publish::new(topic, quality, payload);
        publish.retain = retain;
        if assured {
            publish.pkid = self.id();
            self.flying.push_back((publish.pkid, receipt, Instant::now()));
        }
        self.put(&Packet::Publish(publish))
    }

    /// Sends what was put, and waits until something comes, within the times that a connection has. May be dropped while it waits: what was
    /// not sent yet is sent by the next call.
    ///
    /// # Errors
    /// [`SessionError`]: the connection is over.
    pub async fn hear(&mut self) -> Result<Vec<Heard>, SessionError> {
        let silent_at = self.heard_at + self.keep_alive;
        if !self.out.is_empty() {
            timeout_at(silent_at, self.flush()).await.map_err(|_| SessionError::Silent)??;
        }
        let patience = self.flying.front().map(|(.., sent_at)| *sent_at + 2 * self.keep_alive);
        tokio::select! {
            filled = self.stream.read_buf(&mut self.inbox) => {
                if filled? == 0 {
                    return Err(SessionError::Closed);
                }
                self.heard_at = Instant::now();
                let mut heard = Vec::new();
                while let Some(packet) = self.packet()? {
                    heard.extend(self.understand(packet)?);
                }
                Ok(heard)
            }
            () = sleep_until(self.ping_at) => {
                // Asked for whatever else goes on: the answer is the broker's sign of life.
                self.ping_at = Instant::now() + self.keep_alive / 2;
                self.put(&Packet::PingReq)?;
                Ok(Vec::new())
            }
            () = sleep_until(silent_at) => Err(SessionError::Silent),
            () = sleep_until(patience.unwrap_or(silent_at)), if patience.is_some() => Err(SessionError::Unacknowledged),
        }
    }

    fn understand(&mut self, packet: Packet) -> Result<Option<Heard>, SessionError> {
        match packet {
            Packet::PubAck(acknowledged) => {
                let at = self.flying.iter().position(|(id, ..)| *id == acknowledged.pkid);
                let flown = at.and_then(|at| self.flying.remove(at));
                let (_, receipt, _) = flown.ok_or(SessionError::Strange("an acknowledgement of nothing"))?;
                Ok(Some(Heard::Acknowledged(receipt)))
            }
            Packet::Publish(publish) if publish.qos != QoS::AtMostOnce => {
                Err(SessionError::Strange("a message of a quality that was not asked for"))
            }
            Packet::Publish(Publish { topic, payload, retain, .. }) => {
                Ok((topic == self.command).then(|| Heard::Command { payload: payload.to_vec(), retained: retain }))
            }
            Packet::SubAck(answer) => {
                let refused = answer.return_codes.contains(&SubscribeReasonCode::Failure);
                Ok(refused.then_some(Heard::NoCommands))
            }
            Packet::PingResp => Ok(None),
            _ => Err(SessionError::Strange("a packet that only clients send, or of a quality that is not used")),
        }
    }

    /// Numbers of messages on their way differ: there are fewer of those than numbers.
    fn id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if self.flying.iter().all(|(id, ..)| *id != self.last_id) {
                return self.last_id;
            }
        }
    }

    fn put(&mut self, packet: &Packet) -> Result<(), SessionError> {
        packet.write(&mut self.out, MOST_SENT)?;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), SessionError> {
        self.stream.write_all_buf(&mut self.out).await?;
        Ok(self.stream.flush().await?)
    }

    async fn fill(&mut self) -> Result<(), SessionError> {
        if self.stream.read_buf(&mut self.inbox).await? == 0 {
            return Err(SessionError::Closed);
        }
        Ok(())
    }

    /// The next whole packet of what has come.
    fn packet(&mut self) -> Result<Option<Packet>, SessionError> {
        loop {
            let passed = self.passed_over.min(self.inbox.len());
            self.inbox.advance(passed);
            self.passed_over -= passed;
            if self.passed_over > 0 || self.inbox.is_empty() {
                return Ok(None);
            }
            let before = self.inbox.len();
            match Packet::read(&mut self.inbox, MOST_BYTES) {
                Ok(packet) => return Ok(Some(packet)),
                // Taken out of what has come, it was whole, and shorter than what it says is in it.
                Err(mqttbytes::Error::InsufficientBytes(_)) if self.inbox.len() == before => return Ok(None),
                Err(mqttbytes::Error::PayloadSizeLimitExceeded(_)) => {
                    self.passed_over = match check(self.inbox.iter(), usize::MAX) {
                        Ok(header) => header.frame_length(),
                        Err(mqttbytes::Error::InsufficientBytes(missing)) => self.inbox.len() + missing,
                        Err(error) => return Err(error.into()),
                    };
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rumqttc::mqttbytes::v4::{ConnAck, PubAck};
    use tokio::io::DuplexStream;

    use super::super::backlog::Place;
    use super::*;

    fn settings() -> Settings {
        let raw = toml::from_str("host = \"broker\"\nstation = \"north\"\nstate_dir = \"state\"\n").unwrap();
        let mut settings = Settings::check(raw, std::path::Path::new("")).unwrap();
        settings.keep_alive = Duration::from_millis(200);
        settings
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    async fn say(stream: &mut DuplexStream, packet: &Packet) {
        let mut out = BytesMut::new();
        packet.write(&mut out, usize::MAX).unwrap();
        stream.write_all(&out).await.unwrap();
    }

    /// A session with a broker that has taken it.
    async fn opened() -> (Session<DuplexStream>, DuplexStream) {
        let (ours, mut broker) = tokio::io::duplex(1 << 20);
        say(&mut broker, &Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false))).await;
        (Session::open(ours, &settings()).await.unwrap(), broker)
    }

    fn message(part: u32) -> Message {
        let receipt = Receipt::Part(Place { run: 3, part });
        Message { topic: "t".to_owned(), payload: vec![b'x'], retain: false, assured: true, receipt }
    }

    #[test]
    fn each_acknowledgement_is_for_its_own_message_and_so_many_are_on_their_way_at_most() {
        run(async {
            let (mut session, mut broker) = opened().await;
            for part in 0..WINDOW as u32 {
                assert!(session.has_room());
                session.publish(message(part)).unwrap();
            }
            assert!(!session.has_room());
            for id in [2, 1] {
                say(&mut broker, &Packet::PubAck(PubAck::new(id))).await;
            }
            let part = |part| Heard::Acknowledged(Receipt::Part(Place { run: 3, part }));
            assert_eq!(session.hear().await.unwrap(), [part(1), part(0)]);
            assert!(session.has_room());
            session.last_id = u16::MAX;
            session.publish(message(99)).unwrap();
            assert_eq!(session.flying.back().unwrap().0, 1, "3 to {WINDOW} are in use, and 0 is none");
            say(&mut broker, &Packet::PubAck(PubAck::new(77))).await;
            assert!(matches!(session.hear().await, Err(SessionError::Strange(_))));
        });
    }

    #[test]
    fn a_broker_that_refuses_goes_or_falls_silent_is_left() {
        run(async {
            let (ours, mut broker) = tokio::io::duplex(1 << 20);
            say(&mut broker, &Packet::ConnAck(ConnAck::new(ConnectReturnCode::NotAuthorized, false))).await;
            let refused = Session::open(ours, &settings()).await.unwrap_err();
            assert_eq!(refused.to_string(), "the broker refuses the connection: NotAuthorized");

            let (mut session, broker) = opened().await;
            drop(broker);
            assert!(matches!(session.hear().await, Err(SessionError::Closed)));

            let (mut session, _broker) = opened().await;
            let silent = loop {
                if let Err(error) = session.hear().await {
                    break error;
                }
            };
            assert!(matches!(silent, SessionError::Silent), "{silent}");

            let (mut session, mut broker) = opened().await;
            session.publish(message(1)).unwrap();
            let unheard = loop {
                say(&mut broker, &Packet::PingResp).await;
                if let Err(error) = session.hear().await {
                    break error;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            };
            assert!(matches!(unheard, SessionError::Unacknowledged), "{unheard}");
        });
    }

    #[test]
    fn a_packet_that_is_too_large_is_passed_over_in_whatever_pieces_it_comes() {
        let bytes = &mut BytesMut::new();
        for length in [MOST_BYTES + 1, 10, 3 * MOST_BYTES] {
            let publish = Publish::new("draem/north/command/acknowledge", QoS::AtMostOnce, vec![b'x'; length]);
            Packet::Publish(publish).write(bytes, usize::MAX).unwrap();
        }
        let bytes = &*bytes;
        for piece in [1, 7, 4_096, bytes.len()] {
            run(async {
                let (mut session, mut broker) = opened().await;
                let mut heard = Vec::new();
                let says = async move {
                    for piece in bytes.chunks(piece) {
                        broker.write_all(piece).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                };
                let hears = async {
                    while let Ok(more) = session.hear().await {
                        heard.extend(more);
                    }
                };
                tokio::join!(says, hears);
                assert_eq!(heard, [Heard::Command { payload: vec![b'x'; 10], retained: false }], "by {piece}");
            });
        }
    }

    proptest! {
        /// Bytes of nobody, and packets with bytes turned: heard, or the connection is over; never a panic.
        #[test]
        fn whatever_a_broker_says_ends_the_connection_at_most(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
            kind in proptest::option::of(0u8..16),
        ) {
            if let Some(kind) = kind && let [head, length, rest @ ..] = &mut bytes[..] {
                // One whole packet of a kind.
                (*head, *length) = (kind << 4 | *head & 0xf, rest.len().min(127) as u8);
            }
            run(async {
                let (mut session, mut broker) = opened().await;
                for part in 0..4 {
                    session.publish(message(part)).unwrap();
                }
                broker.write_all(&bytes).await.unwrap();
                drop(broker);
                while session.hear().await.is_ok() {}
            });
        }
    }
}
