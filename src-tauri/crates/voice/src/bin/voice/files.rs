//! Options and the two kinds of files.

use std::collections::BTreeMap;

/// The values of `--name value` pairs; every name of `wanted` once, and no other.
///
/// # Errors
/// What is missing or unknown.
pub(crate) fn options<'a>(
    words: &[&'a str],
    wanted: &[&'static str],
) -> Result<BTreeMap<&'static str, &'a str>, String> {
    let mut found = BTreeMap::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let name = wanted
            .iter()
            .find(|name| word.strip_prefix("--") == Some(name))
            .ok_or_else(|| format!("{word} is not understood; known: --{}", wanted.join(", --")))?;
        let value = rest.next().ok_or_else(|| format!("{word} needs a value"))?;
        if found.insert(*name, *value).is_some() {
            return Err(format!("{word} is there twice"));
        }
    }
    match wanted.iter().find(|name| !found.contains_key(*name)) {
        Some(missing) => Err(format!("--{missing} is missing")),
        None => Ok(found),
    }
}

/// Reads mono 48 kHz little-endian floats.
///
/// # Errors
/// The file cannot be read or does not hold whole samples.
pub(crate) fn read_f32(path: &str) -> Result<Vec<f32>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    if bytes.len() % 4 != 0 {
        return Err(format!("{path} does not hold whole samples of 4 bytes"));
    }
    Ok(bytes
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .map(|sample| if sample.is_finite() { sample } else { 0.0 })
        .collect())
}

/// Writes mono 48 kHz little-endian floats.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_f32(path: &str, samples: &[f32]) -> Result<(), String> {
    let bytes: Vec<u8> = samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    std::fs::write(path, bytes).map_err(|error| format!("cannot write {path}: {error}"))
}
