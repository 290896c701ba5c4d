//! From a method and its parameters to what the desk is asked (headless section 3).

use deskline_core::{
    Action, CommandError, Directory, InteractionId, Kind, Page, Secret, Station, StationOption,
    TeamId, Verb, VoiceSettings,
};
use deskline_session::DeskHandle;
use deskline_wire::{Json, Object, json};

use crate::config::sound;
use crate::json_rpc::Fault;
use crate::notifications::{quality, shown};
use crate::parameters::Parameters;

/// What a call asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// `session.signIn`, with the token to use if one was given.
    SignIn(Option<Secret>),
    /// `session.signInInteractive`.
    SignInInteractive {
        /// `browser` or `device`; the usual one if absent.
        flow: Option<String>,
        /// Which account.
        account: Option<String>,
    },
    /// `session.cancelSignIn`.
    CancelSignIn,
    /// `session.signOut`.
    SignOut,
    /// `session.get`.
    Session,
    /// `agent.state`.
    AgentState,
    /// `tasks.list`.
    Tasks,
    /// `task.get`.
    Task(InteractionId),
    /// `media.stats`.
    Sample(InteractionId),
    /// Everything the desk does by itself.
    Act(Action),
    /// `sandbox.direct`.
    Direct(Object),
    /// `shutdown`.
    Shutdown,
}

/// Reads a call; nothing is done yet.
///
/// # Errors
/// [`Fault::UnknownMethod`] or [`Fault::BadParameter`].
pub(crate) fn read(method: &str, params: Object, has_sandbox: bool) -> Result<Command, Fault> {
    let mut given = Parameters::new(params);
    if let Some(verb) = method.strip_prefix("task.") {
        let command = task(verb, &mut given)?.ok_or_else(|| unknown(method))?;
        given.done()?;
        return Ok(command);
    }
    let command = match method {
        "session.signIn" => Command::SignIn(given.optional_text("accessToken")?.map(Secret::new)),
        "session.get" => Command::Session,
        "session.signInInteractive" => Command::SignInInteractive {
            flow: given.optional_word("flow", &["browser", "device"])?,
            account: given.optional_text("account")?,
        },
        "session.cancelSignIn" => Command::CancelSignIn,
        "session.signOut" => Command::SignOut,
        "station.login" => Command::Act(Action::StationLogin(station(&mut given)?)),
        "station.change" => Command::Act(Action::StationChange(station(&mut given)?)),
        "station.logout" => Command::Act(Action::StationLogout {
            reason: given.optional_text("logoutReason")?,
        }),
        "agent.setState" => Command::Act(Action::SetState {
            state: given.word("state", &["Available", "Idle"])?,
            aux_code_id: given.text("auxCodeId")?,
            reason: given.optional_text("lastStateChangeReason")?,
        }),
        "agent.state" => Command::AgentState,
        "directory.agents" => {
            let directory = Directory::Agents {
                media_type: given.optional_text("mediaType")?,
                state: Some(
                    given
                        .optional_word("state", &["Available", "Idle"])?
                        .unwrap_or_else(|| "Available".to_owned()),
                ),
            };
            Command::Act(Action::Look(directory, page(&mut given)?))
        }
        "directory.queues" => Command::Act(Action::Look(Directory::Queues, page(&mut given)?)),
        "directory.entryPoints" => {
            Command::Act(Action::Look(Directory::EntryPoints, page(&mut given)?))
        }
        "directory.addressBook" => {
            let directory = Directory::AddressBook(given.optional_text("addressBookId")?);
            Command::Act(Action::Look(directory, page(&mut given)?))
        }
        "outdial.anis" => {
            let directory = Directory::OutdialAnis(given.optional_text("outdialANI")?);
            Command::Act(Action::Look(directory, page(&mut given)?))
        }
        "outdial.start" => Command::Act(Action::Outdial {
            destination: given.text("destination")?,
            origin: given.optional_text("origin")?,
        }),
        "campaign.accept" => Command::Act(Action::AcceptPreview(task_id(&mut given)?)),
        "tasks.list" => Command::Tasks,
        "media.stats" => Command::Sample(task_id(&mut given)?),
        "media.setVoice" => Command::Act(Action::SetVoice {
            device: given.optional_text("device")?.unwrap_or_default(),
            settings: voice(&mut given)?,
        }),
        "media.hearOriginal" => Command::Act(Action::HearOriginal(given.flag("on")?)),
        "sandbox.direct" if has_sandbox => return Ok(Command::Direct(given.all())),
        "shutdown" => Command::Shutdown,
        _ => return Err(unknown(method)),
    };
    given.done()?;
    Ok(command)
}

fn task(verb: &str, given: &mut Parameters) -> Result<Option<Command>, Fault> {
    // The name first, so that an unknown method is not called a known one with bad parameters.
    if !TASK_VERBS.contains(&verb) {
        return Ok(None);
    }
    let id = task_id(given)?;
    let verb = match verb {
        "get" => return Ok(Some(Command::Task(id))),
        "transcripts" => return Ok(Some(Command::Act(Action::Transcripts(id)))),
        "accept" => Verb::Accept,
        "decline" => Verb::Decline,
        "toggleMute" => Verb::ToggleMute,
        "hold" => Verb::Hold {
            media_resource_id: given.optional_text("mediaResourceId")?,
        },
        "resume" => Verb::Resume {
            media_resource_id: given.optional_text("mediaResourceId")?,
        },
        "pauseRecording" => Verb::PauseRecording,
        "resumeRecording" => Verb::ResumeRecording {
            auto_resumed: given.optional_flag("autoResumed")?.unwrap_or(false),
        },
        "consult" => Verb::Consult {
            to: given.text("to")?,
            destination_type: given.text("destinationType")?,
            hold_participants: given.optional_flag("holdParticipants")?,
        },
        "endConsult" => Verb::EndConsult {
            is_consult: given.flag("isConsult")?,
            queue_id: given.optional_text("queueId")?,
            is_secondary_ep_dn_agent: given
                .optional_flag("isSecondaryEpDnAgent")?
                .unwrap_or(false),
        },
        "consultTransfer" => {
            // The target is computed (contact-center 8.7); what is given is looked at, not used.
            given.optional_text("to")?;
            given.optional_text("destinationType")?;
            Verb::ConsultTransfer
        }
        "transfer" => Verb::Transfer {
            to: given.text("to")?,
            destination_type: given.text("destinationType")?,
        },
        "consultConference" => Verb::ConsultConference,
        "exitConference" => Verb::ExitConference,
        "transferConference" => Verb::TransferConference,
        "end" => Verb::End,
        "wrapup" => Verb::Wrapup {
            aux_code_id: given.text("auxCodeId")?,
            reason: given.text("wrapUpReason")?,
        },
        "cancelAutoWrapupTimer" => Verb::CancelAutoWrapupTimer,
        "sendDigits" => Verb::SendDigits(digits(given)?),
        _ => return Ok(None),
    };
    Ok(Some(Command::Act(Action::Task(id, verb))))
}

const TASK_VERBS: [&str; 20] = [
    "get",
    "transcripts",
    "accept",
    "decline",
    "toggleMute",
    "hold",
    "resume",
    "pauseRecording",
    "resumeRecording",
    "consult",
    "endConsult",
    "consultTransfer",
    "transfer",
    "consultConference",
    "exitConference",
    "transferConference",
    "end",
    "wrapup",
    "cancelAutoWrapupTimer",
    "sendDigits",
];

/// How a voice shall be treated; what is not given is as by default.
fn voice(given: &mut Parameters) -> Result<VoiceSettings, Fault> {
    let plain = VoiceSettings::default();
    let echo = given.optional_word("echo", &sound::ECHO)?;
    let noise = given.optional_word("noise", &sound::NOISE)?;
    Ok(VoiceSettings {
        echo: echo.map_or(plain.echo, |word| sound::echo(&word)),
        noise: noise.map_or(plain.noise, |word| sound::noise(&word)),
        far_noise: given.optional_flag("farNoise")?.unwrap_or(plain.far_noise),
        gain: given.optional_flag("gain")?.unwrap_or(plain.gain),
    })
}

fn unknown(method: &str) -> Fault {
    Fault::UnknownMethod(method.to_owned())
}

fn task_id(given: &mut Parameters) -> Result<InteractionId, Fault> {
    Ok(InteractionId(given.text("taskId")?))
}

fn station(given: &mut Parameters) -> Result<Station, Fault> {
    let team_id = TeamId(given.text("teamId")?);
    let word = given.word("loginOption", &["BROWSER", "EXTENSION", "AGENT_DN"])?;
    let option = StationOption::from_word(&word)
        .ok_or_else(|| Fault::bad_parameter("loginOption", "it is not known"))?;
    Ok(Station {
        team_id,
        option,
        dial_number: given.optional_text("dialNumber")?,
    })
}

fn page(given: &mut Parameters) -> Result<Page, Fault> {
    Ok(Page {
        search: given.optional_text("search")?,
        filter: given.optional_text("filter")?,
        attributes: given.optional_text("attributes")?,
        sort_by: given.optional_text("sortBy")?,
        sort_order: given.optional_text("sortOrder")?,
        page: given.optional_count("page")?,
        page_size: given.optional_count("pageSize")?,
    })
}

fn digits(given: &mut Parameters) -> Result<String, Fault> {
    let digits = given.text("digits")?;
    let is_tone = |digit: char| matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D' | ',');
    if digits.is_empty() || !digits.chars().all(is_tone) {
        return Err(Fault::bad_parameter(
            "digits",
            "it must consist of 0-9 * # A-D and ,",
        ));
    }
    Ok(digits)
}

/// What the desk knows, without asking anybody.
///
/// # Errors
/// [`Fault::Failed`] if it does not, or has stopped.
pub(crate) async fn look(desk: &DeskHandle, what: Looked) -> Result<Json, Fault> {
    match what {
        Looked::Session => {
            let profile = desk.profile().await.map_err(CommandError::from)?;
            let snapshot = desk.snapshot().await.map_err(CommandError::from)?;
            Ok(json!({"profile": profile, "connection": shown(&snapshot.connection)}))
        }
        Looked::AgentState => {
            let state = desk.snapshot().await.map_err(CommandError::from)?.state;
            Ok(json!({
                "state": state.as_ref().map(|state| &state.state),
                "auxCodeId": state.as_ref().map(|state| &state.aux_code_id),
                "since": state.as_ref().and_then(|state| state.since),
            }))
        }
        Looked::Tasks => {
            let tasks = desk.tasks().await.map_err(CommandError::from)?;
            Ok(json!({"tasks": shown(&tasks)}))
        }
        Looked::Task(id) => {
            let found = desk.task(&id).view().await.map_err(CommandError::from)?;
            let (view, data) = found.ok_or_else(|| no_task(&id))?;
            Ok(json!({"task": shown(&view), "data": data}))
        }
        Looked::Sample(id) => {
            let task = desk.task(&id);
            match task.sample().await.map_err(CommandError::from)? {
                Some(sample) => Ok(quality(id.as_str(), &sample)),
                None if task.view().await.map_err(CommandError::from)?.is_none() => {
                    Err(no_task(&id).into())
                }
                None => {
                    Err(CommandError::ours(Kind::Invalid, "NoCall", "no call for this task").into())
                }
            }
        }
    }
}

/// What [`look`] can be asked.
#[derive(Debug, Clone)]
pub(crate) enum Looked {
    Session,
    AgentState,
    Tasks,
    Task(InteractionId),
    Sample(InteractionId),
}

fn no_task(id: &InteractionId) -> CommandError {
    CommandError::ours(Kind::Invalid, "NoTask", format!("No task {id}"))
}

#[cfg(test)]
#[path = "methods_tests.rs"]
mod tests;
