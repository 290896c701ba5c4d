//! One call's connection: offers, answers, and the state of its path.

use std::sync::Arc;
use std::sync::mpsc::{Sender as Orders, sync_channel};
use std::time::Duration;

use deskline_core::{CallId, LinkState, MediaFact, Problem, SdpKind};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::path::{Path, TransportState};
use crate::rtp::Outgoing;
use crate::sdp::{Codec, CodecKind, Direction, Remote, SdpError};
use crate::studio::Order;
use crate::transport::{
    AnsweringRole, BindPolicy, LastPacket, MediaTransport, Relays, Reports, TransportError, connect,
};
use crate::voice::Terms;
use deskline_voice::codec::Wishes;

/// Packets between the network and the media thread: ten seconds of a busy stream. When full, packets are lost and
/// counted as such.
const INCOMING: usize = 1_000;

/// Packets between the media thread and the network. When full, packets are lost.
const OUTGOING: usize = 64;

/// How often the path is looked at.
const WATCH: Duration = Duration::from_millis(250);

/// What one call is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Answer their offer.
    Answer(String),
    /// Make our offer.
    Offer,
    /// Take their answer.
    Remote(String),
}

/// What every call needs.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) policy: BindPolicy,
    pub(crate) relays: Option<Arc<Relays>>,
    pub(crate) orders: Orders<Order>,
    pub(crate) facts: mpsc::UnboundedSender<MediaFact>,
}

struct Call {
    id: CallId,
    around: Surroundings,
    connection: Option<Connection>,
    path: Path,
}

struct Connection {
    transport: Arc<dyn MediaTransport>,
    /// The far side's last usable description.
    remote: Option<Remote>,
    states: mpsc::UnboundedReceiver<TransportState>,
    last: Arc<LastPacket>,
    writer: JoinHandle<()>,
}

/// Serves one call until its requests end; then frees everything.
pub(crate) async fn run(
    id: CallId,
    around: Surroundings,
    mut requests: mpsc::UnboundedReceiver<Request>,
) {
    let mut call = Call {
        id,
        around,
        connection: None,
        path: Path::new(Instant::now().into_std()),
    };
    let mut watch = tokio::time::interval(WATCH);
    watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            request = requests.recv() => match request {
                Some(request) => call.serve(request).await,
                None => break,
            },
            Some(state) = news(&mut call.connection) => call.transport_says(state),
            _ = watch.tick() => call.look(),
        }
    }
    if let Some(connection) = call.connection.take() {
        connection.close().await;
    }
}

async fn news(connection: &mut Option<Connection>) -> Option<TransportState> {
    match connection {
        Some(connection) => connection.states.recv().await,
        None => None,
    }
}

impl Call {
    async fn serve(&mut self, request: Request) {
        let done = match request {
            Request::Answer(sdp) => self.answer(&sdp).await,
            Request::Offer => self.offer().await,
            Request::Remote(sdp) => self.remote(&sdp).await,
        };
        if let Err(error) = done {
            tracing::warn!(call = %self.id, %error, "no description");
            let problem = Problem {
                text: error.to_string(),
                ..Problem::default()
            };
            self.tell(MediaFact::Failed {
                call: self.id.clone(),
                problem,
            });
        }
    }

    async fn answer(&mut self, sdp: &str) -> Result<(), TransportError> {
        let offer = Remote::parse(sdp)?;
        let stays = self.connection.as_ref().is_some_and(|connection| {
            connection
                .remote
                .as_ref()
                .is_none_or(|before| !before.needs_new_connection(&offer))
        });
        let fresh = if stays {
            None
        } else {
            let role = match offer.setup {
                crate::sdp::Setup::Active => AnsweringRole::Server,
                crate::sdp::Setup::ActPass | crate::sdp::Setup::Passive => AnsweringRole::Client,
            };
            Some(self.build(Some(&offer), role).await?)
        };
        let transport = match (&fresh, &self.connection) {
            (Some((connection, _)), _) | (None, Some(connection)) => {
                Arc::clone(&connection.transport)
            }
            (None, None) => return Err(TransportError::Library("no connection".to_owned())),
        };
        let ours = offer.direction.reverse();
        let answered = transport.answer(&offer, ours).await;
        let local = match (answered, fresh) {
            (Ok(local), Some((connection, incoming))) => {
                self.replace(connection, incoming).await;
                local
            }
            (Ok(local), None) => local,
            (Err(error), Some((connection, _))) => {
                connection.close().await;
                return Err(error);
            }
            (Err(error), None) => return Err(error),
        };
        self.agree(&offer, ours)?;
        if let Some(connection) = &mut self.connection {
            connection.remote = Some(offer);
        }
        self.tell_local(SdpKind::Answer, local);
        Ok(())
    }

    async fn offer(&mut self) -> Result<(), TransportError> {
        if self.connection.is_none() {
            let (connection, incoming) = self.build(None, AnsweringRole::Client).await?;
            self.replace(connection, incoming).await;
        }
        let Some(connection) = &self.connection else {
            return Ok(());
        };
        let local = connection.transport.offer().await?;
        self.tell_local(SdpKind::Offer, local);
        Ok(())
    }

    async fn remote(&mut self, sdp: &str) -> Result<(), TransportError> {
        let answer = Remote::parse(sdp)?;
        let Some(connection) = &mut self.connection else {
            return Err(TransportError::Library(
                "an answer without an offer".to_owned(),
            ));
        };
        connection.transport.remote(&answer).await?;
        connection.remote = Some(answer.clone());
        self.agree(&answer, answer.direction.reverse())
    }

    /// Tells the media thread what holds now. `ours` is our direction.
    fn agree(&self, remote: &Remote, ours: Direction) -> Result<(), TransportError> {
        let spoken: &Codec = remote.spoken().ok_or(SdpError::NoCodec)?;
        let mut heard: Vec<(u8, CodecKind)> = remote
            .codecs
            .iter()
            .map(|codec| (codec.payload_type, codec.kind))
            .collect();
        // Our own offer named these; a far side may send with our numbers as well as with its own.
        for own in [
            (111, CodecKind::Opus),
            (0, CodecKind::Pcmu),
            (8, CodecKind::Pcma),
        ] {
            if !heard.iter().any(|(number, _)| *number == own.0) {
                heard.push(own);
            }
        }
        let terms = Terms {
            spoken: Wishes::within(spoken, remote.ptime, remote.maxptime),
            telephone: remote.telephone(),
            heard,
            sends: ours.sends(),
            receives: ours.reverse().sends(),
        };
        self.order(Order::Agree(self.id.clone(), terms));
        Ok(())
    }

    async fn build(
        &self,
        offer: Option<&Remote>,
        role: AnsweringRole,
    ) -> Result<(Connection, Order), TransportError> {
        let (to_studio, incoming) = sync_channel(INCOMING);
        let (outgoing, packets) = mpsc::channel(OUTGOING);
        let (to_us, states) = mpsc::unbounded_channel();
        let last = Arc::new(LastPacket::new());
        let reports = Reports {
            incoming: to_studio,
            last: Arc::clone(&last),
            states: to_us,
        };
        let transport = connect(
            &self.around.policy,
            self.around.relays.as_ref(),
            offer,
            role,
            reports,
        )
        .await?;
        let writer = tokio::spawn(write(Arc::clone(&transport), packets));
        let connection = Connection {
            transport,
            remote: None,
            states,
            last,
            writer,
        };
        Ok((
            connection,
            Order::Connect(self.id.clone(), incoming, outgoing),
        ))
    }

    async fn replace(&mut self, connection: Connection, order: Order) {
        self.order(order);
        let changed = self.path.restart(Instant::now().into_std());
        self.tell_path(changed);
        if let Some(old) = self.connection.replace(connection) {
            old.close().await;
        }
    }

    fn transport_says(&mut self, state: TransportState) {
        tracing::debug!(call = %self.id, ?state, "path");
        match state {
            TransportState::Connected => self.order(Order::Live(self.id.clone(), true)),
            TransportState::Failed => self.order(Order::Live(self.id.clone(), false)),
            TransportState::Doubtful => {}
        }
        let changed = self.path.transport(Instant::now().into_std(), state);
        self.tell_path(changed);
    }

    fn look(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        // Our own offer may wait for its answer as long as the service likes.
        if connection.remote.is_none() {
            return;
        }
        let changed = self
            .path
            .tick(Instant::now().into_std(), connection.last.get());
        self.tell_path(changed);
    }

    fn tell_path(&self, changed: Option<LinkState>) {
        if let Some(state) = changed {
            self.tell(MediaFact::Path {
                call: self.id.clone(),
                state,
            });
        }
    }

    fn tell_local(&self, kind: SdpKind, sdp: String) {
        self.tell(MediaFact::Local {
            call: self.id.clone(),
            kind,
            sdp,
        });
    }

    fn tell(&self, fact: MediaFact) {
        // Nobody listens any more only when the engine is going away.
        let _ = self.around.facts.send(fact);
    }

    fn order(&self, order: Order) {
        let _ = self.around.orders.send(order);
    }
}

impl Connection {
    async fn close(self) {
        self.transport.close().await;
        // It holds the transport; left alone it would wait for the media thread to let go of its queue.
        self.writer.abort();
    }
}

/// Writes what the media thread made, in order.
async fn write(transport: Arc<dyn MediaTransport>, mut packets: mpsc::Receiver<Outgoing>) {
    while let Some(packet) = packets.recv().await {
        transport.send_rtp(packet).await;
    }
}
