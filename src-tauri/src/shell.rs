//! Puts the app together, and takes it apart in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tauri::{AppHandle, Builder, Manager as _, RunEvent, Runtime};
use tauri_plugin_window_state::StateFlags;
use tokio_util::sync::CancellationToken;

use crate::front::Front;
use crate::options::{Demo, Options};
use crate::running::Start;
use crate::{commands, demo, lookout, tray, webview, windows};

/// How long line, sockets and devices may take to be given back.
const FAREWELL: Duration = Duration::from_secs(9);

/// A desk that breaks at once must not be replaced at once, for ever.
const BETWEEN_DESKS: Duration = Duration::from_secs(2);

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShellError {
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// The desk could not be started.
    #[error("{0}")]
    Start(String),
    /// There is nothing to show a window on.
    #[error("there is no display (DISPLAY and WAYLAND_DISPLAY are not set)")]
    NoDisplay,
    /// The system makes no window.
    #[error("no window: {0}")]
    Window(#[from] tauri::Error),
}

impl ShellError {
    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Settings(_) => 2,
            Self::Start(_) | Self::NoDisplay | Self::Window(_) => 1,
        }
    }
}

/// Runs until the agent quits.
///
/// # Errors
/// If the settings cannot be used or there is no display.
pub(crate) fn run(options: &Options) -> Result<(), ShellError> {
    let demo = Demo::of(
        std::env::var("DESKLINE_DEMO").ok().as_deref(),
        options.sandbox,
    );
    let start = Start::of(options).map_err(ShellError::Settings)?;
    if !has_display() {
        return Err(ShellError::NoDisplay);
    }
    let is_practice = options.sandbox;
    // First of all: a second start only shows the window of the first.
    let builder = Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, _, _| {
            windows::show(app);
        }))
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
                .build(),
        );
    let stop = CancellationToken::new();
    let stop_all = stop.clone();
    let app = webview::revive(builder_of(builder))
        .setup(move |app| {
            if let Err(error) = setup(app.handle(), start, is_practice, demo, &stop_all) {
                // The runtime would panic.
                eprintln!("deskline: {error}");
                std::process::exit(1);
            }
            Ok(())
        })
        .build(tauri::generate_context!())?;
    let has_ended = AtomicBool::new(false);
    app.run(move |app, event| {
        if let RunEvent::ExitRequested { api, code, .. } = event
            && !has_ended.swap(true, Ordering::AcqRel)
        {
            api.prevent_exit();
            let (app, stop) = (app.clone(), stop.clone());
            let code = code.unwrap_or(0);
            tauri::async_runtime::spawn(async move {
                farewell(&app, &stop).await;
                app.exit(code);
            });
        }
    });
    Ok(())
}

/// Starts the desk, then what watches it, then the window.
fn setup<R: Runtime>(
    app: &AppHandle<R>,
    start: Start,
    is_practice: bool,
    demo: Demo,
    stop: &CancellationToken,
) -> Result<(), ShellError> {
    let running = tauri::async_runtime::block_on(async {
        if is_practice {
            start.practice().await
        } else {
            start.real().await
        }
    });
    let running = running.map_err(ShellError::Start)?;
    let front = Arc::new(Front::new(running, start));
    app.manage(Arc::clone(&front));
    let (seen, sight) = lookout::sight();
    windows::open(app, sight)?;
    if tauri::async_runtime::block_on(deskline_platform::tray::is_there()) {
        tray::open(app);
    }
    let watching = tauri::async_runtime::spawn(lookout::run(
        app.clone(),
        Arc::clone(&front),
        seen,
        stop.clone(),
    ));
    app.manage(Watching(tokio::sync::Mutex::new(Some(watching))));
    tauri::async_runtime::spawn(end_on_signal(app.clone()));
    tauri::async_runtime::spawn(start_over_when_broken(Arc::clone(&front)));
    tauri::async_runtime::spawn(async move {
        match demo {
            Demo::Off => {
                front.running().open_for_practice();
                first_sign_in(&front).await;
            }
            Demo::Watch | Demo::Play => demo::run(front, demo).await,
        }
    });
    Ok(())
}

/// Signs in without being asked where that is possible; the page shows how it goes.
async fn first_sign_in(front: &Front) {
    if !front.running().is_practice() && !front.look().await.0 {
        return;
    }
    if let Err(error) = front.sign_in(None).await {
        tracing::warn!(
            kind = error.kind,
            tracking_id = error.tracking_id,
            "not signed in: {}",
            error.message
        );
    }
}

/// Replaces a desk of which a part came to a bad end: the agent sees the sign-in, and is signed in again if possible.
async fn start_over_when_broken(front: Arc<Front>) {
    let mut follow = front.follow();
    loop {
        let running = front.running();
        follow.mark_unchanged();
        let why = tokio::select! {
            why = running.failed() => why,
            changed = follow.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        tracing::error!(why, "the desk broke; a new one takes its place");
        tokio::time::sleep(BETWEEN_DESKS).await;
        if let Err(error) = front.start_over().await {
            tracing::error!("there is no new desk: {}", error.message);
            return;
        }
        first_sign_in(&front).await;
    }
}

/// The task that watches the desk.
struct Watching(tokio::sync::Mutex<Option<tauri::async_runtime::JoinHandle<()>>>);

/// Takes notifications back and gives line, sockets and devices back, as far as that takes no more than its time.
async fn farewell<R: Runtime>(app: &AppHandle<R>, stop: &CancellationToken) {
    stop.cancel();
    let Some(front) = app.try_state::<Arc<Front>>() else {
        return;
    };
    let running = front.running();
    let ended = async {
        if let Some(watching) = app.try_state::<Watching>() {
            let watching = watching.0.lock().await.take();
            if let Some(watching) = watching
                && let Err(stopped) = watching.await
            {
                tracing::warn!(%stopped, "the watch over the desk had stopped before");
            }
        }
        running.stop().await;
        front.finish_recording();
    };
    if tokio::time::timeout(FAREWELL, ended).await.is_err() {
        tracing::warn!("not everything was given back in time");
    }
}

/// Ends in order when the system asks.
#[cfg(unix)]
async fn end_on_signal<R: Runtime>(app: AppHandle<R>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    app.exit(0);
}

/// Windows closes windows, not processes.
#[cfg(not(unix))]
#[allow(clippy::unused_async)] // elsewhere it waits
async fn end_on_signal<R: Runtime>(_app: AppHandle<R>) {}

/// Without a display GTK panics; a sentence is better.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// What the real app and its tests have in common: the clipboard and the commands.
pub(crate) fn builder_of<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder
        .plugin(tauri_plugin_clipboard_manager::init())
        .invoke_handler(tauri::generate_handler![
            commands::subscribe,
            commands::levels,
            commands::start_info,
            commands::window_ready,
            commands::copy_text,
            commands::sign_in,
            commands::signing::account,
            commands::signing::sign_in_with_consent,
            commands::signing::cancel_sign_in,
            commands::signing::take_over,
            commands::sign_out,
            commands::start_sandbox,
            commands::station_login,
            commands::station_logout,
            commands::set_state,
            commands::try_now,
            commands::choose_device,
            commands::silence_ring,
            commands::sound::set_voice_settings,
            commands::sound::hear_original,
            commands::sound::try_device,
            commands::sound::stop_trial,
            commands::accept,
            commands::decline,
            commands::toggle_mute,
            commands::hold,
            commands::resume,
            commands::pause_recording,
            commands::resume_recording,
            commands::send_digits,
            commands::end,
            commands::wrapup,
            commands::cancel_auto_wrapup_timer,
            commands::outbound::directory,
            commands::outbound::check_number,
            commands::consulting::consult,
            commands::consulting::end_consult,
            commands::consulting::switch_call,
            commands::consulting::consult_transfer,
            commands::consulting::transfer,
            commands::consulting::consult_conference,
            commands::consulting::exit_conference,
            commands::consulting::transfer_conference,
            commands::outbound::start_outdial,
            commands::outbound::accept_preview,
            commands::later::queue_state,
            commands::later::queue_sign_out,
            commands::outbound::open_task,
        ])
}
