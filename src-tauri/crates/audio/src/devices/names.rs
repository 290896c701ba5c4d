//! What the name of a device tells about it. Pure.

/// Words of speakers worn on the head.
const HEADSETS: [&str; 7] = [
    "headset",
    "headphone",
    "earphone",
    "earbud",
    "airpods",
    "hands-free",
    "handsfree",
];

/// Words of speakers that the microphone hears.
const LOUD: [&str; 4] = ["speaker", "hdmi", "displayport", "monitor"];

/// How systems call Bluetooth's hands-free profile.
const HANDS_FREE: [&str; 5] = [
    "hands-free",
    "handsfree",
    "headset head unit",
    "(hfp",
    "(hsp",
];

/// Whether this is worn on the head; `None` where the name says neither or both ("Speaker + Headphones").
pub(super) fn is_headset(name: &str) -> Option<bool> {
    match (has(name, &HEADSETS), has(name, &LOUD)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        (true, true) | (false, false) => None,
    }
}

/// Whether this is a Bluetooth device as a telephone.
pub(super) fn is_hands_free(name: &str) -> bool {
    has(name, &HANDS_FREE)
}

fn has(name: &str, words: &[&str]) -> bool {
    let name = name.to_lowercase();
    words.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_worn() {
        for (name, headset) in [
            ("Jabra Evolve 65 Headset", Some(true)),
            ("Virtual_Speaker", Some(false)),
            ("Jabra Speak Speakerphone", Some(false)),
            ("Built-in Audio Speaker + Headphones", None),
            ("USB Audio", None),
        ] {
            assert_eq!(is_headset(name), headset, "{name}");
        }
    }

    #[test]
    fn names_tell_hands_free() {
        assert!(is_hands_free("WH-1000 Hands-Free AG Audio"));
        assert!(is_hands_free("Buds (Headset Head Unit)"));
        assert!(!is_hands_free("Jabra Headset"));
    }
}
