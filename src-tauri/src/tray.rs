//! The tray icon: the desk's state at a glance, and the way back to a hidden window. Optional.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tauri::image::Image;
use tauri::menu::{Menu, MenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Runtime};

use crate::picture::Mood;
use crate::windows;

const ID: &str = "desk";

/// Shows the icon. The library that draws it may be missing, and then it panics: no icon, nothing worse.
pub(crate) fn open<R: Runtime>(app: &AppHandle<R>) {
    match catch_unwind(AssertUnwindSafe(|| build(app))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::info!(%error, "no tray icon"),
        Err(_) => tracing::info!("no tray icon: its library is missing"),
    }
}

fn build<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let show = MenuItem::with_id(app, "show", "Show Deskline", true, None::<&str>)?;
    let quit = MenuItem::with_id(app, "quit", "Quit Deskline", true, None::<&str>)?;
    TrayIconBuilder::with_id(ID)
        .icon(icon(Mood::Offline))
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip("Deskline")
        .menu(&Menu::with_items(app, &[&show, &quit])?)
        .show_menu_on_left_click(false)
        .on_menu_event(|app, event| match event.id().as_ref() {
            "show" => windows::show(app),
            "quit" => app.exit(0),
            _ => {}
        })
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                windows::show(tray.app_handle());
            }
        })
        .build(app)?;
    Ok(())
}

/// Whether there is an icon a hidden window can come back from.
pub(crate) fn is_shown<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.tray_by_id(ID).is_some()
}

/// Shows the desk's state.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>, mood: Mood) {
    let Some(tray) = app.tray_by_id(ID) else {
        return;
    };
    if let Err(error) = tray.set_icon(Some(icon(mood))) {
        tracing::debug!(%error, "the tray icon stays as it is");
    }
}

fn icon(mood: Mood) -> Image<'static> {
    match mood {
        Mood::Offline => tauri::include_image!("../icons/tray/offline@2x.png"),
        Mood::Idle => tauri::include_image!("../icons/tray/idle@2x.png"),
        Mood::Available => tauri::include_image!("../icons/tray/available@2x.png"),
        Mood::OnCall => tauri::include_image!("../icons/tray/on-call@2x.png"),
        Mood::Ringing => tauri::include_image!("../icons/tray/ringing@2x.png"),
    }
}
