//! The fuzzer's harness on a seeded corpus: the same readers, without nightly.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../fuzz/harness.rs"]
mod harness;

use std::path::Path;

use deskline_wire::{Json, json};

/// xorshift64*: the same corpus on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % below
    }

    fn nonsense(&mut self) -> Json {
        match self.roll(10) {
            0 => Json::Null,
            1 => json!(true),
            2 => json!(-1),
            3 => json!(u64::MAX),
            4 => json!(1e300),
            5 => json!(""),
            6 => json!("\u{0}\u{1f4de}true"),
            7 => json!([[], {}, null, "A"]),
            8 => json!({ "": { "type": 1 }, "participants": {} }),
            _ => json!("99999999999999999999999"),
        }
    }

    /// Replaces, removes or adds something, somewhere in the tree.
    fn damage(&mut self, value: &mut Json) {
        let count = match value {
            Json::Object(object) => object.len(),
            Json::Array(list) => list.len(),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
        };
        if count == 0 || self.roll(6) == 0 {
            *value = self.nonsense();
            return;
        }
        let at = self.roll(count);
        let choice = self.roll(8);
        match value {
            Json::Object(object) => {
                let key = object.keys().nth(at).unwrap().clone();
                match choice {
                    0 => drop(object.remove(&key)),
                    1 => drop(object.insert(key + "2", self.nonsense())),
                    _ => self.damage(&mut object[&key]),
                }
            }
            Json::Array(list) => match choice {
                0 => drop(list.remove(at)),
                1 => list.push(self.nonsense()),
                _ => self.damage(&mut list[at]),
            },
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
}

/// Every fixture of this crate, whoever's message it is.
fn fixtures() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut texts = Vec::new();
    for folder in [root.clone(), root.join("contact-center")] {
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .collect();
        paths.sort();
        texts.extend(
            paths
                .iter()
                .map(|path| std::fs::read_to_string(path).unwrap()),
        );
    }
    texts
}

#[test]
fn every_reader_takes_whatever_comes() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 10);
    let mut dice = Dice(0x5eed_cafe);
    for text in &fixtures {
        harness::read(text.as_bytes());
        let whole: Json = serde_json::from_str(text).unwrap();
        for _ in 0..20 {
            let mut damaged = whole.clone();
            for _ in 0..=dice.roll(4) {
                dice.damage(&mut damaged);
            }
            harness::read(damaged.to_string().as_bytes());
            // Bare, and as Mercury would wrap it.
            harness::read(json!({ "id": "1", "data": damaged }).to_string().as_bytes());
        }
        for _ in 0..20 {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..=dice.roll(3) {
                let at = dice.roll(bytes.len());
                bytes[at] = u8::try_from(dice.roll(256)).unwrap();
            }
            bytes.truncate(bytes.len() - dice.roll(40));
            harness::read(&bytes);
        }
    }
    for bytes in [
        &b""[..],
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{\"type\":\"X\"}",
        b"{\"keepalive\":true}",
    ] {
        harness::read(bytes);
    }
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    harness::read(deep.as_bytes());
}
