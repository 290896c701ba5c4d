//! The one who is signed in: tokens in use, kept and renewed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deskline_core::{OrgId, Secret, WallMs};
use deskline_identity::{Doors, Grant, Held, News, Refused, Service, Subject, subject_of};
use deskline_platform::credentials::Vault;
use deskline_platform::folders::Folders;
use deskline_trust::Reach;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::interactive::{self, Prompt};
use crate::keeping::{Keeping, Owner, Slot, held, kept, now};
use crate::problem::AccountError;
use crate::revocation::revoke;
use crate::setup::{Flow, Setup};
use crate::state::{AccountState, Need};
use crate::who::{MissingScope, Who, person};

/// Longest wait of a service for a newer token; a renewal ends before by its own limits.
const RENEWAL_LIMIT: Duration = Duration::from_secs(60);
/// Longest wait of a request for a newer token before it is sent with the one there is: a service that hangs holds up
/// no hold and no hang-up for longer.
const READY_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for the people service: it only adds a name.
const PERSON_LIMIT: Duration = Duration::from_secs(5);
/// News of the keeper that may pile up while nobody reads; each is small.
const NEWS: usize = 16;
/// Services that may wait for one renewal.
const WAITERS: usize = 256;

/// One account on this machine. Cheap to clone; all clones are the same account.
#[derive(Clone)]
pub struct Account {
    inner: Arc<Inner>,
}

/// What the keyring knew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// A token is in use.
    Token(Who),
    /// Nobody is signed in.
    Nothing,
}

struct Inner {
    setup: Setup,
    reach: Reach,
    keeping: Keeping,
    token: watch::Sender<Option<Secret>>,
    state: watch::Sender<AccountState>,
    /// One change of who is signed in at a time.
    changing: tokio::sync::Mutex<()>,
    keeper: Mutex<Option<Keeper>>,
    signing_in: Mutex<CancellationToken>,
    is_held: AtomicBool,
}

/// The renewal that runs.
struct Keeper {
    refused: mpsc::Sender<Refused>,
    tasks: [JoinHandle<()>; 2],
    service: Service,
    refresh_token: watch::Receiver<Option<Secret>>,
    /// The access token in use and when it ends.
    ends: watch::Receiver<(Secret, WallMs)>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("state", &*self.inner.state.borrow())
            .finish_non_exhaustive()
    }
}

impl Account {
    /// An account of this profile; nobody is signed in. `token` is where the services take the access token from.
    ///
    /// # Errors
    /// [`AccountError::Trust`] if the trust anchors cannot be used.
    pub fn new(
        setup: Setup,
        vault: Vault,
        token: watch::Sender<Option<Secret>>,
    ) -> Result<Self, AccountError> {
        let folder = Folders::of_user()
            .filter(|_| vault.is_lasting())
            .map(|folders| folders.state);
        Self::with_lock_folder(setup, vault, token, folder)
    }

    /// As [`Account::new`], with another place for the locks between programs; `None`: there is no other program.
    ///
    /// # Errors
    /// As [`Account::new`].
    pub fn with_lock_folder(
        setup: Setup,
        vault: Vault,
        token: watch::Sender<Option<Secret>>,
        folder: Option<PathBuf>,
    ) -> Result<Self, AccountError> {
        let reach = Reach::new(setup.ca_file.as_deref(), setup.proxy.as_deref())?;
        let state = watch::Sender::new(AccountState::default());
        Ok(Self {
            inner: Arc::new(Inner {
                setup,
                reach,
                keeping: Keeping::new(vault, folder, state.clone()),
                token,
                state,
                changing: tokio::sync::Mutex::default(),
                keeper: Mutex::default(),
                signing_in: Mutex::default(),
                is_held: AtomicBool::new(false),
            }),
        })
    }

    /// The account as fronts show it.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<AccountState> {
        self.inner.state.subscribe()
    }

    /// While a session or a call is open, tokens of another user or organisation are refused (sign-in section 3).
    pub fn hold(&self, session_is_open: bool) {
        self.inner.is_held.store(session_is_open, Ordering::Release);
    }

    /// Takes up what the keyring holds. A spent access token is renewed first.
    ///
    /// # Errors
    /// [`AccountError::Keyring`], or [`AccountError::Service`] if a spent token could not be renewed for now.
    pub async fn resume(&self) -> Result<Known, AccountError> {
        let _one_at_a_time = self.inner.changing.lock().await;
        let Some(found) = self.inner.keeping.recall().await? else {
            return Ok(Known::Nothing);
        };
        let Some(mut tokens) = held(&found) else {
            return Ok(Known::Nothing);
        };
        let facts = &found.facts;
        let subject = subject_of(&tokens.access_token);
        let asked = self.inner.setup.identity.as_ref().map(|own| &own.scopes);
        let who = Who {
            org: subject.map_or_else(|| OrgId(facts.org.clone()), |subject| subject.org),
            user: facts.user.clone(),
            name: facts.account.clone(),
            scopes: facts.scopes.clone(),
            missing: asked.map_or_else(Vec::new, |asked| {
                MissingScope::all(asked, facts.scopes.as_ref())
            }),
        };
        self.refuse_another(&who)?;
        let is_granted = !facts.client_id.is_empty() && tokens.refresh_token.is_some();
        if !is_granted {
            if tokens.access_until <= now() {
                return Ok(Known::Nothing);
            }
            self.publish(tokens.access_token, who.clone(), None);
            return Ok(Known::Token(who));
        }
        let registration = self.inner.setup.registration(self.inner.keeping.vault());
        let registration = match registration.await {
            Ok(registration) => registration,
            // What cannot be renewed still works as long as it lives.
            Err(error) if tokens.access_until > now() => {
                tracing::warn!(%error, "the stored sign-in cannot be renewed");
                self.publish(tokens.access_token, who.clone(), None);
                let text = error.to_string();
                self.say_need(Some(Need::SetUp { text }));
                return Ok(Known::Token(who));
            }
            Err(error) => return Err(error),
        };
        if registration.client_id != facts.client_id {
            tracing::warn!("the stored tokens belong to another integration and are not used");
            return Ok(Known::Nothing);
        }
        let service = self.service(registration)?;
        if tokens.access_until.0 <= now().0 + 1_000
            && let Some(refresh_token) = tokens.refresh_token.clone()
        {
            let before = Some(tokens.access_token.clone());
            let keeping = &self.inner.keeping;
            let owner = owner(&who, &service);
            let answer = keeping.renew(&service, refresh_token, before, &owner).await;
            tokens = match answer {
                Ok((grant, round)) => {
                    let next = renewed(&tokens, grant);
                    let client = service.settings();
                    let issuer = client.issuer.as_deref();
                    let next_kept = kept(&next, &who, &client.client_id, issuer);
                    keeping.put_renewed(next_kept, Some(round)).await;
                    next
                }
                Err(Some(fault)) if !fault.is_passing() => {
                    let client_id = &service.settings().client_id;
                    let error = AccountError::of_fault(fault, client_id);
                    if !matches!(error, AccountError::TryAgain { .. } | AccountError::Denied) {
                        return Err(error);
                    }
                    self.say_need(Some(Need::SignIn));
                    return Ok(Known::Nothing);
                }
                Err(fault) => {
                    let why = fault.map_or_else(
                        || "the identity service cannot be reached".to_owned(),
                        |fault| fault.to_string(),
                    );
                    return Err(AccountError::Service(format!(
                        "the stored sign-in has to be renewed, and {why}"
                    )));
                }
            };
        }
        self.begin(service, tokens, who.clone());
        Ok(Known::Token(who))
    }

    /// Signs in with a person, the whole way: consent, exchange, storing, publishing. A second call cancels the first.
    ///
    /// # Errors
    /// [`AccountError`]; who was signed in before stays so.
    pub async fn sign_in(
        &self,
        flow: Option<Flow>,
        prompts: mpsc::Sender<Prompt>,
        cancel: CancellationToken,
    ) -> Result<Who, AccountError> {
        let mine = cancel.child_token();
        let before = std::mem::replace(&mut *self.signing_in(), mine.clone());
        before.cancel();
        let way = async {
            let registration = self
                .inner
                .setup
                .registration(self.inner.keeping.vault())
                .await?;
            let service = self.service(registration)?;
            match flow.unwrap_or(self.inner.setup.flow) {
                Flow::Browser => interactive::browser(self, service, &prompts).await,
                Flow::Device => interactive::device(self, service, &prompts).await,
            }
        };
        tokio::select! {
            biased;
            () = mine.cancelled() => Err(AccountError::Cancelled),
            done = way => done,
        }
    }

    /// Uses a token that was handed in. It cannot be renewed; `store` keeps it in the keyring.
    ///
    /// # Errors
    /// [`AccountError::UnusableToken`], [`AccountError::OtherAccount`]; who was signed in before stays so.
    pub async fn use_token(&self, token: Secret, store: bool) -> Result<Who, AccountError> {
        let _one_at_a_time = self.inner.changing.lock().await;
        let Subject { org, user } = subject_of(&token).ok_or(AccountError::UnusableToken)?;
        let (user, name) = match user {
            None if self.inner.is_held.load(Ordering::Acquire) => self.owner_of(&token).await,
            user => (user, String::new()),
        };
        let who = Who {
            org,
            user,
            name,
            scopes: None,
            missing: Vec::new(),
        };
        self.refuse_another(&who)?;
        if store {
            let tokens = Held {
                access_token: token.clone(),
                access_since: now(),
                access_until: WallMs(i64::MAX),
                refresh_token: None,
                refresh_until: None,
            };
            let mut handed_in = kept(&tokens, &who, "", None);
            handed_in.facts.access_until = None;
            self.inner.keeping.put(handed_in).await;
        }
        self.publish(token, who.clone(), None);
        Ok(who)
    }

    /// Keeps the token in use, which was handed in and has proven good, under this name for people.
    pub async fn keep(&self, name: &str) {
        let _one_at_a_time = self.inner.changing.lock().await;
        let token = self.inner.token.borrow().clone();
        let who = self.inner.state.borrow().who.clone();
        // What was granted is kept already.
        let (Some(token), Some(mut who), None) = (token, who, self.keeper().as_ref().map(drop))
        else {
            return;
        };
        name.clone_into(&mut who.name);
        let tokens = Held {
            access_token: token,
            access_since: now(),
            access_until: WallMs(i64::MAX),
            refresh_token: None,
            refresh_until: None,
        };
        let mut handed_in = kept(&tokens, &who, "", None);
        handed_in.facts.access_until = None;
        self.inner.keeping.put(handed_in).await;
        self.inner.state.send_modify(|state| state.who = Some(who));
    }

    /// Signs out: forgets everything local, then tells the identity service, for three seconds at most.
    pub async fn sign_out(&self) {
        self.signing_in().cancel();
        let _one_at_a_time = self.inner.changing.lock().await;
        let keeper = self.keeper().take();
        let access = self.inner.token.send_replace(None);
        self.inner.state.send_modify(|state| {
            state.who = None;
            state.need = None;
        });
        self.inner.keeping.forget().await;
        // A token that was handed in is not ours to revoke.
        if let Some(keeper) = keeper {
            let refresh = keeper.refresh_token.borrow().clone();
            revoke(&keeper.service, refresh, access).await;
        }
    }

    /// Waits while the access token in use has ended and a newer one may come, so that no request goes out with it
    /// when a computer wakes. At once while it lives, and when nothing can renew it; never longer than five seconds.
    pub async fn ready(&self) {
        let Some(token) = self.inner.token.borrow().clone() else {
            return;
        };
        let has_ended = self.keeper().as_ref().is_some_and(|keeper| {
            // Told after the token: an end that is not this token's says nothing about it.
            let (whose, ends) = keeper.ends.borrow().clone();
            whose == token && ends <= now() && keeper.refresh_token.borrow().is_some()
        });
        if has_ended {
            let _ = timeout(READY_LIMIT, self.renew(token)).await; // the service will say 401
        }
    }

    /// A newer access token than `stale`, for a service that was refused; `None` if there is none to be had. Callers
    /// that come together wait for one renewal.
    pub async fn renew(&self, stale: Secret) -> Option<Secret> {
        let newer = || {
            let current = self.inner.token.borrow().clone();
            current.filter(|token| *token != stale)
        };
        if let Some(newer) = newer() {
            return Some(newer);
        }
        let refused = self.keeper().as_ref().map(|keeper| {
            let can_renew = keeper.refresh_token.borrow().is_some();
            (keeper.refused.clone(), can_renew)
        });
        match refused {
            Some((refused, true)) => {
                let (done, told) = oneshot::channel();
                let token = stale.clone();
                let asked = timeout(RENEWAL_LIMIT, async {
                    refused.send(Refused { token, done }).await.ok()?;
                    told.await.ok()
                });
                if asked.await.is_err() {
                    tracing::warn!("no newer token came in time");
                }
            }
            Some((_, false)) | None => {
                // Nothing can renew this token: a person has to.
                if self.inner.token.borrow().is_some() {
                    self.say_need(Some(Need::SignIn));
                }
            }
        }
        newer()
    }

    /// Keeps the client secret of the organisation's own integration in the keyring.
    ///
    /// # Errors
    /// [`AccountError::Keyring`].
    pub async fn set_client_secret(&self, secret: Secret) -> Result<(), AccountError> {
        let vault = self.inner.keeping.vault();
        Ok(vault.set_client_secret(secret).await?)
    }

    /// Takes a fresh grant into use: who it is, stored, published, renewed from now on.
    pub(crate) async fn take(&self, service: &Service, grant: Grant) -> Result<Who, AccountError> {
        let _one_at_a_time = self.inner.changing.lock().await;
        let subject = subject_of(&grant.access_token).ok_or(AccountError::UnusableToken)?;
        let (user, name) = self.person(service, &grant.access_token).await;
        let who = Who {
            org: subject.org,
            user: subject.user.or(user),
            name,
            scopes: grant.scopes.clone(),
            missing: MissingScope::all(&service.settings().scopes, grant.scopes.as_ref()),
        };
        self.refuse_another(&who)?;
        let tokens = Held::first(grant, now());
        let client = service.settings();
        let issuer = client.issuer.as_deref();
        let is_stored = self
            .inner
            .keeping
            .put(kept(&tokens, &who, &client.client_id, issuer))
            .await;
        self.begin(service.clone(), tokens, who.clone());
        if !is_stored {
            tracing::info!("this sign-in lasts for this run unless the keyring turns up");
        }
        Ok(who)
    }

    /// Publishes tokens and renews them from now on.
    fn begin(&self, service: Service, tokens: Held, who: Who) {
        let (refused, refused_out) = mpsc::channel(WAITERS);
        let (news, news_out) = mpsc::channel(NEWS);
        let (newest_refresh, refresh_token) = watch::channel(tokens.refresh_token.clone());
        let (ends_in, ends) = watch::channel((tokens.access_token.clone(), tokens.access_until));
        let slot = Slot::default();
        let renew = {
            let (keeping, service) = (self.inner.keeping.clone(), service.clone());
            let (token, slot) = (self.inner.token.clone(), Arc::clone(&slot));
            let owner = Arc::new(owner(&who, &service));
            move |refresh_token: Secret| {
                let (keeping, service) = (keeping.clone(), service.clone());
                let (slot, owner) = (Arc::clone(&slot), Arc::clone(&owner));
                let current = token.borrow().clone();
                async move {
                    let answer = keeping.renew(&service, refresh_token, current.clone(), &owner);
                    let (grant, round) = answer.await?;
                    // The very same token again counts as failed, and nothing will be stored.
                    let is_failed = current.as_ref() == Some(&grant.access_token);
                    *in_slot(&slot) = (!is_failed).then_some(round);
                    Ok(grant)
                }
            }
        };
        let store = {
            let (keeping, who) = (self.inner.keeping.clone(), who.clone());
            let (client_id, issuer) = {
                let client = service.settings();
                (client.client_id.clone(), client.issuer.clone())
            };
            move |held: Held| {
                newest_refresh.send_replace(held.refresh_token.clone());
                let (keeping, kept) = (
                    keeping.clone(),
                    kept(&held, &who, &client_id, issuer.as_deref()),
                );
                let round = in_slot(&slot).take();
                async move { keeping.put_renewed(kept, round).await }
            }
        };
        let doors = Doors {
            renew,
            store,
            clock: now,
            token: self.inner.token.clone(),
            ends: ends_in,
            news,
            refused: refused_out,
        };
        let access_token = tokens.access_token.clone();
        let keeper = Keeper {
            refused,
            tasks: [
                tokio::spawn(deskline_identity::keep(tokens, doors)),
                tokio::spawn(tell(
                    news_out,
                    self.inner.state.clone(),
                    service.settings().client_id.clone(),
                )),
            ],
            service,
            refresh_token,
            ends,
        };
        self.publish(access_token, who, Some(keeper));
    }

    fn publish(&self, token: Secret, who: Who, keeper: Option<Keeper>) {
        // The renewal of what was before must not publish any more.
        *self.keeper() = keeper;
        self.inner.token.send_replace(Some(token));
        self.inner.state.send_modify(|state| {
            state.who = Some(who);
            if state.need != Some(Need::NotStored) {
                state.need = None;
            }
        });
    }

    fn refuse_another(&self, who: &Who) -> Result<(), AccountError> {
        if !self.inner.is_held.load(Ordering::Acquire) {
            return Ok(());
        }
        let state = self.inner.state.borrow();
        let Some(before) = &state.who else {
            return Ok(());
        };
        if before.org != who.org {
            return Err(AccountError::OtherAccount {
                what: "organisation",
            });
        }
        match (&before.user, &who.user) {
            (Some(before), Some(now)) if before != now => {
                Err(AccountError::OtherAccount { what: "user" })
            }
            _ => Ok(()),
        }
    }

    /// Asks whose token this is that says nothing itself; nobody has to answer.
    async fn owner_of(&self, token: &Secret) -> (Option<String>, String) {
        // This question goes without the client's secret.
        let service = self.inner.setup.identity.clone();
        match service.map(|settings| self.service(settings)) {
            Some(Ok(service)) => self.person(&service, token).await,
            Some(Err(_)) | None => (None, String::new()),
        }
    }

    /// Asks who this is; nobody has to answer.
    async fn person(&self, service: &Service, token: &Secret) -> (Option<String>, String) {
        let Some(url) = self.inner.setup.people_url.clone() else {
            return (None, String::new());
        };
        match timeout(PERSON_LIMIT, service.person(&url, token)).await {
            Ok(Ok(body)) => person(&body),
            Ok(Err(error)) => {
                tracing::info!(%error, "the people service did not say who this is");
                (None, String::new())
            }
            Err(_) => {
                tracing::info!("the people service did not answer in time");
                (None, String::new())
            }
        }
    }

    fn service(&self, settings: deskline_identity::Settings) -> Result<Service, AccountError> {
        let client_id = settings.client_id.clone();
        Service::new(settings, &self.inner.reach)
            .map_err(|error| AccountError::of_service(error, &client_id))
    }

    fn say_need(&self, need: Option<Need>) {
        self.inner.state.send_if_modified(|state| {
            let is_news = state.need != need;
            state.need = need;
            is_news
        });
    }

    fn keeper(&self) -> std::sync::MutexGuard<'_, Option<Keeper>> {
        self.inner
            .keeper
            .lock()
            .expect("no code that holds this lock can panic")
    }

    fn signing_in(&self) -> std::sync::MutexGuard<'_, CancellationToken> {
        self.inner
            .signing_in
            .lock()
            .expect("no code that holds this lock can panic")
    }
}

fn owner(who: &Who, service: &Service) -> Owner {
    Owner {
        org: who.org.0.clone(),
        user: who.user.clone(),
        client_id: service.settings().client_id.clone(),
    }
}

fn in_slot(slot: &Slot) -> std::sync::MutexGuard<'_, Option<crate::keeping::Round>> {
    slot.lock().expect("no code that holds this lock can panic")
}

/// Turns the keeper's news into what fronts show.
async fn tell(
    mut news: mpsc::Receiver<News>,
    state: watch::Sender<AccountState>,
    client_id: String,
) {
    while let Some(news) = news.recv().await {
        let need = match news {
            News::Renewed => {
                // Storing is the keyring's own matter and ends when it works.
                state.send_if_modified(|state| {
                    let is_over = state.need.is_some() && state.need != Some(Need::NotStored);
                    if is_over {
                        state.need = None;
                    }
                    is_over
                });
                continue;
            }
            News::NotStored => Need::NotStored,
            News::EndsSoon { at } => Need::EndsSoon { at },
            News::SignInNeeded => Need::SignIn,
            News::SetUpWrong(fault) => Need::SetUp {
                text: AccountError::of_fault(fault, &client_id).to_string(),
            },
        };
        state.send_if_modified(|state| {
            let need = Some(need.clone());
            let is_news = state.need != need;
            state.need = need;
            is_news
        });
    }
}

/// What a renewal at the start leaves in hand.
fn renewed(before: &Held, grant: Grant) -> Held {
    let next = Held::first(grant, now());
    Held {
        refresh_until: match &next.refresh_token {
            Some(_) => next.refresh_until,
            None => next.refresh_until.or(before.refresh_until),
        },
        refresh_token: next.refresh_token.clone().or(before.refresh_token.clone()),
        ..next
    }
}
