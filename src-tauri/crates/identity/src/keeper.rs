//! Keeps one session signed in: renews in time and on refusal, one request at a time, and publishes each new token
//! only after it has been stored.

use std::future::Future;
use std::time::Duration;

use deskline_core::{Secret, WallMs};
use tokio::sync::{mpsc, oneshot, watch};

use crate::answer::{Fault, Grant};
use crate::renewal::{Held, Judgement, Renewal};

/// The time of day is looked at this often at least: a computer that slept has missed its timers, and its first
/// requests should find a token that lives.
const LOOK: Duration = Duration::from_secs(2);

/// What the people in front should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// New tokens are in use.
    Renewed,
    /// The new refresh token could not be stored; after a restart the person has to sign in again.
    NotStored,
    /// The refresh token ends within three days.
    EndsSoon {
        /// When.
        at: WallMs,
    },
    /// Sign in again; calls go on.
    SignInNeeded,
    /// For the administrator.
    SetUpWrong(Fault),
}

/// A service refused a token: the keeper renews it unless a newer one is there already, and answers when it is done.
#[derive(Debug)]
pub struct Refused {
    /// The token that was refused.
    pub token: Secret,
    /// Told when there is nothing more to wait for: a newer token, or none to come.
    pub done: oneshot::Sender<()>,
}

/// What the keeper talks to.
pub struct Doors<R, S, C> {
    /// Asks the identity service with a refresh token; `None` is a service that was not reached.
    pub renew: R,
    /// Stores tokens; whether that worked.
    pub store: S,
    /// The time of day.
    pub clock: C,
    /// Where services take the access token from.
    pub token: watch::Sender<Option<Secret>>,
    /// That token and when it ends; told after `token`.
    pub ends: watch::Sender<(Secret, WallMs)>,
    /// To the people in front.
    pub news: mpsc::Sender<News>,
    /// From the services.
    pub refused: mpsc::Receiver<Refused>,
}

/// Keeps these tokens alive until nobody can refuse any more, that is, until all senders of `refused` are gone.
pub async fn keep<R, RF, S, SF, C>(held: Held, mut doors: Doors<R, S, C>)
where
    R: FnMut(Secret) -> RF + Send,
    RF: Future<Output = Result<Grant, Option<Fault>>> + Send,
    S: FnMut(Held) -> SF + Send,
    SF: Future<Output = bool> + Send,
    C: Fn() -> WallMs + Send,
{
    let mut renewal = Renewal::new(held, jitter());
    let mut is_warned = false;
    let mut waiting: Vec<oneshot::Sender<()>> = Vec::new();
    loop {
        let now = (doors.clock)();
        if !is_warned
            && renewal.held().ends_soon(now)
            && let Some(at) = renewal.held().refresh_until
        {
            is_warned = true;
            tell(&doors.news, News::EndsSoon { at });
        }
        let due = renewal.due();
        if due.is_some_and(|due| due <= now)
            && let Some(refresh_token) = renewal.held().refresh_token.clone()
        {
            // Callers that come meanwhile wait in the channel: one request in flight.
            let answer = (doors.renew)(refresh_token).await;
            let judgement = renewal.answered(answer, (doors.clock)(), jitter());
            match judgement {
                Judgement::Renewed(held) => {
                    is_warned = false;
                    if !(doors.store)(held.clone()).await {
                        tell(&doors.news, News::NotStored);
                    }
                    let ends = (held.access_token.clone(), held.access_until);
                    doors.token.send_replace(Some(held.access_token));
                    doors.ends.send_replace(ends);
                    tell(&doors.news, News::Renewed);
                }
                Judgement::Later(_) => {}
                Judgement::SignInNeeded => tell(&doors.news, News::SignInNeeded),
                Judgement::SetUpWrong(fault) => tell(&doors.news, News::SetUpWrong(fault)),
            }
            for done in waiting.drain(..) {
                let _ = done.send(()); // who gave up waiting needs no answer
            }
            continue;
        }
        let pause = due.map_or(LOOK, |due| {
            Duration::from_millis(u64::try_from(due.0 - now.0).unwrap_or_default()).min(LOOK)
        });
        tokio::select! {
            refused = doors.refused.recv() => {
                let Some(Refused { token, done }) = refused else {
                    return;
                };
                let is_current = token == renewal.held().access_token;
                if is_current && renewal.due().is_some() && !is_backing_off(&renewal, now) {
                    renewal.refused(&token, now);
                    waiting.push(done);
                } else {
                    let _ = done.send(());
                }
            }
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Whether the last renewal failed and its wait is not over: a refusal must not shorten what the service asked for.
fn is_backing_off(renewal: &Renewal, now: WallMs) -> bool {
    renewal.failures() > 0 && renewal.due().is_some_and(|due| due > now)
}

/// Tells the news unless nobody takes them; keeping goes on without listeners.
fn tell(news: &mpsc::Sender<News>, what: News) {
    if news.try_send(what).is_err() {
        tracing::debug!("nobody takes the news of the sign-in");
    }
}

fn jitter() -> f64 {
    rand::random()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use tokio::time::Instant;

    use super::*;
    use crate::answer::Word;

    type Answers = Arc<Mutex<VecDeque<Result<Grant, Option<Fault>>>>>;

    /// A keeper whose identity service answers from a list.
    struct Stage {
        asked: Arc<Mutex<Vec<(u64, Secret)>>>,
        answers: Answers,
        stored: Arc<Mutex<Vec<Secret>>>,
        token: watch::Receiver<Option<Secret>>,
        ends: watch::Receiver<(Secret, WallMs)>,
        news: mpsc::Receiver<News>,
        refused: mpsc::Sender<Refused>,
        start: Instant,
    }

    fn grant(n: usize) -> Grant {
        Grant {
            access_token: Secret::new(format!("access-{n}")),
            access_lasts: Some(Duration::from_secs(10)),
            refresh_token: Some(Secret::new(format!("refresh-{n}"))),
            refresh_lasts: Some(Duration::from_secs(1_000_000)),
            scopes: None,
        }
    }

    fn fault(status: u16, word: Word, retry_after: Option<u64>) -> Option<Fault> {
        Some(Fault {
            status,
            word,
            tracking_id: "-".to_owned(),
            retry_after: retry_after.map(Duration::from_secs),
        })
    }

    fn stage(answers: Vec<Result<Grant, Option<Fault>>>) -> Stage {
        let start = Instant::now();
        let clock = move || WallMs(i64::try_from(start.elapsed().as_millis()).unwrap());
        let asked: Arc<Mutex<Vec<(u64, Secret)>>> = Arc::default();
        let stored: Arc<Mutex<Vec<Secret>>> = Arc::default();
        let answers: Answers = Arc::new(Mutex::new(answers.into()));
        let held = Held::first(grant(0), WallMs(0));
        let (token_in, token) = watch::channel(Some(held.access_token.clone()));
        let (ends_in, ends) = watch::channel((held.access_token.clone(), held.access_until));
        let (news_in, news) = mpsc::channel(100);
        let (refused, refused_out) = mpsc::channel(100);
        let doors = Doors {
            renew: {
                let (asked, answers) = (Arc::clone(&asked), Arc::clone(&answers));
                move |token: Secret| {
                    let at = start.elapsed().as_secs();
                    asked.lock().unwrap().push((at, token));
                    let answer = answers.lock().unwrap().pop_front().unwrap_or(Err(None));
                    async move {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        answer
                    }
                }
            },
            store: {
                let (stored, token) = (Arc::clone(&stored), token.clone());
                move |held: Held| {
                    assert_ne!(
                        *token.borrow(),
                        Some(held.access_token),
                        "used before it was stored"
                    );
                    Mutex::lock(&stored)
                        .unwrap()
                        .push(held.refresh_token.unwrap());
                    async { true }
                }
            },
            clock,
            token: token_in,
            ends: ends_in,
            news: news_in,
            refused: refused_out,
        };
        tokio::spawn(keep(held, doors));
        Stage {
            asked,
            answers,
            stored,
            token,
            ends,
            news,
            refused,
            start,
        }
    }

    impl Stage {
        async fn at(&self, seconds: u64) {
            tokio::time::sleep_until(self.start + Duration::from_secs(seconds)).await;
        }

        fn asked(&self) -> usize {
            self.asked.lock().unwrap().len()
        }

        fn access(&self) -> String {
            self.token.borrow().as_ref().unwrap().reveal().to_owned()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn signin_18_a_short_token_is_renewed_in_time_exactly_once() {
        let mut stage = stage(vec![Ok(grant(1))]);
        stage.at(7).await;
        assert_eq!(stage.asked(), 0);
        stage.at(9).await;
        assert_eq!(stage.asked(), 1);
        assert_eq!(stage.access(), "access-1");
        let (token, ends) = stage.ends.borrow().clone();
        assert_eq!(token, Secret::new("access-1"));
        assert!((17_000..19_000).contains(&ends.0), "{ends:?}");
        assert_eq!(stage.news.recv().await, Some(News::Renewed));
        assert_eq!(*stage.stored.lock().unwrap(), [Secret::new("refresh-1")]);
    }

    #[tokio::test(start_paused = true)]
    async fn signin_19_twenty_refusals_at_once_are_one_renewal() {
        let stage = stage(vec![Ok(grant(1))]);
        let mut waits = Vec::new();
        for _ in 0..20 {
            let (done, told) = oneshot::channel();
            let token = Secret::new("access-0");
            stage.refused.send(Refused { token, done }).await.unwrap();
            waits.push(told);
        }
        for told in waits {
            told.await.unwrap();
            assert_eq!(stage.access(), "access-1", "told before it was renewed");
        }
        assert_eq!(stage.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn signin_25_an_outage_is_waited_out_and_refusals_do_not_hurry_it() {
        let down = || Err(fault(503, Word::Other, Some(30)));
        let stage = stage(vec![down(), down(), Ok(grant(1))]);
        stage.at(12).await;
        assert_eq!(stage.asked(), 1);
        let (done, told) = oneshot::channel();
        let token = Secret::new("access-0");
        stage.refused.send(Refused { token, done }).await.unwrap();
        told.await.unwrap();
        assert_eq!(stage.asked(), 1, "the service asked for 30 s");
        stage.at(100).await;
        assert!(stage.asked() >= 3);
        let asked: Vec<u64> = stage
            .asked
            .lock()
            .unwrap()
            .iter()
            .map(|(at, _)| *at)
            .collect();
        assert!(asked[1] - asked[0] >= 30, "{asked:?}");
        assert_eq!(stage.access().split('-').next(), Some("access"));
        assert!(stage.answers.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn signin_23_a_refused_renewal_is_told_and_the_token_stays() {
        let mut stage = stage(vec![Err(fault(400, Word::InvalidGrant, None))]);
        stage.at(60).await;
        assert_eq!(stage.news.recv().await, Some(News::SignInNeeded));
        assert_eq!(stage.asked(), 1, "asked no more");
        assert_eq!(stage.access(), "access-0");
        let (done, told) = oneshot::channel();
        let token = Secret::new("access-0");
        stage.refused.send(Refused { token, done }).await.unwrap();
        told.await.unwrap();
    }
}
