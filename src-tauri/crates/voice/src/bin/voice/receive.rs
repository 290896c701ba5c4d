//! `voice receive`.

/// Not there yet.
pub(crate) fn command(_words: &[&str]) -> Result<String, String> {
    let _ = (
        super::files::options,
        super::files::read_f32,
        super::files::write_f32,
    );
    Err("receive is not built yet".to_owned())
}
