//! One story: a contact centre, an app with folders of its own, a driver; all gone afterwards, whatever happened.

use std::fs::File;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deskline_platform::credentials::{DEFAULT_PROFILE, NativeStore, Vault};
use deskline_sandbox::{Options, Sandbox, Scenario};
use futures_util::FutureExt as _;
use thirtyfour::prelude::*;

use crate::processes;
use crate::sound::Sound;

/// What a story needs besides its scenario.
pub(crate) struct Stage {
    pub(crate) web: WebDriver,
    pub(crate) centre: Sandbox,
    driver: Child,
    folder: tempfile::TempDir,
    desktop: Desktop,
    /// What pictures did not look as accepted; told at the end, so that one run shows them all.
    pub(crate) odd_pictures: Vec<String>,
}

/// What the app finds on its desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Desktop {
    /// Keyring, notifications and all.
    Whole,
    /// As [`Self::Whole`], for somebody who asked their desktop for less motion: what pictures are taken on.
    Still,
    /// As [`Self::Whole`], for an organisation with an integration to sign in with.
    Consent,
    /// No session bus, and so none of what is behind it.
    Bare,
}

/// Plays a story on a stage of its own.
pub(crate) async fn story(name: &str, scenario: Scenario, play: impl AsyncFnOnce(&mut Stage)) {
    story_on(Desktop::Whole, name, scenario, play).await;
}

/// As [`story`], on another desktop.
pub(crate) async fn story_on(
    desktop: Desktop,
    name: &str,
    scenario: Scenario,
    play: impl AsyncFnOnce(&mut Stage),
) {
    let Some(needs) = Needs::met() else { return };
    // The keyring is the session's, not the story's.
    keyring().forget().await.unwrap();
    // Pictures show what is heard of the microphone.
    let _room = (desktop == Desktop::Still).then(Sound::quiet_room);
    let centre = Sandbox::start(Options {
        scenario,
        ..Options::default()
    })
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (driver, web) = open(&needs, &centre, folder.path(), desktop).await;
    let mut stage = Stage {
        web,
        centre,
        driver,
        folder,
        desktop,
        odd_pictures: Vec::new(),
    };
    let outcome = AssertUnwindSafe(play(&mut stage)).catch_unwind().await;
    if outcome.is_err() {
        stage.bear_witness(name);
    }
    let odd = std::mem::take(&mut stage.odd_pictures);
    stage.close().await;
    if !odd.is_empty() {
        eprintln!("pictures: {odd:#?}");
    }
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
    assert!(odd.is_empty(), "not as accepted: {odd:#?}");
}

impl Stage {
    /// The token of the first agent.
    pub(crate) fn token(&self) -> String {
        self.centre.agents().swap_remove(0).token
    }

    /// An order to the contact centre's director.
    pub(crate) async fn direct(&self, order: serde_json::Value) {
        self.centre.direct(order).await.unwrap();
    }

    /// The folder of this story; it goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process of the app.
    pub(crate) fn app(&self) -> u32 {
        processes::descendant(self.driver.id(), "deskline").expect("the app runs")
    }

    /// Starts the app once more beside the one that runs, and waits for it.
    pub(crate) fn start_again(&self) -> std::process::ExitStatus {
        let app = std::env::var_os("DESKLINE_APP").unwrap();
        Command::new(app).status().unwrap()
    }

    /// Ends the app as its user would, and starts it again with what it remembered.
    pub(crate) async fn restart(&mut self) {
        let needs = Needs::met().unwrap();
        let app = self.app();
        processes::signal(app, "-TERM");
        assert!(processes::gone(app).await, "the app does not end");
        end(&mut self.driver);
        let (driver, web) = open(&needs, &self.centre, self.folder.path(), self.desktop).await;
        self.driver = driver;
        self.web = web;
    }

    /// Keeps the picture and the log of a story that failed.
    fn bear_witness(&self, name: &str) {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/gui");
        std::fs::create_dir_all(&kept).unwrap();
        let picture = kept.join(format!("{name}.png"));
        let taken = Command::new("import")
            .args(["-window", "root"])
            .arg(&picture)
            .status();
        if taken.is_ok_and(|status| status.success()) {
            eprintln!("picture: {}", picture.display());
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        for line in &lines[lines.len().saturating_sub(40)..] {
            eprintln!("app: {line}");
        }
    }

    async fn close(mut self) {
        if let Some(app) = processes::descendant(self.driver.id(), "deskline") {
            processes::signal(app, "-TERM");
            if !processes::gone(app).await {
                eprintln!("the app did not end and is killed");
                processes::signal(app, "-KILL");
            }
        }
        // Its app is gone, so the driver has nothing to say about the session.
        let _ = self.web.quit().await;
        end(&mut self.driver);
        self.centre.stop().await;
    }
}

/// The keyring as the app uses it.
pub(crate) fn keyring() -> Vault {
    Vault::lasting(NativeStore::new(), DEFAULT_PROFILE)
}

/// What must be on the machine.
struct Needs {
    app: PathBuf,
    driver: PathBuf,
}

impl Needs {
    /// Looks for it, and says what is missing.
    fn met() -> Option<Self> {
        let skip = |why: &str| {
            println!("skipped: {why}");
            None
        };
        if std::env::var_os("SESSION_DIR").is_none() {
            return skip("not inside tests/support/desktop-session.sh (SESSION_DIR is not set)");
        }
        let Some(app) = std::env::var_os("DESKLINE_APP").map(PathBuf::from) else {
            return skip("DESKLINE_APP does not name the app");
        };
        let driver = std::env::var_os("DESKLINE_TAURI_DRIVER")
            .map(PathBuf::from)
            .or_else(|| on_path("tauri-driver"));
        let Some(driver) = driver else {
            return skip("there is no tauri-driver on PATH");
        };
        if on_path("WebKitWebDriver").is_none() {
            return skip("there is no WebKitWebDriver on PATH (package webkit2gtk-driver)");
        }
        Some(Self { app, driver })
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Starts a driver, and through it the app.
async fn open(
    needs: &Needs,
    centre: &Sandbox,
    folder: &Path,
    desktop: Desktop,
) -> (Child, WebDriver) {
    let [port, native] = free_ports();
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let mut command = Command::new(&needs.driver);
    if desktop == Desktop::Still {
        hold_still(&folder.join("config"));
    }
    if desktop == Desktop::Bare {
        let nowhere = format!("unix:path={}", folder.join("no-bus").display());
        command.env("DBUS_SESSION_BUS_ADDRESS", nowhere);
    }
    if desktop == Desktop::Consent {
        integrate(&mut command, centre, folder);
    }
    let mut driver = command
        .args(["--port", &port.to_string()])
        .args(["--native-port", &native.to_string()])
        .env("DESKLINE_SERVICES_U2C", centre.u2c())
        .env("DESKLINE_SERVICES_REGION", centre.region())
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("XDG_DATA_HOME", folder.join("data"))
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut capabilities = Capabilities::new();
    capabilities
        .set("browserName", serde_json::json!("wry"))
        .unwrap();
    let options = serde_json::json!({ "application": needs.app });
    capabilities.set("tauri:options", options).unwrap();
    let address = format!("http://127.0.0.1:{port}");
    // The driver's HTTP client brings no cryptography of its own; the first to choose wins.
    drop(rustls::crypto::ring::default_provider().install_default());
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        // The driver listens a moment after it has started.
        match WebDriver::new(&address, capabilities.clone()).await {
            Ok(web) => return (driver, web),
            Err(error) if Instant::now() > until => {
                end(&mut driver);
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                panic!("no session: {error}\n{log}");
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Names the sandbox's integration in the settings, its secret in the administrator's file, and makes a real browser
/// without a screen the desktop's own.
fn integrate(command: &mut Command, centre: &Sandbox, folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let account = centre.account();
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    for (key, name) in [
        ("CLIENT_ID", "clientId"),
        ("AUTHORIZE_URL", "authorizeUrl"),
        ("TOKEN_URL", "tokenUrl"),
        ("DEVICE_AUTHORIZE_URL", "deviceAuthorizeUrl"),
        ("DEVICE_TOKEN_URL", "deviceTokenUrl"),
        ("REVOKE_URL", "revokeUrl"),
        ("PEOPLE_URL", "peopleUrl"),
        ("ISSUER", "issuer"),
    ] {
        command.env(format!("DESKLINE_ACCOUNT_{key}"), text(name));
    }
    let write = |name: &str, text: &str, mode: u32| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        file
    };
    let secret = write("client-secret", &text("clientSecret"), 0o600);
    command.env("DESKLINE_ACCOUNT_CLIENT_SECRET_FILE", secret);
    let programs = folder.join("bin");
    std::fs::create_dir_all(&programs).unwrap();
    let browser = format!(
        "#!/bin/sh\nexec chromium --headless=new --no-sandbox --disable-gpu --user-data-dir=$(mktemp -d {}) --dump-dom \"$1\" >{} 2>/dev/null\n",
        // A browser of its own each time: a second one in the same folder hands its page to the first and goes.
        folder.join("browser-XXXXXX").display(),
        folder.join("result-page").display(),
    );
    write("bin/xdg-open", &browser, 0o700);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", programs.display()));
}

/// Settles what the desktop decides about pictures: no animations, no blinking cursor, one way to draw letters. The
/// mouse leaves the window's place.
fn hold_still(config: &Path) {
    let gtk = config.join("gtk-3.0");
    std::fs::create_dir_all(&gtk).unwrap();
    let settings = "[Settings]\ngtk-enable-animations=false\ngtk-cursor-blink=false\n\
        gtk-xft-antialias=1\ngtk-xft-hinting=0\ngtk-xft-rgba=none\ngtk-xft-dpi=98304\n";
    std::fs::write(gtk.join("settings.ini"), settings).unwrap();
    let moved = Command::new("xdotool")
        .args(["mousemove", "1279", "799"])
        .status();
    assert!(moved.is_ok_and(|status| status.success()), "xdotool works");
}

/// Ends a driver; it ends its own.
fn end(driver: &mut Child) {
    if let Some(native) = processes::descendant(driver.id(), "WebKitWebDriver") {
        processes::signal(native, "-TERM");
    }
    let _ = driver.kill(); // it has ended already, then
    driver.wait().unwrap();
}

/// Two ports nobody uses. They are free again when we return, and taken by the driver a moment later.
fn free_ports() -> [u16; 2] {
    let taken = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    taken.map(|listener| listener.local_addr().unwrap().port())
}
