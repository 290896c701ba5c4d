//! The AI assistant beside the calls: nothing it does or fails to do touches one (contact-center 5.8).

use std::time::Duration;

use deskline_wire::{Frame, Json};

use super::Desk;
use crate::{
    CommandError, CommandId, Effect, Event, InteractionId, Kind, Problem, RequestId, Rest,
    RoutingRequest,
    assistant::{self, NOT_ENABLED, Transcribing},
    failure,
};

/// A question to the assistant that has no answer yet.
#[derive(Debug)]
pub(super) struct Assist {
    request: RequestId,
    asked_for: AskedFor,
    since: Duration,
}

/// Who wants to know.
#[derive(Debug)]
enum AskedFor {
    /// Nobody: a start or stop, sent and forgotten.
    Event(InteractionId, Transcribing),
    /// A command that wants what was said.
    Transcripts(CommandId),
}

impl Desk {
    /// Starts or stops the transcript where a frame asks for it, and tells live transcripts.
    pub(super) fn assist(&mut self, frame: &Frame) {
        if frame.name() == Some("REAL_TIME_TRANSCRIPTION") {
            let task = assistant::interaction_of(frame).map(InteractionId::from);
            if let (Some(task), Some(data)) = (task, frame.data())
                && self.find(&task).is_some()
            {
                let data = Json::Object(data.clone());
                self.publish(Event::Transcript { task, data });
            }
            return;
        }
        let Some(agent) = &self.agent else { return };
        let (Some(action), Some(interaction)) = (
            Transcribing::of(frame, agent.id.as_str()),
            frame.interaction_id(),
        ) else {
            return;
        };
        if !assistant::is_enabled(&agent.profile) {
            return;
        }
        let rest = assistant::event(
            agent.id.as_str(),
            agent.org.as_str(),
            interaction,
            action,
            self.now.wall,
        );
        self.ask_assistant(AskedFor::Event(interaction.into(), action), rest);
    }

    /// Asks for what was said so far.
    pub(super) fn transcripts(&mut self, command: CommandId, interaction: &InteractionId) {
        let Some(agent) = &self.agent else { return };
        if !assistant::is_enabled(&agent.profile) {
            let mut error = CommandError::ours(Kind::Invalid, "TranscriptsNotEnabled", NOT_ENABLED);
            error.code = NOT_ENABLED.to_owned();
            return self.refuse(command, error);
        }
        let rest =
            assistant::transcripts(agent.id.as_str(), agent.org.as_str(), interaction.as_str());
        self.ask_assistant(AskedFor::Transcripts(command), rest);
    }

    fn ask_assistant(&mut self, asked_for: AskedFor, rest: Rest) {
        let request = self.request_id();
        self.assists.push(Assist {
            request,
            asked_for,
            since: self.now.at,
        });
        self.out
            .push(Effect::Routing(RoutingRequest::Assist(request, rest)));
    }

    /// Takes an answer of the assistant; false if the request was not for it.
    pub(super) fn assisted(&mut self, request: RequestId, answer: &Result<Json, Problem>) -> bool {
        let Some(index) = self.assists.iter().position(|ask| ask.request == request) else {
            return false;
        };
        let Assist {
            asked_for, since, ..
        } = self.assists.remove(index);
        match asked_for {
            AskedFor::Event(task, action) => {
                let problem = answer.as_ref().err();
                self.measure_assistant_event(&task, action, since, problem);
            }
            AskedFor::Transcripts(command) => match answer {
                Ok(body) => self.settle(command, body.clone()),
                Err(problem) => self.refuse(command, refusal(problem)),
            },
        }
        true
    }

    /// The session closes: nobody waits for transcripts any more.
    pub(super) fn end_all_assists(&mut self) {
        for assist in std::mem::take(&mut self.assists) {
            match assist.asked_for {
                AskedFor::Event(..) => {}
                AskedFor::Transcripts(command) => self.refuse(
                    command,
                    CommandError::ours(Kind::SignedOut, "SignedOut", "signed out meanwhile"),
                ),
            }
        }
    }
}

/// The refusal of a request for transcripts; a code the way gave is kept (O-34).
fn refusal(problem: &Problem) -> CommandError {
    let mut error = failure::sign_in(problem);
    error.code = problem
        .name
        .clone()
        .unwrap_or_else(|| "Service.reqs.generic.failure".to_owned());
    error.text = match &problem.name {
        Some(name) => name.clone(),
        None => "Error while performing fetchHistoricTranscripts".to_owned(),
    };
    error.message = String::new();
    error.field_name = Some(String::new());
    error.reason = Some(problem.text.clone());
    if problem.is_final && problem.status.is_none() && !problem.signed_out {
        // Nothing was asked: no address to ask is known.
        error.kind = Kind::Invalid;
    }
    error
}
