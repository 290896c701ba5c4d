//! The parameters of one call: each is taken by name, what is left over is refused.

use deskline_wire::{Json, Object};

use crate::json_rpc::Fault;

/// Parameters not looked at yet. `null` counts as absent.
#[derive(Debug)]
pub(crate) struct Parameters(Object);

impl Parameters {
    pub(crate) fn new(mut given: Object) -> Self {
        given.retain(|_, value| !value.is_null());
        Self(given)
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<String, Fault> {
        self.optional_text(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.0.remove(name) {
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(Fault::bad_parameter(name, "it must be a text")),
            None => Ok(None),
        }
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Fault> {
        self.optional_flag(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        match self.0.remove(name) {
            Some(Json::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Fault::bad_parameter(name, "it must be true or false")),
            None => Ok(None),
        }
    }

    pub(crate) fn optional_count(&mut self, name: &str) -> Result<Option<u32>, Fault> {
        let Some(value) = self.0.remove(name) else {
            return Ok(None);
        };
        value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .map(Some)
            .ok_or_else(|| Fault::bad_parameter(name, "it must be a whole number from 0"))
    }

    /// A text that is one of `words`.
    pub(crate) fn word(&mut self, name: &str, words: &[&str]) -> Result<String, Fault> {
        self.optional_word(name, words)?
            .ok_or_else(|| missing(name))
    }

    pub(crate) fn optional_word(
        &mut self,
        name: &str,
        words: &[&str],
    ) -> Result<Option<String>, Fault> {
        let text = self.optional_text(name)?;
        match &text {
            Some(text) if !words.contains(&text.as_str()) => {
                let why = format!("it must be one of {}", words.join(", "));
                Err(Fault::bad_parameter(name, &why))
            }
            Some(_) | None => Ok(text),
        }
    }

    /// Everything, for whoever checks it himself.
    pub(crate) fn all(self) -> Object {
        self.0
    }

    /// Refuses what nobody asked for.
    pub(crate) fn done(self) -> Result<(), Fault> {
        match self.0.keys().next() {
            Some(name) => Err(Fault::bad_parameter(name, "it is not known here")),
            None => Ok(()),
        }
    }
}

fn missing(name: &str) -> Fault {
    Fault::bad_parameter(name, "it is missing")
}
