//! Which devices PipeWire prefers now, from its own notes.
//!
//! The library does not tell them, and PulseAudio's front end, which does, remembers an old one for ever on a connection
//! that is kept while devices come and go (seen with PipeWire 0.3.65, about once in two hundred changes).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use pipewire::context::ContextRc;
use pipewire::core::PW_ID_CORE;
use pipewire::loop_::Timeout;
use pipewire::main_loop::MainLoopRc;
use pipewire::metadata::Metadata;
use pipewire::types::ObjectType;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// The notes with the preferred devices in them, and the two entries.
const NOTES: &str = "default";
const SINK: &str = "default.audio.sink";
const SOURCE: &str = "default.audio.source";

/// Names of nodes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Favours {
    pub(super) source: Option<String>,
    pub(super) sink: Option<String>,
}

/// Asks the server; `None` when it does not answer.
pub(super) fn ask() -> Option<Favours> {
    pipewire::init();
    let mainloop = MainLoopRc::new(None).ok()?;
    let context = ContextRc::new(&mainloop, None).ok()?;
    let core = context.connect_rc(None).ok()?;
    let registry = core.get_registry_rc().ok()?;
    let favours = Rc::new(RefCell::new(Favours::default()));
    let bound = Rc::new(RefCell::new(Vec::new()));
    // What the server was asked and has not answered: first what there is, then what stands in the notes.
    let open = Rc::new(RefCell::new(vec![core.sync(0).ok()?]));
    let answered = Rc::clone(&open);
    let _answers = core
        .add_listener_local()
        .done(move |id, number| {
            if id == PW_ID_CORE {
                answered.borrow_mut().retain(|asked| *asked != number);
            }
        })
        .register();
    let (found, kept, asked) = (Rc::clone(&favours), Rc::clone(&bound), Rc::clone(&open));
    let (all, server) = (registry.clone(), core.clone());
    let _objects = registry
        .add_listener_local()
        .global(move |object| {
            let name = object.props.and_then(|about| about.get("metadata.name"));
            if object.type_ != ObjectType::Metadata || name != Some(NOTES) {
                return;
            }
            let Ok(notes) = all.bind::<Metadata, _>(object) else {
                return;
            };
            let found = Rc::clone(&found);
            let entries = notes
                .add_listener_local()
                .property(move |_, key, _, value| {
                    let named = value.and_then(name_in);
                    match key {
                        Some(SINK) => found.borrow_mut().sink = named,
                        Some(SOURCE) => found.borrow_mut().source = named,
                        _ => {}
                    }
                    0
                })
                .register();
            kept.borrow_mut().push((entries, notes));
            if let Ok(number) = server.sync(0) {
                asked.borrow_mut().push(number);
            }
        })
        .register();
    let begun = Instant::now();
    while !open.borrow().is_empty() {
        let left = PATIENCE.checked_sub(begun.elapsed())?;
        if mainloop.loop_().iterate(Timeout::Finite(left)) < 0 {
            return None;
        }
    }
    let favours = favours.borrow().clone();
    Some(favours)
}

/// The name in `{"name":"alsa_output.usb"}`. Names of nodes need no escapes.
fn name_in(json: &str) -> Option<String> {
    let (_, after) = json.split_once("\"name\"")?;
    let value = after.trim_start().strip_prefix(':')?.trim_start();
    let (name, _) = value.strip_prefix('"')?.split_once('"')?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_spaced() {
        for json in [
            r#"{"name":"plug_out"}"#,
            r#"{ "name": "plug_out" }"#,
            r#"{"x":1,"name" : "plug_out","y":2}"#,
        ] {
            assert_eq!(name_in(json).as_deref(), Some("plug_out"), "{json}");
        }
        for json in ["", "{}", "\"name\"", "{\"name\":", "{\"name\":\"open"] {
            assert_eq!(name_in(json), None, "{json}");
        }
    }
}
