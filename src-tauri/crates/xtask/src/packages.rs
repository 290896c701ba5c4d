//! Which system packages which purpose needs, under the names of this distribution, and which of them are missing.

use std::collections::BTreeSet;
use std::path::Path;

use crate::run;

/// What the machine is being prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Build the app and show it on the person's own desktop.
    Demo,
    /// Build the app and show it on a virtual display, with pictures.
    HeadlessDemo,
    /// Every test.
    Tests,
}

/// Whose package names and versions apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distribution {
    Debian,
    Ubuntu,
    /// Linux without dpkg, macOS, Windows: nothing is installed there by us.
    Other,
}

/// Compiler, web view, tray, ALSA; cmake for the bundled Opus; PipeWire's headers and clang for cpal's PipeWire host.
const BUILD: &[&str] = &[
    "build-essential",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libxdo-dev",
    "libssl-dev",
    "libasound2-dev",
    "cmake",
    "libpipewire-0.3-dev",
    "clang",
    "libclang-dev",
];

/// What `tests/support/desktop-session.sh` starts.
const DESKTOP: &[&str] = &[
    "xvfb",
    "xauth",
    "x11-utils",
    "openbox",
    "dbus",
    "dbus-x11",
    "gnome-keyring",
    "libglib2.0-bin",
    "dunst",
    "pipewire",
    "pipewire-pulse",
    "wireplumber",
    "pulseaudio-utils",
    "libasound2-plugins",
];

/// Pictures of a window, and something to draw it with.
const PICTURES: &[&str] = &[
    "imagemagick",
    "xdotool",
    "fonts-dejavu-core",
    "adwaita-icon-theme",
];

/// WebDriver for the window, notification buttons, a look into the keyring, sound files.
const GUI_TESTS: &[&str] = &[
    "webkit2gtk-driver",
    "xfce4-notifyd",
    "libsecret-tools",
    "sox",
];

/// Networks that come and go in namespaces of their own, and a relay.
const NETWORK: &[&str] = &["iproute2", "util-linux", "coturn"];

/// Where a WebRTC stack written in Python is put.
const PYTHON: &[&str] = &["python3-venv"];

/// A WebRTC stack that is not ours. Ubuntu has Chromium only as a snap, which does not run in a container.
const BROWSER_DEBIAN: &[&str] = &["chromium", "chromium-driver"];

impl Distribution {
    /// Reads the distribution out of `/etc/os-release`.
    pub(crate) fn of_this_machine() -> Self {
        if !run::on_path("dpkg-query") || !run::on_path("apt-get") {
            return Self::Other;
        }
        Self::named_in(&std::fs::read_to_string(Path::new("/etc/os-release")).unwrap_or_default())
    }

    fn named_in(os_release: &str) -> Self {
        let value = |key: &str| {
            let line = os_release
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        let names = format!("{} {}", value("ID"), value("ID_LIKE"));
        let is = |name: &str| names.split_whitespace().any(|word| word == name);
        match () {
            () if is("ubuntu") => Self::Ubuntu,
            () if is("debian") => Self::Debian,
            () => Self::Other,
        }
    }
}

/// The packages a purpose needs, in the order in which they are shown.
pub(crate) fn needed(purpose: Purpose, distribution: Distribution) -> Vec<&'static str> {
    let browser = match distribution {
        Distribution::Debian => BROWSER_DEBIAN,
        Distribution::Ubuntu | Distribution::Other => &[],
    };
    let lists: &[&[&str]] = match purpose {
        Purpose::Demo => &[BUILD],
        Purpose::HeadlessDemo => &[BUILD, DESKTOP, PICTURES],
        Purpose::Tests => &[
            BUILD, DESKTOP, PICTURES, GUI_TESTS, NETWORK, PYTHON, browser,
        ],
    };
    lists.concat()
}

/// Those of `wanted` that dpkg does not have. Takes some hundredths of a second.
pub(crate) fn missing<'a>(wanted: &[&'a str]) -> Vec<&'a str> {
    let query = std::process::Command::new("dpkg-query")
        .args(["-W", "-f", "${Package} ${db:Status-Abbrev}\n"])
        .args(wanted)
        .output(); // its status is 1 as soon as one name is unknown
    let listed = query
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let have = installed(&listed);
    wanted
        .iter()
        .copied()
        .filter(|name| !have.contains(name))
        .collect()
}

/// The packages that are really there, of `dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n'`.
/// The second letter of the status tells: `ii` and `hi` are installed, `rc` and `un` are not.
fn installed(listed: &str) -> BTreeSet<&str> {
    let mut have = BTreeSet::new();
    for line in listed.lines() {
        if let Some((name, status)) = line.split_once(' ')
            && status.chars().nth(1) == Some('i')
        {
            have.insert(name);
        }
    }
    have
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_package_with_configuration_left_counts_as_missing() {
        let have = installed("cmake ii \nnpm un \nsox rc \nxvfb hi \n");
        assert_eq!(have.into_iter().collect::<Vec<_>>(), ["cmake", "xvfb"]);
    }

    #[test]
    fn nothing_is_installed_where_dpkg_says_nothing() {
        assert!(installed("").is_empty());
        assert!(installed("dpkg-query: no packages found matching x").is_empty());
    }

    #[test]
    fn the_distribution_is_read_from_id_and_id_like() {
        assert_eq!(
            Distribution::named_in("NAME=\"Debian GNU/Linux\"\nID=debian\n"),
            Distribution::Debian
        );
        assert_eq!(
            Distribution::named_in("ID=ubuntu\nID_LIKE=debian\n"),
            Distribution::Ubuntu
        );
        assert_eq!(
            Distribution::named_in("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
            Distribution::Ubuntu
        );
        assert_eq!(Distribution::named_in("ID=fedora\n"), Distribution::Other);
        assert_eq!(Distribution::named_in(""), Distribution::Other);
    }

    #[test]
    fn the_demo_on_a_desktop_needs_no_test_tools() {
        let demo = needed(Purpose::Demo, Distribution::Debian);
        assert!(demo.contains(&"libwebkit2gtk-4.1-dev"));
        assert!(
            !demo.contains(&"xvfb")
                && !demo.contains(&"webkit2gtk-driver")
                && !demo.contains(&"chromium")
        );
    }

    #[test]
    fn ubuntu_is_not_asked_for_a_snap() {
        assert!(needed(Purpose::Tests, Distribution::Debian).contains(&"chromium"));
        assert!(!needed(Purpose::Tests, Distribution::Ubuntu).contains(&"chromium"));
    }

    #[test]
    fn no_package_is_named_twice() {
        let all = needed(Purpose::Tests, Distribution::Debian);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
