//! The way back from the browser: one registered port of this machine, open only while it is needed.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::time::Duration;

use deskline_core::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use crate::attempt::{Attempt, Refusal};
use crate::page::{self, Page};
use crate::request::{self, Asked, HEAD_LIMIT};

/// How long a person has for the consent page.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long a browser may take to send its request.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long a browser waits for the exchange, and we for the browser to fetch the result page.
const PAGE_TIME: Duration = Duration::from_secs(10);
/// Connections at a time; browsers open several ahead.
const CONNECTIONS: usize = 16;

/// Why nobody can come back to this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenerError {
    /// Other programs hold all registered ports.
    #[error(
        "the ports {} of this computer are in use by other programs; close one of them, or sign in with another device",
        listed(.0)
    )]
    NoPort(Vec<u16>),
}

/// Ports as people read them.
fn listed(ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    ports.join(", ")
}

/// How the waiting ended.
#[derive(Debug)]
pub enum Outcome<T> {
    /// The right answer came, and this came of its exchange.
    Exchanged(T),
    /// The answer was no.
    Refused(Refusal),
    /// Nobody came in five minutes.
    TimedOut,
}

/// An open port. It closes when this value goes.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    port: u16,
    patience: Duration,
}

type Exchange<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl Listener {
    /// Opens the first of these ports that is free.
    ///
    /// # Errors
    /// [`ListenerError::NoPort`] if none is.
    pub async fn open(ports: &[u16]) -> Result<Self, ListenerError> {
        for port in ports {
            if let Ok(socket) = TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await
                && let Ok(address) = socket.local_addr()
            {
                return Ok(Self {
                    socket,
                    port: address.port(),
                    patience: PATIENCE,
                });
            }
        }
        Err(ListenerError::NoPort(ports.to_vec()))
    }

    /// The port that is open.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same listener with another patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits for the answer to this attempt, exchanges its code, and shows the browser how it went.
    /// Whatever else comes is refused, and waiting goes on. Dropping the future closes the port.
    pub async fn wait<T, E, F>(
        self,
        attempt: &Attempt,
        exchange: impl FnOnce(Secret) -> F,
    ) -> Outcome<Result<T, E>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let (asked_in, mut asked) = mpsc::channel::<Request>(CONNECTIONS);
        let rooms = std::sync::Arc::new(Semaphore::new(CONNECTIONS));
        let mut deadline = Instant::now() + self.patience;
        let mut exchange = Some(exchange);
        let mut running: Option<Exchange<T, E>> = None;
        let mut callback: Option<oneshot::Sender<String>> = None;
        let mut outcome: Option<Outcome<Result<T, E>>> = None;
        let mut result_page = Page::Finishing;
        loop {
            tokio::select! {
                connection = self.socket.accept() => {
                    // Beyond the limit, a connection is closed at once: nobody who waits for us opens so many.
                    if let (Ok((stream, _)), Ok(room)) = (connection, std::sync::Arc::clone(&rooms).try_acquire_owned()) {
                        let (asked_in, port) = (asked_in.clone(), self.port);
                        tokio::spawn(async move {
                            if let Err(error) = serve(stream, port, &asked_in).await {
                                tracing::debug!(%error, "a connection to the sign-in listener ended early");
                            }
                            drop(room);
                        });
                    }
                }
                Some(Request { what, answer }) = asked.recv() => match what {
                    Asked::Refused(status) => _ = answer.send(Page::NotOurs(status).answer()),
                    Asked::Done if outcome.is_some() || running.is_some() => {
                        let is_delivered = answer.send(result_page.answer()).is_ok();
                        if is_delivered && let Some(outcome) = outcome.take() {
                            return outcome;
                        }
                    }
                    Asked::Done => _ = answer.send(Page::NotOurs(404).answer()),
                    Asked::Callback(_) if exchange.is_none() => _ = answer.send(Page::Finishing.answer()),
                    Asked::Callback(query) => match attempt.judge(&query) {
                        Ok(code) => {
                            if let Some(exchange) = exchange.take() {
                                running = Some(Box::pin(exchange(code)));
                                callback = Some(answer);
                                deadline = Instant::now() + PAGE_TIME;
                            }
                        }
                        Err(refusal) if refusal.is_passing() => {
                            tracing::warn!(%refusal, "an answer to the sign-in listener was refused");
                            _ = answer.send(Page::NotOurs(400).answer());
                        }
                        Err(refusal) => {
                            exchange = None;
                            result_page = if matches!(refusal, Refusal::Denied { .. }) { Page::Denied } else { Page::Failed };
                            outcome = Some(Outcome::Refused(refusal));
                            deadline = Instant::now() + PAGE_TIME;
                            _ = answer.send(page::to_done());
                        }
                    },
                },
                result = async { match &mut running { Some(running) => running.await, None => std::future::pending().await } } => {
                    running = None;
                    result_page = if result.is_ok() { Page::SignedIn } else { Page::Failed };
                    outcome = Some(Outcome::Exchanged(result));
                    let Some(answer) = callback.take() else {
                        // The browser was told to look at the app: nobody waits for a page.
                        return outcome.take().expect("just set");
                    };
                    deadline = Instant::now() + PAGE_TIME;
                    _ = answer.send(page::to_done());
                }
                () = sleep_until(deadline) => {
                    if let Some(outcome) = outcome.take() {
                        return outcome;
                    }
                    if running.is_none() {
                        return Outcome::TimedOut;
                    }
                    if let Some(answer) = callback.take() {
                        _ = answer.send(page::to_done());
                    }
                    // The exchange has its own time limit.
                    deadline = Instant::now() + PATIENCE;
                }
            }
        }
    }
}

struct Request {
    what: Asked,
    answer: oneshot::Sender<String>,
}

/// Reads one request, has it answered, and closes.
async fn serve(mut stream: TcpStream, port: u16, asked: &mpsc::Sender<Request>) -> io::Result<()> {
    let what = match timeout(HEAD_TIME, head(&mut stream)).await {
        Ok(head) => match head? {
            Some(head) => request::read(&head, port),
            None => Asked::Refused(400),
        },
        Err(_) => return Ok(()), // silent: nothing to answer
    };
    let (answer, answered) = oneshot::channel();
    if asked.send(Request { what, answer }).await.is_err() {
        return Ok(());
    }
    let Ok(answer) = answered.await else {
        return Ok(());
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// The head of a request; none if it is too long or ends early.
async fn head(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut part = [0_u8; 1024];
    loop {
        let count = stream.read(&mut part).await?;
        bytes.extend_from_slice(&part[..count]);
        if let Some(end) = request::end_of_head(&bytes) {
            bytes.truncate(end);
            return Ok((end <= HEAD_LIMIT).then_some(bytes));
        }
        if count == 0 || bytes.len() > HEAD_LIMIT {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::settings::Settings;
    use crate::settings::tests::settings;

    /// An attempt whose answer comes to a port of the system's choice.
    async fn waiting() -> (Listener, Attempt, Settings) {
        let listener = Listener::open(&[0]).await.unwrap();
        let settings = settings();
        let attempt = Attempt::begin(&settings, listener.port());
        (listener, attempt, settings)
    }

    fn state_of(attempt: &Attempt, settings: &Settings) -> String {
        let url = attempt.authorize_url(settings);
        let state = url.query_pairs().find(|(name, _)| name == "state").unwrap();
        state.1.into_owned()
    }

    async fn ask(port: u16, target: &str) -> String {
        raw(
            port,
            &format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"),
        )
        .await
    }

    async fn raw(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        // A refusal may close before everything is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn exchanged(code: Secret) -> Result<String, ()> {
        Ok(code.reveal().to_owned())
    }

    #[tokio::test]
    async fn the_right_answer_is_exchanged_once_and_the_browser_told() {
        let (listener, attempt, settings) = waiting().await;
        let (port, state) = (listener.port(), state_of(&attempt, &settings));
        let browser = async {
            for stray in ["/favicon.ico", "/callback?code=x&state=wrong", "/done"] {
                let answer = ask(port, stray).await;
                assert!(answer.starts_with("HTTP/1.1 40"), "{stray}: {answer}");
                assert!(!answer.contains("wrong"));
            }
            let huge = format!("GET /callback?{} HTTP/1.1\r\n", "x".repeat(1 << 20));
            raw(port, &huge).await;
            let silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .unwrap();
            let answer = ask(port, &format!("/callback?code=c1&state={state}")).await;
            assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
            let page = ask(port, "/done").await;
            drop(silent);
            page
        };
        let (outcome, page) = tokio::join!(listener.wait(&attempt, exchanged), browser);
        assert!(matches!(outcome, Outcome::Exchanged(Ok(code)) if code == "c1"));
        assert!(page.contains("You are signed in"), "{page}");
        let closed = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        assert!(closed.is_err(), "the port is closed");
    }

    #[tokio::test]
    async fn signin_06_a_second_right_answer_is_not_exchanged() {
        let (listener, attempt, settings) = waiting().await;
        let (port, state) = (listener.port(), state_of(&attempt, &settings));
        let (go, gone) = oneshot::channel::<()>();
        let exchange = |code: Secret| async move {
            gone.await.unwrap();
            Ok::<_, ()>(code.reveal().to_owned())
        };
        let target = format!("/callback?code=c1&state={state}");
        let browser = async {
            let first = ask(port, &target);
            let second = async {
                // The first is exchanged as long as we hold it.
                let answer = loop {
                    let answer = ask(port, "/done").await;
                    if answer.contains("Finishing") {
                        break ask(port, &target).await;
                    }
                };
                go.send(()).unwrap();
                answer
            };
            let (first, second) = tokio::join!(first, second);
            ask(port, "/done").await;
            (first, second)
        };
        let (outcome, (first, second)) = tokio::join!(listener.wait(&attempt, exchange), browser);
        assert!(matches!(outcome, Outcome::Exchanged(Ok(_))));
        assert!(first.starts_with("HTTP/1.1 303"));
        assert!(second.contains("Finishing in Deskline"), "{second}");
    }

    #[tokio::test]
    async fn signin_08_a_denial_ends_the_waiting_with_a_page() {
        let (listener, attempt, settings) = waiting().await;
        let (port, state) = (listener.port(), state_of(&attempt, &settings));
        let browser = async {
            let target = format!(
                "/callback?error=access_denied&error_description=%3Cscript%3E&state={state}"
            );
            ask(port, &target).await;
            ask(port, "/done").await
        };
        let (outcome, page) = tokio::join!(listener.wait(&attempt, exchanged), browser);
        assert!(
            matches!(outcome, Outcome::Refused(Refusal::Denied { code }) if code == "access_denied")
        );
        assert!(page.contains("Access was not allowed") && !page.contains("<script"));
    }

    #[tokio::test(start_paused = true)]
    async fn signin_09_nobody_comes_and_the_port_is_free_again() {
        let (listener, attempt, _) = waiting().await;
        let port = listener.port();
        let outcome = listener.wait(&attempt, exchanged).await;
        assert!(matches!(outcome, Outcome::TimedOut));
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn signin_03_the_next_port_is_taken_and_none_is_told() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let taken_port = taken.local_addr().unwrap().port();
        let next = Listener::open(&[taken_port, 0]).await.unwrap();
        assert_ne!(next.port(), taken_port);
        let refused = Listener::open(&[taken_port]).await.unwrap_err();
        assert!(refused.to_string().contains(&taken_port.to_string()));
    }
}
