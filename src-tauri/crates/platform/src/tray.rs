//! Whether the desktop has a place for a tray icon.

/// Whether an icon would be seen. False when in doubt: a window that hides into a tray that is not there is lost.
#[cfg(target_os = "linux")]
pub async fn is_there() -> bool {
    const NAME: &str = "org.kde.StatusNotifierWatcher";
    let asked = async {
        let bus = zbus::Connection::session().await?;
        let watcher = zbus::Proxy::new_owned(bus, NAME, "/StatusNotifierWatcher", NAME).await?;
        watcher
            .get_property::<bool>("IsStatusNotifierHostRegistered")
            .await
    };
    let limit = std::time::Duration::from_secs(1);
    matches!(tokio::time::timeout(limit, asked).await, Ok(Ok(true)))
}

/// Always true: these systems have one.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unused_async)] // Linux asks its desktop
pub async fn is_there() -> bool {
    true
}
